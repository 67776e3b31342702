"""The heads of disentangled keypoint regression (DEKR): heatmaps, displacements, and the score of a pose."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.heads.adaptive_displacement import AdaptiveBlock
from hrnet.nn.blocks import BasicBlock
from hrnet.nn.conv_unit import conv_unit


def heatmap_layers(in_channels: int, channels: int, num_maps: int) -> nn.Sequential:
    """1x1 convolution, a residual block, and a 1x1 convolution: (B, in_channels, H, W) to (B, num_maps, H, W)."""
    return nn.Sequential(
        conv_unit(in_channels, channels, 1, batch_norm=True), BasicBlock(channels, channels), nn.Conv2d(channels, num_maps, 1)
    )


def displacement_layers(in_channels: int, num_keypoints: int, channels_per_keypoint: int = 15) -> nn.Sequential:
    """Regression of keypoints that see nothing of each other after the first layer.

    Source: Geng et al., "Bottom-Up Human Pose Estimation Via Disentangled Keypoint Regression", CVPR 2021, section 3.
    Shape: (B, in_channels, H, W) to displacements (B, 2 num_keypoints, H, W).
    """
    channels = num_keypoints * channels_per_keypoint
    return nn.Sequential(
        conv_unit(in_channels, channels, 1, batch_norm=True),
        AdaptiveBlock(channels, num_keypoints),
        AdaptiveBlock(channels, num_keypoints),
        nn.Conv2d(channels, 2 * num_keypoints, 1, groups=num_keypoints),
    )


class PoseScorer(nn.Module):
    """Three linear layers with ReLU between them that judge a pose by its shape and heatmap values (Geng et al., section 3.3).

    Shape: (..., num_features) to (...).
    """

    def __init__(self, num_features: int, channels: int = 256) -> None:
        super().__init__()
        self.l1 = nn.Linear(num_features, channels)
        self.l2 = nn.Linear(channels, channels)
        self.l3 = nn.Linear(channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.l3(F.relu(self.l2(F.relu(self.l1(features))))).squeeze(-1)
