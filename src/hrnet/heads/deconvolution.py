"""The deconvolution head of SimpleBaseline: stride-32 features back to stride 4."""

from __future__ import annotations

from torch import nn


def deconvolution_layers(in_channels: int, channels: int = 256, count: int = 3) -> nn.Sequential:
    """``count`` times transposed convolution (4x4, stride 2), BatchNorm and ReLU.

    Source: Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018, section 2.
    Shape: (B, in_channels, H, W) to (B, channels, H 2^count, W 2^count).
    """
    layers: list[nn.Module] = []
    for index in range(count):
        layers += [
            nn.ConvTranspose2d(in_channels if index == 0 else channels, channels, 4, 2, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
