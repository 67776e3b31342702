"""A convolution unit with named parts, as OpenMMLab's networks have them."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def conv_unit(
    in_channels: int,
    out_channels: int,
    kernel: int = 3,
    stride: int = 1,
    relu: bool = True,
    batch_norm: bool = False,
    norm_groups: int | None = None,
) -> nn.Sequential:
    """Convolution, optionally BatchNorm or GroupNorm and, unless told otherwise, ReLU: keys ``.conv`` and ``.bn`` or ``.gn``.

    ``norm_groups`` is the number of groups of the GroupNorm; the convolution has a bias only where no norm follows.
    """
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    plain = not batch_norm and norm_groups is None
    parts["conv"] = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=plain)
    if batch_norm:
        parts["bn"] = nn.BatchNorm2d(out_channels)
    if norm_groups is not None:
        parts["gn"] = nn.GroupNorm(norm_groups, out_channels)
    if relu:
        parts["activate"] = nn.ReLU(inplace=True)
    return nn.Sequential(parts)
