"""Bottom-up pose on HRNetV1 at one resolution: heatmaps and tags from the finest branch."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.nn.initialization import initialize


class TaggedHeatmaps(NamedTuple):
    """Heatmaps (B, K, h, w), and tags (B, K, h, w) that are alike for the keypoints of one person."""

    heatmaps: Tensor
    tags: Tensor


class AEHRNet(HRNet):
    """HRNet with associative embedding (Newell et al., NeurIPS 2017): the baseline of Cheng et al., CVPR 2020, table 1.

    Shape: (B, in_channels, H, W), normalised, any size, to `TaggedHeatmaps` of (B, K, H / 4, W / 4), rounded up.
    """

    def __init__(self, spec: HRNetSpec, num_keypoints: int) -> None:
        super().__init__(replace(spec, outputs="highest"))
        self.num_keypoints = num_keypoints
        self.final_layer = nn.Conv2d(spec.width, 2 * num_keypoints, 1)
        initialize(self, batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> TaggedHeatmaps:
        heatmaps, tags = self.final_layer(features[0]).chunk(2, dim=1)
        return TaggedHeatmaps(heatmaps, tags)
