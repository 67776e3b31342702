"""Read the pickles that ``torch.save`` writes, without ever running what is in them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrnet.errors import CheckpointError

# Book-keeping of well-known training frameworks. Their classes are never imported: an inert placeholder takes their place.
_INERT_NAMES = frozenset(
    {
        "argparse.Namespace",
        "mmengine.logging.history_buffer.HistoryBuffer",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy.dtype",
        "numpy.ndarray",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath",
    }
)

_ZIP_MAGIC = b"PK\x03\x04"


class _Placeholder:
    """Stands for an object that is of no interest: takes any arguments and state, and does nothing with them."""

    def __init__(self, *_args: Any, **_named: Any) -> None:
        pass

    def __new__(cls, *_args: Any, **_named: Any) -> _Placeholder:
        return super().__new__(cls)

    def __setstate__(self, _state: Any) -> None:
        pass


def read_pytorch_file(path: Path) -> Any:
    """Return what ``torch.save`` wrote to ``path``, on the CPU, with storages of its own (nothing stays mapped).

    Raises:
        CheckpointError: the file is damaged, or its pickle asks for functions or classes beyond plain tensors.
    """
    return _load(path, mapped=False)


def map_pytorch_file(path: Path) -> Any | None:
    """Like `read_pytorch_file`, but tensors are views of the mapped file; None if this kind of file cannot be mapped."""
    with open(path, "rb") as file:
        if file.read(4) != _ZIP_MAGIC or path.suffix == ".safetensors":
            return None
    return _load(path, mapped=True)


def _load(path: Path, mapped: bool) -> Any:
    _check_archive(path)
    replaced: dict[str, type] = {}
    while True:
        try:
            with _placeholders(replaced):
                if mapped:
                    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
                with open(path, "rb") as file:  # given a name, torch would go by its suffix
                    return torch.load(file, map_location="cpu", weights_only=True)
        except OSError as error:
            if error.errno is not None:  # the system's reason (permissions, a failing disk), not the file's content
                raise
            raise CheckpointError(_damaged(path, error)) from error
        except Exception as error:  # a damaged pickle can fail in any way at all
            wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
            if wanted is None and "reduce for unrecognized function" not in str(error):
                raise CheckpointError(_damaged(path, error)) from error
            name = wanted[1] if wanted else "a function"
            if name not in _INERT_NAMES or name in replaced or not hasattr(torch.serialization, "safe_globals"):
                raise CheckpointError(
                    f"{path} is refused: its pickle asks for {name!r}, and loading that would run code from the file. "
                    "Nothing was run. If you trust its origin, load it where it was made and save the plain weights with "
                    "torch.save(model.state_dict(), ...)"
                ) from error
            replaced[name] = _Placeholder


def _placeholders(names: dict[str, type]) -> AbstractContextManager[Any]:
    return torch.serialization.safe_globals([(kind, name) for name, kind in names.items()]) if names else nullcontext()


def _check_archive(path: Path) -> None:
    """Tell a zip that is no checkpoint of PyTorch's from one that is damaged, before torch's reader words it its way."""
    with open(path, "rb") as file:
        if file.read(4) != _ZIP_MAGIC:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise CheckpointError(_damaged(path, error)) from error
    if not any(name.endswith("data.pkl") for name in names):
        raise CheckpointError(f"{path} is a zip archive, but not one that torch.save wrote: it holds {_few(names)}")
    if any(name.endswith("constants.pkl") for name in names):
        raise CheckpointError(f"{path} is a TorchScript program, not a checkpoint: give the file with the state dict")


def _damaged(path: Path, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    return f"{path} is damaged or only half of it is there ({path.stat().st_size} bytes): copy or download it again ({reason})"


def _few(names: list[str]) -> str:
    return (", ".join(names[:4]) + (", ..." if len(names) > 4 else "")) or "nothing"


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors in nested mappings, lists and tuples."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from tensors_in(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from tensors_in(entry)
