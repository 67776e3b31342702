"""Build and run networks on the meta device in a fraction of the time."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

# What the meta device takes most of its time for, though the shape that comes out is the one that goes in.
_KEEP_SHAPE = {"batch_norm", "group_norm", "relu", "dropout2d", "exp"}
_FILL = {
    "kaiming_normal_",
    "kaiming_uniform_",
    "xavier_uniform_",
    "normal_",
    "uniform_",
    "zeros_",
    "ones_",
    "constant_",
    "fill_",
}


class ShapesOnly(TorchFunctionMode):
    """Leave out arithmetic that no shape depends on; tensors have to be on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _KEEP_SHAPE or name in _FILL:
            return args[0] if args else kwargs["tensor"]
        if name == "interpolate" and kwargs.get("size") is not None:
            return torch.empty(*args[0].shape[:2], *kwargs["size"], device="meta")
        return func(*args, **kwargs)
