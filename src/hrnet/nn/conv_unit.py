"""The convolution unit of the detection networks, with named parts."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def conv_unit(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, relu: bool = True, norm_groups: int | None = None
) -> nn.Sequential:
    """Convolution, optionally GroupNorm and, unless told otherwise, ReLU: keys ``.conv`` and ``.gn``.

    ``norm_groups`` is the number of groups of the GroupNorm; the convolution has a bias only where no norm follows.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["conv"] = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=norm_groups is None)
    if norm_groups is not None:
        parts["gn"] = nn.GroupNorm(norm_groups, out_channels)
    if relu:
        parts["activate"] = nn.ReLU(inplace=True)
    return nn.Sequential(parts)
