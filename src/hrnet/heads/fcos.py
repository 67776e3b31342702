"""The FCOS head: class, box and centre-ness of every pixel of the pyramid, without anchors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hrnet.nn.conv_unit import conv_unit
from hrnet.nn.initialization import initialize_normal

NORM_GROUPS = 32
# Of RetinaNet (Lin et al., ICCV 2017, section 4.1): a fresh network gives each class this probability, so that the first
# steps are not spent on the background.
FRESH_PROBABILITY = 0.01


class PixelBoxOutput(NamedTuple):
    """What the FCOS head says of every pixel, per level, finest first.

    Attributes:
        logits: (B, K, h, w), classes before the sigmoid; there is no background class.
        distances: (B, 4, h, w), from the pixel to the left, top, right and bottom side of its box, in input pixels;
            positive.
        centerness: (B, 1, h, w), before the sigmoid.
    """

    logits: list[Tensor]
    distances: list[Tensor]
    centerness: list[Tensor]


class Scale(nn.Module):
    """A factor that is learnt: key ``scale``, a number without dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x


class FCOSHead(nn.Module):
    """Two towers of four 3x3 convolutions with GroupNorm, shared by all levels, and a factor per level for its boxes.

    Source: Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019, section 3 and figure 2; the
    centre-ness is predicted beside the classes.

    Args:
        num_classes: K, without the background.
        num_levels: levels of the pyramid.

    Shape: levels (B, channels, h, w) to a `PixelBoxOutput`.
    """

    def __init__(self, num_classes: int, channels: int = 256, num_levels: int = 5) -> None:
        super().__init__()
        self.cls_convs = _tower(channels)
        self.reg_convs = _tower(channels)
        self.conv_cls = nn.Conv2d(channels, num_classes, 3, 1, 1)
        self.conv_reg = nn.Conv2d(channels, 4, 3, 1, 1)
        self.conv_centerness = nn.Conv2d(channels, 1, 3, 1, 1)
        self.scales = nn.ModuleList(Scale() for _ in range(num_levels))
        initialize_normal(self, std=0.01)
        assert self.conv_cls.bias is not None
        nn.init.constant_(self.conv_cls.bias, -math.log((1 - FRESH_PROBABILITY) / FRESH_PROBABILITY))

    def forward(self, levels: Sequence[Tensor]) -> PixelBoxOutput:
        output = PixelBoxOutput([], [], [])
        for level, scale in zip(levels, self.scales, strict=True):
            classes = self.cls_convs(level)
            output.logits.append(self.conv_cls(classes))
            output.distances.append(scale(self.conv_reg(self.reg_convs(level))).exp())
            output.centerness.append(self.conv_centerness(classes))
        return output


def _tower(channels: int) -> nn.Sequential:
    return nn.Sequential(*(conv_unit(channels, channels, norm_groups=NORM_GROUPS) for _ in range(4)))
