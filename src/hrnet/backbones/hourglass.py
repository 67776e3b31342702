"""The hourglass: down to 1/16 of its input and up again, with a skip path at every level."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ConvUnit(nn.Module):
    """Convolution with bias, then optionally BatchNorm and ReLU: keys ``conv`` and ``bn``."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, bn: bool = False, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2)
        self.bn = nn.BatchNorm2d(out_channels) if bn else None
        self.relu = nn.ReLU(inplace=True) if relu else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return x if self.relu is None else self.relu(x)


class PreActivationResidual(nn.Module):
    """Pre-activation bottleneck residual of half the output width (Newell et al. 2016, figure 4 left).

    The reference keeps ``skip_layer`` in every block, used or not; it is part of the published state dicts, so it is
    kept here, and acts only where the widths differ.
    """

    norm_before_conv = True

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = ConvUnit(in_channels, half, 1, relu=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = ConvUnit(half, half, 3, relu=False)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv3 = ConvUnit(half, out_channels, 1, relu=False)
        self.skip_layer = ConvUnit(in_channels, out_channels, 1, relu=False)
        self.relu = nn.ReLU()
        self.needs_skip = in_channels != out_channels

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        out = self.conv3(self.relu(self.bn3(out)))
        return out + (self.skip_layer(x) if self.needs_skip else x)


class Hourglass(nn.Module):
    """Recursive hourglass of constant width (Newell et al., "Stacked Hourglass Networks", ECCV 2016, section 3.1).

    Shape: (B, channels, H, W) to the same shape. Sizes that do not halve exactly are met by the nearest upsampling.
    """

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        self.up1 = PreActivationResidual(channels, channels)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.low1 = PreActivationResidual(channels, channels)
        self.low2 = Hourglass(depth - 1, channels) if depth > 1 else PreActivationResidual(channels, channels)
        self.low3 = PreActivationResidual(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.up1(x)
        low = self.low3(self.low2(self.low1(self.pool1(x))))
        return skip + F.interpolate(low, size=skip.shape[-2:], mode="nearest")
