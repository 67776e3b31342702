"""The multi-resolution module: parallel branches, then an exchange of information between all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.nn.blocks import BasicBlock, conv_bn


@dataclass(frozen=True)
class Upsampling:
    """How a coarse branch is brought to a finer one: V1 nets use ``nearest``, V2 nets ``bilinear``."""

    mode: Literal["nearest", "bilinear"] = "nearest"
    align_corners: bool = False

    def __call__(self, x: Tensor, like: Tensor) -> Tensor:
        """Resize (B, C, h, w) to the height and width of ``like``."""
        size = like.shape[-2:]
        if self.mode == "nearest":
            return F.interpolate(x, size=size, mode="nearest")
        return F.interpolate(x, size=size, mode="bilinear", align_corners=self.align_corners)


class ExchangeModule(nn.Module):
    """Residual blocks on every branch, then each output branch is the sum of all input branches ("fusion").

    Source: Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation", CVPR 2019, section 3.
    Output i adds, over the input branches j: for j > i a 1x1 convolution and an upsampling, for j = i the branch
    itself, for j < i a chain of stride-2 3x3 convolutions; ReLU after the sum.

    Args:
        channels: width of each branch, finest first; branch b has half the resolution of branch b - 1.
        num_blocks: residual blocks per branch.
        outputs: numbers of the branches that leave the module, finest first; None for all.
        upsampling: how coarse branches are enlarged.
        exchange: False leaves the branches to themselves: an ablation of the paper, section 4.4.

    Shape: list of (B, C_b, H / 2^b, W / 2^b) to those of ``outputs``, of the same shapes. Sizes that do not halve
    exactly are rounded up by the convolutions, and the upsampling meets them.
    """

    def __init__(
        self,
        channels: Sequence[int],
        num_blocks: int,
        outputs: Sequence[int] | None = None,
        upsampling: Upsampling | None = None,
        exchange: bool = True,
    ) -> None:
        super().__init__()
        self.outputs = tuple(range(len(channels))) if outputs is None else tuple(outputs)
        self.upsampling = upsampling or Upsampling()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width, width) for _ in range(num_blocks))) for width in channels
        )
        # By number, so that names stay those of the complete module whichever outputs there are.
        self.fuse_layers = nn.ModuleDict(
            {
                str(target): nn.ModuleList(_path(channels, source, target) for source in range(len(channels)))
                for target in (self.outputs if exchange else ())
            }
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        branches = [blocks(x) for blocks, x in zip(self.branches, branches, strict=True)]
        if not self.fuse_layers:
            return [branches[target] for target in self.outputs]
        return [self._fuse(branches, target) for target in self.outputs]

    def _fuse(self, branches: Sequence[Tensor], target: int) -> Tensor:
        # A branch is read by every output, so each sum is written into the tensor that was just made for its other half;
        # no gradient needs what a convolution, a BatchNorm or a resizing gave.
        paths: nn.ModuleList = self.fuse_layers[str(target)]  # pyright: ignore[reportAssignmentType]
        total = branches[target]
        for source in range(target):
            total = paths[source](branches[source]).add_(total)
        coarser = range(len(branches) - 1, target, -1)
        if self.upsampling.mode == "nearest":
            # Repeating pixels twice by 2 is repeating them by 4: climbing one level at a time gives the same sum and
            # touches the finest resolution once instead of once per branch.
            climbing: Tensor | None = None
            for source in coarser:
                contribution = paths[source](branches[source])
                climbing = contribution if climbing is None else contribution.add_(self.upsampling(climbing, contribution))
            if climbing is not None:
                total = self.upsampling(climbing, total).add_(total)
        else:
            for source in coarser:
                total = self.upsampling(paths[source](branches[source]), total).add_(total)
        return self.relu(total)


def _path(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """The layers between input branch ``source`` and output branch ``target``, without the upsampling."""
    if source == target:
        return nn.Identity()
    if source > target:
        return conv_bn(channels[source], channels[target], kernel=1, relu=False)
    steps = target - source
    return nn.Sequential(
        *(conv_bn(channels[source], channels[source], stride=2) for _ in range(steps - 1)),
        conv_bn(channels[source], channels[target], stride=2, relu=False),
    )
