"""Bottom-up pose on HRNetV1: heatmaps at several resolutions, and tags that say which keypoints belong together."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.higher_resolution import higher_resolution_module
from hrnet.nn.initialization import initialize


class HigherHRNet(HRNet):
    """HRNet with a pyramid of heatmaps towards the resolution of the picture (Cheng et al., CVPR 2020, section 3).

    Args:
        spec: numbers of the body.
        num_keypoints: K.
        num_deconvolutions: modules that double the resolution; each takes the features it grew from and what was predicted
            from them. 1 in the published networks, 0 gives HRNet with tags.

    Shape: (B, in_channels, H, W), normalised, any size, to a list of maps, coarsest first: (B, 2K, H / 4, W / 4), rounded
    up, whose channels 0..K-1 are heatmaps and K..2K-1 tags, then heatmaps (B, K, ...) of twice the size of the one before.
    """

    def __init__(self, spec: HRNetSpec, num_keypoints: int, num_deconvolutions: int = 1) -> None:
        if num_deconvolutions < 0:
            raise ValueError(f"num_deconvolutions must not be negative, got {num_deconvolutions}")
        super().__init__(replace(spec, outputs="highest"))
        self.num_keypoints = num_keypoints
        predicted = [2 * num_keypoints] + [num_keypoints] * num_deconvolutions
        self.final_layers = nn.ModuleList(nn.Conv2d(spec.width, maps, 1) for maps in predicted)
        self.deconv_layers = nn.ModuleList(higher_resolution_module(spec.width + maps, spec.width) for maps in predicted[:-1])
        initialize(self, outputs=("final_layers",), batch_norm_momentum=spec.batch_norm_momentum)

    @property
    def output_strides(self) -> tuple[float, ...]:
        """Strides, in input pixels, of the maps that are returned: (4, 2) for the published networks."""
        return tuple(4 / 2**level for level in range(len(self.final_layers)))

    def predict(self, features: list[Tensor]) -> list[Tensor]:
        feature = features[0]
        maps = [self.final_layers[0](feature)]
        for enlarge, layer in zip(self.deconv_layers, self.final_layers[1:], strict=True):
            feature = enlarge(torch.cat((feature, maps[-1]), dim=1))
            maps.append(layer(feature))
        return maps
