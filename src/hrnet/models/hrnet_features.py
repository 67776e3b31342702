"""HRNet as a backbone with the usual five resolutions and widths, whatever its own width is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.nn.blocks import Bottleneck
from hrnet.nn.initialization import initialize

INCREASED_PLANES = (32, 64, 128, 256)
INCREASED_CHANNELS = tuple(planes * Bottleneck.expansion for planes in INCREASED_PLANES)


def increase_channels(channels: Sequence[int], planes: Sequence[int] = INCREASED_PLANES) -> nn.ModuleList:
    """One Bottleneck per branch, finest first, to four times as many channels as it has ``planes``: 128, 256, 512 and 1024."""
    return nn.ModuleList(nn.Sequential(Bottleneck(width, each)) for width, each in zip(channels, planes, strict=True))


class HRNetFeatures(HRNet):
    """The five feature maps that timm gives with ``features_only``: a drop-in for a ResNet's.

    Shape: (B, in_channels, H, W), normalised, to a list of five maps with 64, 128, 256, 512 and 1024 channels at strides
    2 to 32: the first convolution of the stem, then the branches of stage 4, each through a Bottleneck.
    """

    def __init__(self, spec: HRNetSpec) -> None:
        super().__init__(replace(spec, outputs="all"))
        self.incre_modules = increase_channels(spec.channels)
        initialize(self, outputs=(), batch_norm_momentum=spec.batch_norm_momentum)

    @property
    def channels(self) -> tuple[int, ...]:
        return (self.conv1.out_channels, *INCREASED_CHANNELS)

    @property
    def strides(self) -> tuple[int, ...]:
        return (2, 4, 8, 16, 32)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the five feature maps, finest first."""
        stem = self.half_resolution(x)
        branches = self.branches_after(stem)
        return [stem, *(increase(branch) for increase, branch in zip(self.incre_modules, branches, strict=True))]
