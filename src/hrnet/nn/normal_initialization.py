"""Starting weights of the layers of detection heads."""

from __future__ import annotations

from torch import nn


def initialize_normal(module: nn.Module, std: float) -> None:
    """Fill the convolutions and linear layers of ``module`` in place: weights N(0, std), biases 0."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
