"""The high-resolution network: a stride-4 stream from the first stage to the last, coarser streams beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hrnet.nn.blocks import Bottleneck, conv_bn
from hrnet.nn.checkpointing import recompute
from hrnet.nn.exchange import ExchangeModule, Upsampling

ALL_BRANCHES = (0, 1, 2, 3)

BODY_PARTS = frozenset(
    (
        "conv1",
        "bn1",
        "conv2",
        "bn2",
        "relu",
        "layer1",
        "transition1",
        "stage2",
        "transition2",
        "stage3",
        "transition3",
        "stage4",
    )
)
"""Names of the body's layers: in a network with a head, whatever has another name is the head's."""


@dataclass(frozen=True)
class HRNetSpec:
    """The few numbers in which HRNets differ.

    Attributes:
        width: C, the width of the finest branch; the branches are C, 2C, 4C, 8C wide.
        stage1_blocks, stage1_planes: Bottlenecks of the first stage and their planes (a quarter of its output).
        modules: exchange modules in stages 2, 3 and 4.
        blocks: residual blocks per branch of a module.
        outputs: numbers of the branches that leave the last module, finest first; layers that would feed only the others are
            left out. ``"all"`` is (0, 1, 2, 3) (V2, classification), ``"highest"`` is (0,) (V1, pose); (1,) and (2,) are the
            paper's ablations with half and a quarter of the resolution.
        upsampling: how modules bring coarse branches to finer ones.
        in_channels: channels of the picture.
        batch_norm_momentum: weight of the newest batch in the running statistics; some recipes train with 0.01.
        exchange: where branches exchange information (Sun et al., CVPR 2019, section 4.4): in ``"every_module"``, at the end
            of every stage only (``"across_stages"``), or at the very end only (``"final"``).
    """

    width: int
    stage1_blocks: int = 4
    stage1_planes: int = 64
    modules: tuple[int, int, int] = (1, 4, 3)
    blocks: int = 4
    outputs: Literal["all", "highest"] | tuple[int, ...] = "all"
    upsampling: Upsampling = field(default_factory=Upsampling)
    in_channels: int = 3
    batch_norm_momentum: float = 0.1
    exchange: Literal["every_module", "across_stages", "final"] = "every_module"

    def __post_init__(self) -> None:
        counts = (self.width, self.stage1_blocks, self.stage1_planes, *self.modules, self.blocks, self.in_channels)
        if any(count < 1 for count in counts):
            raise ValueError(f"every number of an HRNet must be at least 1, got {self}")
        branches = self.branches
        if not branches or sorted(set(branches)) != list(branches) or not set(branches) <= set(ALL_BRANCHES):
            raise ValueError(f"outputs must be 'all', 'highest' or ascending numbers of branches 0..3, got {self.outputs!r}")
        if self.exchange not in ("every_module", "across_stages", "final"):
            raise ValueError(f"exchange must be 'every_module', 'across_stages' or 'final', got {self.exchange!r}")

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Widths of the four branches."""
        return (self.width, 2 * self.width, 4 * self.width, 8 * self.width)

    @property
    def branches(self) -> tuple[int, ...]:
        """Numbers of the branches that leave the last module."""
        named = {"all": ALL_BRANCHES, "highest": ALL_BRANCHES[:1]}
        return named.get(self.outputs, ()) if isinstance(self.outputs, str) else self.outputs


class HRNet(nn.Module):
    """HRNet body (Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020, section 3).

    A stem of two stride-2 convolutions, stage 1 of Bottlenecks at stride 4, then stages 2, 3 and 4 with 2, 3 and 4
    branches. State-dict keys are those of the reference.

    A network with a head derives from this class: its layers stand beside the body's, and `predict` turns `features` into
    outputs. So every network has the two halves, and heads can share one body (`hrnet.models.multi_task`).

    Attributes:
        gradient_checkpointing: while training, compute the exchange modules a second time in the backward pass instead
            of keeping what they computed: less memory for about a third more time. Numbers stay the same.

    Shape: (B, in_channels, H, W), normalised, any size, to a list of (B, C 2^b, H / 4 / 2^b, W / 4 / 2^b), rounded up, one
    for every branch b of ``spec.branches``.
    """

    def __init__(self, spec: HRNetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.gradient_checkpointing = False
        widths = spec.channels
        self.conv1 = nn.Conv2d(spec.in_channels, 64, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _bottlenecks(64, spec.stage1_planes, spec.stage1_blocks)
        stage1_width = spec.stage1_planes * Bottleneck.expansion
        self.transition1 = nn.ModuleList(
            [conv_bn(stage1_width, widths[0]), nn.Sequential(conv_bn(stage1_width, widths[1], stride=2))]
        )
        self.stage2 = self._stage(2)
        self.transition2 = _transition(widths[:3])
        self.stage3 = self._stage(3)
        self.transition3 = _transition(widths)
        self.stage4 = self._stage(4)

    @property
    def channels(self) -> tuple[int, ...]:
        """Widths of the feature maps that `features` returns."""
        return tuple(self.spec.channels[branch] for branch in self.spec.branches)

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides, in input pixels, of the feature maps that `features` returns."""
        return tuple(4 << branch for branch in self.spec.branches)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the feature maps, finest first."""
        return self.branches_after(self.half_resolution(x))

    def half_resolution(self, x: Tensor) -> Tensor:
        """The first half of the stem: (B, 64, H / 2, W / 2)."""
        return self.relu(self.bn1(self.conv1(x)))

    def branches_after(self, half_resolution: Tensor) -> list[Tensor]:
        """The feature maps of what `half_resolution` gave."""
        x = self.relu(self.bn2(self.conv2(half_resolution)))
        x = self.layer1(x)
        branches = self._run(self.stage2, [layer(x) for layer in self.transition1])
        branches = self._run(self.stage3, _add_branch(self.transition2, branches))
        return self._run(self.stage4, _add_branch(self.transition3, branches))

    def predict(self, features: list[Tensor]) -> Any:
        """What the network makes of its `features`; networks with a head override this, the bare body passes them on."""
        return features

    def forward(self, x: Tensor) -> Any:
        return self.predict(self.features(x))

    def _run(self, stage: nn.Sequential, branches: list[Tensor]) -> list[Tensor]:
        if not (self.gradient_checkpointing and self.training and torch.is_grad_enabled()):
            return stage(branches)
        for module in stage:
            branches = recompute(module, branches)
        return branches

    def _stage(self, number: int) -> nn.Sequential:
        """Stage ``number`` with as many branches; only the very last module is restricted to some outputs."""
        spec, count = self.spec, self.spec.modules[number - 2]
        modules = []
        for index in range(count):
            ends_stage = index == count - 1
            ends_all = ends_stage and number == 4
            exchange = {"every_module": True, "across_stages": ends_stage, "final": ends_all}[spec.exchange]
            outputs = spec.branches if ends_all else None
            modules.append(ExchangeModule(spec.channels[:number], spec.blocks, outputs, spec.upsampling, exchange))
        return nn.Sequential(*modules)


def _bottlenecks(in_channels: int, planes: int, count: int) -> nn.Sequential:
    out_channels = planes * Bottleneck.expansion
    return nn.Sequential(*(Bottleneck(in_channels if index == 0 else out_channels, planes) for index in range(count)))


def _transition(channels: Sequence[int]) -> nn.ModuleList:
    """Existing branches pass; the last is made from the coarsest of them by a stride-2 convolution."""
    new_branch = nn.Sequential(conv_bn(channels[-2], channels[-1], stride=2))
    return nn.ModuleList([*(nn.Identity() for _ in channels[:-1]), new_branch])


def _add_branch(transition: nn.ModuleList, branches: Sequence[Tensor]) -> list[Tensor]:
    return [*branches, transition[-1](branches[-1])]
