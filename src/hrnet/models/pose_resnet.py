"""SimpleBaseline: a ResNet and three deconvolutions."""

from __future__ import annotations

from torch import Tensor, nn

from hrnet.backbones.resnet import ResNet
from hrnet.heads.deconvolution import deconvolution_layers
from hrnet.nn.initialization import initialize


class PoseResNet(ResNet):
    """SimpleBaseline pose network (Xiao et al., ECCV 2018, section 2).

    Shape: (B, in_channels, H, W), normalised, to heatmaps (B, num_keypoints, H / 4, W / 4); sizes that are no multiple
    of 32 give heatmaps of 8 times the rounded-up stride-32 size.
    """

    def __init__(self, depth: int, num_keypoints: int, stride_in_1x1: bool = False, in_channels: int = 3) -> None:
        super().__init__(depth, stride_in_1x1, in_channels)
        self.num_keypoints = num_keypoints
        self.deconv_layers = deconvolution_layers(self.channels[-1])
        self.final_layer = nn.Conv2d(256, num_keypoints, 1)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.final_layer(self.deconv_layers(self.features(x)[-1]))
