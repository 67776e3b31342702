"""Classification on HRNet: all four resolutions, folded into the coarsest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.models.hrnet_features import INCREASED_PLANES, increase_channels
from hrnet.nn.blocks import Bottleneck
from hrnet.nn.initialization import initialize


class ClsHRNet(HRNet):
    """HRNet with the classification head (Wang et al., TPAMI 2020, appendix, "ImageNet classification").

    Every branch is widened by a Bottleneck; from the finest on, the sum so far is halved in size and added to the next.

    Args:
        spec: the body.
        num_classes: how many classes there are.
        head_planes: of the four Bottlenecks. The published (32, 64, 128, 256) make a head of 13 to 15 million parameters, made
            for ImageNet's thousand classes; a few classes need less.

    Shape: (B, in_channels, H, W), normalised, to logits (B, num_classes).
    """

    def __init__(self, spec: HRNetSpec, num_classes: int = 1000, head_planes: Sequence[int] = INCREASED_PLANES) -> None:
        super().__init__(replace(spec, outputs="all"))
        if len(head_planes) != len(INCREASED_PLANES) or min(head_planes) < 1:
            raise ValueError(f"head_planes must be four positive numbers, one for each branch, got {list(head_planes)}")
        self.num_classes = num_classes
        self.incre_modules = increase_channels(spec.channels, head_planes)
        widths = [planes * Bottleneck.expansion for planes in head_planes]
        pooled = 2 * widths[-1]
        self.downsamp_modules = nn.ModuleList(
            nn.Sequential(nn.Conv2d(finer, coarser, 3, 2, 1), nn.BatchNorm2d(coarser), nn.ReLU(inplace=True))
            for finer, coarser in pairwise(widths)
        )
        self.final_layer = nn.Sequential(nn.Conv2d(widths[-1], pooled, 1), nn.BatchNorm2d(pooled), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(pooled, num_classes)
        initialize(self, outputs=(), batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> Tensor:
        widened = [increase(branch) for increase, branch in zip(self.incre_modules, features, strict=True)]
        total = widened[0]
        for halve, coarser in zip(self.downsamp_modules, widened[1:], strict=True):
            total = coarser + halve(total)
        return self.classifier(self.final_layer(total).mean(dim=(2, 3)))
