"""The head of segmentation and of faces: every pixel of the concatenated features on its own."""

from __future__ import annotations

from torch import nn


def per_pixel_layers(in_channels: int, num_outputs: int) -> nn.Sequential:
    """1x1 convolution of equal width, BatchNorm, ReLU, 1x1 convolution: keys ``.0``, ``.1`` and ``.3``.

    Both convolutions have a bias, also the one before the BatchNorm, as the published checkpoints do.

    Source: Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020, section 3.3.
    Shape: (B, in_channels, H, W) to (B, num_outputs, H, W).
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 1),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(in_channels, num_outputs, 1),
    )
