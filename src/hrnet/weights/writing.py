"""Writing checkpoint files: the whole file, or none."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrnet.atomic_files import atomic_path
from hrnet.weights.safetensors_file import write_safetensors_file

WRITTEN_SUFFIXES = (".safetensors", ".pth")


def write_checkpoint(
    path: str | os.PathLike[str], state: Mapping[str, Tensor], texts: Mapping[str, str], half: bool = False
) -> Path:
    """Write a state dict, and texts beside it.

    A safetensors file has the texts in its metadata (and no order of its entries). A ``.pth`` file is what
    ``torch.save(state_dict)`` writes, in the order of ``state``; with texts, the state dict is the entry ``state_dict``.

    Args:
        path: ends in ``.safetensors`` or ``.pth``.
        half: store convolutions and matrices in float16; see `stored`.

    Raises:
        ValueError: another suffix.
        OSError: the disk is full or the folder cannot be written to; nothing partial is left behind.
    """
    target = Path(path)
    if target.suffix not in WRITTEN_SUFFIXES:
        raise ValueError(f"checkpoints are written as {' or '.join(WRITTEN_SUFFIXES)}, got {target.name!r}")
    tensors = {name: stored(tensor, half) for name, tensor in state.items()}
    if target.suffix == ".safetensors":
        write_safetensors_file(target, tensors, texts)
        return target
    write_torch_file(target, {"state_dict": tensors, **texts} if texts else tensors)
    return target


def write_torch_file(path: str | os.PathLike[str], content: Any) -> None:
    """``torch.save``, the whole file or none. Raises OSError as `hrnet.atomic_files.atomic_path` does."""
    with atomic_path(path) as temporary:
        try:
            # By name: interrupted in the middle, torch would write the rest into a Python file that is closed, and abort.
            torch.save(content, temporary)
        except RuntimeError as error:  # torch's own writer does not say which error of the system it met
            full = shutil.disk_usage(temporary.parent).free < 1 << 20
            raise OSError(errno.ENOSPC if full else errno.EIO, f"torch could not write: {error}", str(path)) from error
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())


def stored(tensor: Tensor, half: bool) -> Tensor:
    """What goes into the file: contiguous, on the CPU, and in float16 if asked for.

    Vectors (BatchNorm, biases) stay float32: they are small and reach beyond float16. So does a convolution with weights that
    float16 cannot hold.
    """
    tensor = tensor.detach().cpu().contiguous()
    if half and tensor.dtype == torch.float32 and tensor.ndim > 1:
        smaller = tensor.half()
        if bool(torch.isfinite(smaller).all()) or not bool(torch.isfinite(tensor).all()):
            return smaller
    return tensor
