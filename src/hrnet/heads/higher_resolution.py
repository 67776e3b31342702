"""The higher-resolution module of HigherHRNet: features and predictions to features of twice the resolution."""

from __future__ import annotations

from torch import nn

from hrnet.heads.deconvolution import deconvolution_layers
from hrnet.nn.blocks import BasicBlock


def higher_resolution_module(in_channels: int, channels: int, num_blocks: int = 4) -> nn.Sequential:
    """Transposed convolution (4x4, stride 2), BatchNorm, ReLU, then residual blocks: keys ``0.0``, ``0.1``, ``I.0``.

    Source: Cheng et al., "HigherHRNet", CVPR 2020, section 3.2, "Deconvolution module".
    Shape: (B, in_channels, H, W), features and predictions concatenated, to (B, channels, 2 H, 2 W).
    """
    blocks = (nn.Sequential(BasicBlock(channels, channels)) for _ in range(num_blocks))
    return nn.Sequential(deconvolution_layers(in_channels, channels, count=1), *blocks)
