"""HRNet as a backbone for other people's networks: feature maps with their widths and strides, and what fine-tuning needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.initialization import initialize

BackboneOutput = Literal["branches", "concatenation", "pyramid"]
PYRAMID_LEVELS = 4

FREEZABLE_PARTS: dict[str, tuple[str, ...]] = {
    "stem": ("conv1", "bn1", "conv2", "bn2"),
    "stage1": ("layer1",),
    "stage2": ("transition1", "stage2"),
    "stage3": ("transition2", "stage3"),
    "stage4": ("transition3", "stage4"),
}
"""The parts of an HRNet's body in order, and their layers: a stage includes the transition that leads to it."""


class HRNetBackbone(HRNet):
    """HRNet that returns a list of feature maps, finest first.

    Args:
        spec: numbers of the body. ``spec.outputs`` are the branches that are computed, ``"highest"`` for a V1 backbone.
        output: ``"branches"`` as they are (V1 and V2), ``"concatenation"`` of all branches at stride 4 (V2), or a
            ``"pyramid"``: that concatenation, averaged to strides 4, 8, 16 and 32 (V2p).
        out_indices: which maps are returned, ascending; None for all of them. Layers that only feed maps that nobody asked
            for are left out.
        as_dict: return a dict with the keys ``"0"``, ``"1"``, ..., as torchvision's detection models want it.

    Attributes:
        channels, strides: width and stride (input pixels) of every map that is returned.

    Shape: (B, in_channels, H, W), normalised, any size, to maps (B, channels[i], H / strides[i], W / strides[i]), rounded up.

    Raises:
        ValueError: an unknown output, or indices that there are not.

    Source: Wang et al., TPAMI 2020, section 3.3: "HRNetV1, HRNetV2 and HRNetV2p".
    """

    def __init__(
        self,
        spec: HRNetSpec,
        output: BackboneOutput = "branches",
        out_indices: Sequence[int] | None = None,
        as_dict: bool = False,
    ) -> None:
        if output not in get_args(BackboneOutput):
            raise ValueError(f"output must be one of {', '.join(get_args(BackboneOutput))}, got {output!r}")
        available = {"branches": len(spec.branches), "concatenation": 1, "pyramid": PYRAMID_LEVELS}[output]
        indices = tuple(range(available)) if out_indices is None else tuple(out_indices)
        if not indices or sorted(set(indices)) != list(indices) or not set(indices) <= set(range(available)):
            raise ValueError(f"out_indices must be ascending numbers below {available} ({output}), got {out_indices!r}")
        if output == "branches":
            spec = replace(spec, outputs=tuple(spec.branches[index] for index in indices))
        super().__init__(spec)
        self.output: BackboneOutput = output
        self.out_indices = indices
        self.as_dict = as_dict
        self._frozen: tuple[nn.Module, ...] = ()
        self._norms_in_eval = False
        initialize(self, outputs=(), batch_norm_momentum=spec.batch_norm_momentum)

    @property
    def channels(self) -> tuple[int, ...]:
        widths = tuple(self.spec.channels[branch] for branch in self.spec.branches)
        return widths if self.output == "branches" else (sum(widths),) * len(self.out_indices)

    @property
    def strides(self) -> tuple[int, ...]:
        finest = 4 << self.spec.branches[0]
        return super().strides if self.output == "branches" else tuple(finest << index for index in self.out_indices)

    @property
    def out_channels(self) -> int:
        """The width that all maps share, as torchvision's detection models ask for it.

        Raises:
            ValueError: the maps differ in width, as branches do.
        """
        if len(set(self.channels)) > 1:
            raise ValueError(f"maps have different widths {self.channels}: a single out_channels needs output='pyramid'")
        return self.channels[0]

    def predict(self, features: list[Tensor]) -> list[Tensor] | dict[str, Tensor]:
        maps = features
        if self.output != "branches":
            whole = concatenate_branches(features)
            maps = [_averaged(whole, 1 << index) for index in self.out_indices]
        return {str(number): level for number, level in enumerate(maps)} if self.as_dict else maps

    def freeze(self, stages: int = 1, norms_in_eval: bool = True) -> HRNetBackbone:
        """Keep the first layers as they are during fine-tuning.

        Args:
            stages: 0 freezes the stem, n the stem and stages 1 to n; -1 freezes nothing.
            norms_in_eval: every BatchNorm of the backbone, frozen or not, uses its running statistics and keeps them, for
                batches too small to estimate them.

        Raises:
            ValueError: ``stages`` is not in -1..4.
        """
        if stages not in range(-1, 5):
            raise ValueError(f"stages must be in -1..4, got {stages}")
        self.requires_grad_(True)
        groups = list(FREEZABLE_PARTS.values())[: stages + 1]
        self._frozen = tuple(getattr(self, name) for group in groups for name in group)
        self._norms_in_eval = norms_in_eval
        for module in self._frozen:
            module.requires_grad_(False)
        return self.train(self.training)

    def train(self, mode: bool = True) -> HRNetBackbone:
        """Switch between training and evaluation; what `freeze` froze stays in evaluation."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        if self._norms_in_eval:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


def _averaged(x: Tensor, side: int) -> Tensor:
    """Means of squares of ``side`` pixels, incomplete ones at the border included, so that sizes round up."""
    return x if side == 1 else F.avg_pool2d(x, side, ceil_mode=True, count_include_pad=False)
