"""Facial landmarks on HRNetV2: heatmaps from all resolutions."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.per_pixel import per_pixel_layers
from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize

BATCH_NORM_MOMENTUM = 0.01


class FaceHRNetV2(HRNet):
    """HRNetV2 with heatmaps of landmarks (Wang et al., TPAMI 2020, appendix, "Facial landmark detection").

    Args:
        spec: the body; branches are always resized bilinearly with ``align_corners=False`` and BatchNorm's momentum is
            0.01, whatever it says.
        num_keypoints: channels of the output.

    Shape: (B, in_channels, H, W), normalised, any size, to heatmaps (B, num_keypoints, H / 4, W / 4), rounded up.
    """

    def __init__(self, spec: HRNetSpec, num_keypoints: int) -> None:
        spec = replace(spec, outputs="all", upsampling=Upsampling("bilinear"), batch_norm_momentum=BATCH_NORM_MOMENTUM)
        super().__init__(spec)
        self.num_keypoints = num_keypoints
        self.head = per_pixel_layers(sum(self.channels), num_keypoints)
        initialize(self, outputs=("head.3",), batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> Tensor:
        return self.head(concatenate_branches(features, self.spec.upsampling))
