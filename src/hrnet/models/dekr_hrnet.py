"""Bottom-up pose by regression on HRNetV2: where people are, and where their keypoints are from there."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.adaptive_displacement import AdaptiveBlock
from hrnet.heads.disentangled_regression import PoseScorer, displacement_layers, heatmap_layers
from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize

# Limbs of the keypoint sets that networks are published for: COCO's and CrowdPose's.
PUBLISHED_LIMBS = {17: 19, 14: 15}


class CentersAndDisplacements(NamedTuple):
    """What DEKR predicts at every pixel of stride 4.

    Attributes:
        heatmaps: (B, K + 1, h, w), of the keypoints and, last, of the centres of people.
        displacements: (B, 2K, h, w): between here and the keypoints of the person whose centre is here; two channels for the
            first keypoint, then two for the second, and so on.
    """

    heatmaps: Tensor
    displacements: Tensor


class DEKRHRNet(HRNet):
    """HRNet with disentangled keypoint regression (Geng et al., CVPR 2021, section 3).

    Args:
        spec: numbers of the body; all four branches are used.
        num_keypoints: K.
        num_limbs: L, pairs of keypoints that `rescore` sees: the skeleton of the keypoint set. By default 19 for 17 keypoints
            (COCO), 15 for 14 (CrowdPose), and those of a tree, K - 1, for others.

    Shape: (B, in_channels, H, W), normalised, any size, to `CentersAndDisplacements` of (B, K + 1, H / 4, W / 4) and
    (B, 2K, H / 4, W / 4), rounded up.

    Raises:
        MissingExtraError: at the first call, if torchvision, which has the deformable convolution, is not installed.
    """

    def __init__(self, spec: HRNetSpec, num_keypoints: int, num_limbs: int | None = None) -> None:
        super().__init__(replace(spec, outputs="all"))
        self.num_keypoints = num_keypoints
        self.num_limbs = PUBLISHED_LIMBS.get(num_keypoints, num_keypoints - 1) if num_limbs is None else num_limbs
        width = sum(self.channels)
        self.heatmap_conv_layers = heatmap_layers(width, spec.width, num_keypoints + 1)
        self.displacement_conv_layers = displacement_layers(width, num_keypoints)
        self.rescore_net = PoseScorer(self.num_pose_features)
        initialize(self, (), spec.batch_norm_momentum)
        for layers in (self.heatmap_conv_layers, self.displacement_conv_layers):
            initialize(layers, (str(len(layers) - 1),), spec.batch_norm_momentum)
        for module in self.displacement_conv_layers:
            if isinstance(module, AdaptiveBlock):
                module.start_regular()

    @property
    def num_pose_features(self) -> int:
        """Numbers that `rescore` judges a pose by: K + 3 L."""
        return self.num_keypoints + 3 * self.num_limbs

    def predict(self, features: list[Tensor]) -> CentersAndDisplacements:
        x = concatenate_branches(features, Upsampling("bilinear"))
        return CentersAndDisplacements(self.heatmap_conv_layers(x), self.displacement_conv_layers(x))

    def rescore(self, pose_features: Tensor) -> Tensor:
        """Judge poses by their shape and the heatmaps under them.

        Args:
            pose_features: (..., K + 3 L), 74 numbers for COCO and 59 for CrowdPose: for each limb its length and its two
                components, for each keypoint the heatmap value under it, in the order the weights were trained with.

        Returns:
            (...): estimated similarity of each pose to the true one, to multiply its score by.
        """
        if pose_features.shape[-1] != self.num_pose_features:
            raise ValueError(
                f"a pose of {self.num_keypoints} keypoints and {self.num_limbs} limbs is judged by {self.num_pose_features} "
                f"numbers, got {pose_features.shape[-1]}"
            )
        return self.rescore_net(pose_features)
