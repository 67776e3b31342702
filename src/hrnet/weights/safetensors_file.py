"""Read and write safetensors files with one copy of the weights in memory and no file left mapped."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hrnet.atomic_files import atomic_path
from hrnet.errors import CheckpointError

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def looks_like_safetensors(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a safetensors file: 8 bytes of length, then a JSON object."""
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000


def read_safetensors_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str], set[torch.dtype]]:
    """Return the tensors (half precision as float32), the metadata, and the types as they were stored.

    The tensors are read, not mapped: a mapped file that is overwritten takes the process down, and on Windows cannot be
    overwritten at all.

    Raises:
        CheckpointError: the file is damaged or cut off, or holds a type of number that is not used here.
    """
    try:
        with safe_open(path, framework="pt") as opened:  # checks the header and that all data are there
            metadata = dict(opened.metadata() or {})
    except SafetensorError as error:
        raise CheckpointError(_damaged(path, error)) from error
    state: dict[str, Tensor] = {}
    stored: set[torch.dtype] = set()
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] not in _DTYPES:
                raise CheckpointError(f"{path}: {name} has numbers of type {entry['dtype']}; known: {', '.join(_DTYPES)}")
            tensor = torch.empty(entry["shape"], dtype=_DTYPES[entry["dtype"]])
            if tensor.numel():
                file.seek(8 + length + entry["data_offsets"][0])
                buffer = tensor.view(-1).view(torch.uint8).numpy()
                if file.readinto(buffer) != buffer.nbytes:  # pyright: ignore[reportArgumentType]
                    raise CheckpointError(f"{path} changed while it was read")
            stored.add(tensor.dtype)
            state[name] = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
    return state, metadata, stored


def write_safetensors_file(path: str | os.PathLike[str], state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write the whole file or nothing. Raises OSError (disk full, no permission) with the name of ``path``."""
    with atomic_path(path) as temporary:
        permissions = stat.S_IMODE(os.stat(temporary).st_mode)
        try:
            save_file(dict(state), temporary, metadata={"format": "pt", **metadata})
        except SafetensorError as error:  # wraps what the system said
            number = re.search(r"(?:os error|code:) (\d+)", str(error))
            if number is None:
                raise
            code = int(number[1])
            raise OSError(code, os.strerror(code), None, code) from error  # the last is Windows' own number, else unused
        os.chmod(temporary, permissions)  # safetensors makes files that nobody else may read
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())


def _damaged(path: Path, error: Exception) -> str:
    size = path.stat().st_size
    what = f"damaged, or only half of it is there ({size} bytes)"
    return f"{path} is a safetensors file, but {what}: copy or download it again ({error})"
