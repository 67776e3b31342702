"""Classification on HRNet: all four resolutions, folded into the coarsest."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.models.hrnet_features import INCREASED_CHANNELS, increase_channels
from hrnet.nn.initialization import initialize

POOLED_CHANNELS = 2048


class ClsHRNet(HRNet):
    """HRNet with the classification head (Wang et al., TPAMI 2020, appendix, "ImageNet classification").

    Every branch is widened by a Bottleneck; from the finest on, the sum so far is halved in size and added to the next.

    Shape: (B, in_channels, H, W), normalised, to logits (B, num_classes).
    """

    def __init__(self, spec: HRNetSpec, num_classes: int = 1000) -> None:
        super().__init__(replace(spec, outputs="all"))
        self.num_classes = num_classes
        self.incre_modules = increase_channels(spec.channels)
        self.downsamp_modules = nn.ModuleList(
            nn.Sequential(nn.Conv2d(finer, coarser, 3, 2, 1), nn.BatchNorm2d(coarser), nn.ReLU(inplace=True))
            for finer, coarser in pairwise(INCREASED_CHANNELS)
        )
        self.final_layer = nn.Sequential(
            nn.Conv2d(INCREASED_CHANNELS[-1], POOLED_CHANNELS, 1), nn.BatchNorm2d(POOLED_CHANNELS), nn.ReLU(inplace=True)
        )
        self.classifier = nn.Linear(POOLED_CHANNELS, num_classes)
        initialize(self, outputs=(), batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> Tensor:
        widened = [increase(branch) for increase, branch in zip(self.incre_modules, features, strict=True)]
        total = widened[0]
        for halve, coarser in zip(self.downsamp_modules, widened[1:], strict=True):
            total = coarser + halve(total)
        return self.classifier(self.final_layer(total).mean(dim=(2, 3)))
