"""Networks without numbers, which take those of a file as their own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hrnet.models.variants import build_model

_FILLING = {Tensor.normal_, Tensor.uniform_, Tensor.zero_, Tensor.fill_}


class _NoFilling(TorchFunctionMode):
    """Leave out the starting weights: on the meta device they take half of the time and fill nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return args[0] if func in _FILLING else func(*args, **(kwargs or {}))


def empty_network(name: str, num_outputs: int | None = None, **options: Any) -> nn.Module:
    """Build a network on the meta device: shapes, but neither memory nor weights. Otherwise as `hrnet.models.build_model`."""
    with torch.device("meta"), _NoFilling():
        return build_model(name, num_outputs, **options)
