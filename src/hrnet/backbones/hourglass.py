"""The hourglass: down to 1/16 of its input and up again, with a skip path at every level; and hourglasses in a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
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


def halving() -> nn.MaxPool2d:
    """2x2 maximum with stride 2; an odd side is rounded up, as the stride-2 convolutions of the other networks do."""
    return nn.MaxPool2d(2, 2, ceil_mode=True)


class Hourglass(nn.Module):
    """Recursive hourglass (Newell et al., "Stacked Hourglass Networks", ECCV 2016, section 3.1).

    Args:
        depth: how often the resolution is halved.
        channels: width of input and output.
        growth: how many channels each halving adds; 0 in the original, 128 in associative embedding.
        unit: makes the layers between two widths from (in_channels, out_channels), keeping the resolution.

    Shape: (B, channels, H, W), any size, to the same shape. Sides that do not halve exactly are rounded up, and the nearest
    upsampling meets them: every pixel comes back to where it was.
    """

    def __init__(
        self,
        depth: int,
        channels: int,
        growth: int = 0,
        unit: Callable[[int, int], nn.Module] = PreActivationResidual,
    ) -> None:
        super().__init__()
        inner = channels + growth
        self.up1 = unit(channels, channels)
        self.pool1 = halving()
        self.low1 = unit(channels, inner)
        self.low2 = Hourglass(depth - 1, inner, growth, unit) if depth > 1 else unit(inner, inner)
        self.low3 = unit(inner, channels)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.up1(x)
        low = self.low3(self.low2(self.low1(self.pool1(x))))
        return skip + F.interpolate(low, size=skip.shape[-2:], mode="nearest")


class Merge(nn.Module):
    """1x1 convolution that brings a stack's feature or prediction back into the stream: key ``conv.conv``."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvUnit(in_channels, out_channels, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class HourglassStack(nn.Module):
    """Stacks in a row, each predicting maps that the next one sees (Newell et al., ECCV 2016, section 3).

    Args:
        pre: picture to (B, channels, H / 4, W / 4).
        stages: what a stack passes its input through, by attribute name: makers of modules that keep the shape. The last
            one gives the feature that is predicted from.
        num_stacks: how many stacks.
        channels: width of the stream.
        num_outputs: maps that every stack predicts.

    Shape: (B, in_channels, H, W), any size, to (B, num_stacks, num_outputs, H / 4, W / 4), rounded up; the last stack is the
    one to decode, all are supervised.
    """

    def __init__(
        self,
        pre: nn.Module,
        stages: Mapping[str, Callable[[], nn.Module]],
        num_stacks: int,
        channels: int,
        num_outputs: int,
    ) -> None:
        super().__init__()
        if num_stacks < 1:
            raise ValueError(f"num_stacks must be at least 1, got {num_stacks}")
        self.num_stacks = num_stacks
        self.pre = pre
        for name, make in stages.items():
            self.add_module(name, nn.ModuleList(make() for _ in range(num_stacks)))
        self.outs = nn.ModuleList(ConvUnit(channels, num_outputs, 1, relu=False) for _ in range(num_stacks))
        self.merge_features = nn.ModuleList(Merge(channels, channels) for _ in range(num_stacks - 1))
        self.merge_preds = nn.ModuleList(Merge(num_outputs, channels) for _ in range(num_stacks - 1))
        self._stages = tuple(stages)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pre(x)
        predictions = []
        for stack in range(self.num_stacks):
            feature = x
            for name in self._stages:
                feature = self.get_submodule(f"{name}.{stack}")(feature)
            predictions.append(self.outs[stack](feature))
            if stack < self.num_stacks - 1:
                x = x + self.merge_preds[stack](predictions[-1]) + self.merge_features[stack](feature)
        return torch.stack(predictions, dim=1)
