"""The high-resolution network: a stride-4 stream from the first stage to the last, coarser streams beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from hrnet.nn.blocks import Bottleneck, conv_bn
from hrnet.nn.exchange import ExchangeModule, Upsampling


@dataclass(frozen=True)
class HRNetSpec:
    """The few numbers in which HRNets differ.

    Attributes:
        width: C, the width of the finest branch; the branches are C, 2C, 4C, 8C wide.
        stage1_blocks, stage1_planes: Bottlenecks of the first stage and their planes (a quarter of its output).
        modules: exchange modules in stages 2, 3 and 4.
        blocks: residual blocks per branch of a module.
        outputs: ``"all"`` four branches leave the last module (V2, classification), or only the ``"highest"``
            resolution (V1, pose), which leaves out the layers that would feed the others.
        upsampling: how modules bring coarse branches to finer ones.
        in_channels: channels of the picture.
        batch_norm_momentum: weight of the newest batch in the running statistics; some recipes train with 0.01.
    """

    width: int
    stage1_blocks: int = 4
    stage1_planes: int = 64
    modules: tuple[int, int, int] = (1, 4, 3)
    blocks: int = 4
    outputs: Literal["all", "highest"] = "all"
    upsampling: Upsampling = field(default_factory=Upsampling)
    in_channels: int = 3
    batch_norm_momentum: float = 0.1

    def __post_init__(self) -> None:
        counts = (self.width, self.stage1_blocks, self.stage1_planes, *self.modules, self.blocks, self.in_channels)
        if any(count < 1 for count in counts):
            raise ValueError(f"every number of an HRNet must be at least 1, got {self}")

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Widths of the four branches."""
        return (self.width, 2 * self.width, 4 * self.width, 8 * self.width)


class HRNet(nn.Module):
    """HRNet body (Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020, section 3).

    A stem of two stride-2 convolutions, stage 1 of Bottlenecks at stride 4, then stages 2, 3 and 4 with 2, 3 and 4
    branches. State-dict keys are those of the reference.

    Shape: (B, in_channels, H, W), normalised, any size, to a list of (B, C 2^b, H / 4 / 2^b, W / 4 / 2^b), rounded up:
    four maps, or the finest alone with ``outputs="highest"``.
    """

    def __init__(self, spec: HRNetSpec) -> None:
        super().__init__()
        self.spec = spec
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
        self.stage4 = self._stage(4, num_outputs=1 if spec.outputs == "highest" else 4)

    @property
    def channels(self) -> tuple[int, ...]:
        """Widths of the feature maps that `features` returns."""
        return self.spec.channels[:1] if self.spec.outputs == "highest" else self.spec.channels

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides, in input pixels, of the feature maps that `features` returns."""
        return (4, 8, 16, 32)[: len(self.channels)]

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the feature maps, finest first."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.layer1(x)
        branches = self.stage2([layer(x) for layer in self.transition1])
        branches = self.stage3(_add_branch(self.transition2, branches))
        return self.stage4(_add_branch(self.transition3, branches))

    def predict(self, features: list[Tensor]) -> Any:
        """What the network makes of its `features`; networks with a head override this, the bare body passes them on."""
        return features

    def forward(self, x: Tensor) -> Any:
        return self.predict(self.features(x))

    def _stage(self, number: int, num_outputs: int | None = None) -> nn.Sequential:
        """Stage ``number`` with as many branches; only its last module is restricted to ``num_outputs``."""
        spec, count = self.spec, self.spec.modules[number - 2]
        return nn.Sequential(
            *(
                ExchangeModule(
                    spec.channels[:number], spec.blocks, num_outputs if index == count - 1 else None, spec.upsampling
                )
                for index in range(count)
            )
        )


def _bottlenecks(in_channels: int, planes: int, count: int) -> nn.Sequential:
    out_channels = planes * Bottleneck.expansion
    return nn.Sequential(*(Bottleneck(in_channels if index == 0 else out_channels, planes) for index in range(count)))


def _transition(channels: Sequence[int]) -> nn.ModuleList:
    """Existing branches pass; the last is made from the coarsest of them by a stride-2 convolution."""
    new_branch = nn.Sequential(conv_bn(channels[-2], channels[-1], stride=2))
    return nn.ModuleList([*(nn.Identity() for _ in channels[:-1]), new_branch])


def _add_branch(transition: nn.ModuleList, branches: Sequence[Tensor]) -> list[Tensor]:
    return [*branches, transition[-1](branches[-1])]
