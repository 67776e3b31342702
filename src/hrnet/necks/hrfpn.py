"""The neck of HRNetV2p: a feature pyramid from all resolutions at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.conv_unit import conv_unit
from hrnet.nn.initialization import initialize


class HRFPN(nn.Module):
    """Concatenated branches, reduced by a 1x1 convolution, averaged to a pyramid, and a 3x3 convolution on each level.

    Source: Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020, section 3.3,
    HRNetV2p.

    Args:
        channels: width of each branch, finest first.
        out_channels: width of every level.
        num_levels: levels of the pyramid; level l averages squares of 2^l pixels.
        stride: of the 3x3 convolutions: 1, or 2 for a pyramid that starts one octave coarser (FCOS).

    Shape: branches (B, C_b, H / 2^b, W / 2^b) to a list of (B, out_channels, H / 2^l / stride, W / 2^l / stride); the
    averages drop an incomplete last row or column, the convolutions round up. Where a side has no 2^l pixels, all of
    them are averaged, so that small pictures still have every level.
    """

    def __init__(self, channels: Sequence[int], out_channels: int = 256, num_levels: int = 5, stride: int = 1) -> None:
        super().__init__()
        if num_levels < 1:
            raise ValueError(f"a feature pyramid needs at least 1 level, got num_levels={num_levels}")
        self.reduction_conv = conv_unit(sum(channels), out_channels, 1, relu=False)
        self.fpn_convs = nn.ModuleList(conv_unit(out_channels, out_channels, 3, stride, relu=False) for _ in range(num_levels))
        initialize(self, outputs=())

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        fused = self.reduction_conv(concatenate_branches(features))
        return [conv(_averaged(fused, 2**level)) for level, conv in enumerate(self.fpn_convs)]


def _averaged(x: Tensor, side: int) -> Tensor:
    """Means of squares of ``side`` pixels."""
    if side == 1:
        return x
    height, width = x.shape[-2:]
    return F.avg_pool2d(x, (min(side, height), min(side, width)))
