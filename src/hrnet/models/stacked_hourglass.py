"""Stacked hourglass network for pose."""

from __future__ import annotations

from torch import nn

from hrnet.backbones.hourglass import ConvUnit, Hourglass, HourglassStack, PreActivationResidual, halving


class StackedHourglass(HourglassStack):
    """Hourglasses in a row, each predicting heatmaps that the next one sees (Newell et al., ECCV 2016, section 3).

    Shape: (B, in_channels, H, W) to heatmaps of every stack (B, num_stacks, num_keypoints, H / 4, W / 4); the last stack is the
    one to decode, all are supervised. The reference takes pictures in 0..1 without mean and std.
    """

    def __init__(self, num_stacks: int, num_keypoints: int, channels: int = 256, in_channels: int = 3) -> None:
        pre = nn.Sequential(
            ConvUnit(in_channels, 64, 7, 2, bn=True),
            PreActivationResidual(64, 128),
            halving(),
            PreActivationResidual(128, 128),
            PreActivationResidual(128, channels),
        )
        stages = {
            "hgs": lambda: nn.Sequential(Hourglass(4, channels)),
            "features": lambda: nn.Sequential(
                PreActivationResidual(channels, channels), ConvUnit(channels, channels, 1, bn=True)
            ),
        }
        super().__init__(pre, stages, num_stacks, channels, num_keypoints)
        self.num_keypoints = num_keypoints
