"""Stacked hourglass network for pose."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hrnet.backbones.hourglass import ConvUnit, Hourglass, PreActivationResidual


class Merge(nn.Module):
    """1x1 convolution that brings a stack's feature or prediction back into the stream: key ``conv.conv``."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvUnit(in_channels, out_channels, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class StackedHourglass(nn.Module):
    """Hourglasses in a row, each predicting heatmaps that the next one sees (Newell et al., ECCV 2016, section 3).

    Shape: (B, in_channels, H, W) to heatmaps of every stack (B, num_stacks, num_keypoints, H / 4, W / 4); the last stack is the
    one to decode, all are supervised. The reference takes pictures in 0..1 without mean and std.
    """

    def __init__(self, num_stacks: int, num_keypoints: int, channels: int = 256, in_channels: int = 3) -> None:
        super().__init__()
        self.num_keypoints = num_keypoints
        self.pre = nn.Sequential(
            ConvUnit(in_channels, 64, 7, 2, bn=True),
            PreActivationResidual(64, 128),
            nn.MaxPool2d(2, 2),
            PreActivationResidual(128, 128),
            PreActivationResidual(128, channels),
        )
        self.hgs = nn.ModuleList(nn.Sequential(Hourglass(4, channels)) for _ in range(num_stacks))
        self.features = nn.ModuleList(
            nn.Sequential(PreActivationResidual(channels, channels), ConvUnit(channels, channels, 1, bn=True))
            for _ in range(num_stacks)
        )
        self.outs = nn.ModuleList(ConvUnit(channels, num_keypoints, 1, relu=False) for _ in range(num_stacks))
        self.merge_features = nn.ModuleList(Merge(channels, channels) for _ in range(num_stacks - 1))
        self.merge_preds = nn.ModuleList(Merge(num_keypoints, channels) for _ in range(num_stacks - 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pre(x)
        predictions = []
        for stack, hourglass in enumerate(self.hgs):
            feature = self.features[stack](hourglass(x))
            predictions.append(self.outs[stack](feature))
            if stack < len(self.merge_preds):
                x = x + self.merge_preds[stack](predictions[-1]) + self.merge_features[stack](feature)
        return torch.stack(predictions, dim=1)
