"""The semantic head of the hybrid task cascade: all levels brought together to label every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from hrnet.nn.conv_unit import conv_unit
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize


class SemanticOutput(NamedTuple):
    """What the semantic head returns, at the resolution of the level where the others meet.

    Attributes:
        logits: (B, num_classes, h, w), before the softmax.
        feature: (B, channels, h, w), from which regions are cut for the box and mask heads.
    """

    logits: Tensor
    feature: Tensor


class SemanticFusionHead(nn.Module):
    """Levels resized to one of them, a 1x1 convolution on each, their sum, four 3x3 convolutions and two 1x1 outputs.

    Source: Chen et al., "Hybrid Task Cascade for Instance Segmentation", CVPR 2019, section 3.2 and figure 3.

    Args:
        num_classes: 183 are COCO's things and stuff.
        num_levels: levels of the pyramid.
        meeting_level: the level whose resolution the others are brought to, bilinearly, corners aligned.

    Shape: levels (B, channels, h_l, w_l) to a `SemanticOutput`.
    """

    resize = Upsampling("bilinear", align_corners=True)

    def __init__(self, num_classes: int = 183, channels: int = 256, num_levels: int = 5, meeting_level: int = 1) -> None:
        super().__init__()
        if not 0 <= meeting_level < num_levels:
            raise ValueError(f"meeting_level must be 0 to {num_levels - 1}, got {meeting_level}")
        self.meeting_level = meeting_level
        self.lateral_convs = nn.ModuleList(conv_unit(channels, channels, 1) for _ in range(num_levels))
        self.convs = nn.Sequential(*(conv_unit(channels, channels) for _ in range(4)))
        self.conv_embedding = conv_unit(channels, channels, 1)
        self.conv_logits = nn.Conv2d(channels, num_classes, 1)
        initialize(self, outputs=())

    def forward(self, levels: Sequence[Tensor]) -> SemanticOutput:
        meeting = levels[self.meeting_level]
        laterals = [
            conv(level if index == self.meeting_level else self.resize(level, meeting))
            for index, (conv, level) in enumerate(zip(self.lateral_convs, levels, strict=True))
        ]
        total = laterals[0]
        for lateral in laterals[1:]:
            total = total + lateral
        feature = self.convs(total)
        return SemanticOutput(self.conv_logits(feature), self.conv_embedding(feature))
