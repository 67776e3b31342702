"""Starting weights of networks that are trained from scratch."""

from __future__ import annotations

from torch import nn


def initialize(network: nn.Module, outputs: tuple[str, ...] = ("final_layer",), batch_norm_momentum: float = 0.1) -> None:
    """Fill ``network`` in place for training from scratch, and set the momentum of its BatchNorms.

    Convolutions get Kaiming normal weights (fan-out, ReLU), BatchNorms 1 and 0. The modules named in ``outputs`` predict
    heatmaps, which are almost zero everywhere: they start at N(0, 0.001) with bias 0, so that the first steps do not
    swing. The reference uses N(0, 0.001) throughout because its recipes start from ImageNet weights.
    """
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            if any(f"{name}.".startswith(f"{output}.") for output in outputs):
                nn.init.normal_(module.weight, std=0.001)
            else:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = batch_norm_momentum
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def initialize_normal(module: nn.Module, std: float) -> None:
    """Fill the convolutions and linear layers of a detection head in place: weights N(0, std), biases 0."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
