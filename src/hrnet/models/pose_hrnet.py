"""Top-down pose on HRNetV1: heatmaps from the finest branch alone."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.nn.initialization import initialize


class PoseHRNet(HRNet):
    """HRNet with a 1x1 convolution on the finest branch (Sun et al., CVPR 2019, section 3, "Instantiation").

    Shape: (B, in_channels, H, W), normalised, to heatmaps (B, num_keypoints, H / 4, W / 4).
    """

    def __init__(self, spec: HRNetSpec, num_keypoints: int) -> None:
        super().__init__(replace(spec, outputs="highest"))
        self.num_keypoints = num_keypoints
        self.final_layer = nn.Conv2d(spec.width, num_keypoints, 1)
        initialize(self, batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> Tensor:
        return self.final_layer(features[0])
