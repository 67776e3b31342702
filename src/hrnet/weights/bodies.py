"""Read the few numbers in which backbones differ from the shapes of their weights."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.backbones.resnet import RESNET_BLOCKS
from hrnet.models.variants import HRNET_SPECS
from hrnet.weights.layouts.layout import Shapes


def count_children(shapes: Shapes, prefix: str) -> int:
    """How many numbered children ``prefix`` has: 4 for ``layer1.`` with ``layer1.0`` to ``layer1.3``."""
    return len(set(re.findall(rf"^{re.escape(prefix)}(\d+)(?=[.\n]|\Z)", "\n".join(shapes), re.MULTILINE)))


def dimension(shapes: Shapes, name: str, axis: int) -> int | None:
    """Size of a weight along ``axis``, None if there is no such entry or axis."""
    shape = shapes.get(name, ())
    return shape[axis] if axis < len(shape) else None


@dataclass(frozen=True)
class HRNetBody:
    """An HRNet found in a state dict.

    Attributes:
        spec: its numbers; ``outputs`` tells V1 (``"highest"``) from V2 (``"all"``).
        tag: the last part of its name, such as ``"w32"`` or ``"w18_small_v1"``; None if its numbers have no name.
    """

    spec: HRNetSpec
    tag: str | None

    @property
    def described(self) -> str:
        """The tag, or the numbers."""
        spec = self.spec
        stage1 = f"{spec.stage1_blocks} blocks of {spec.stage1_planes} planes in stage 1"
        return self.tag or f"w{spec.width} with {stage1}, modules {spec.modules} of {spec.blocks} blocks"


def read_hrnet(shapes: Shapes) -> HRNetBody | None:
    """Find an HRNet under our names; None if there is none."""
    width = dimension(shapes, "transition1.0.0.weight", 0)
    planes = dimension(shapes, "layer1.0.conv1.weight", 0)
    channels = dimension(shapes, "conv1.weight", 1)
    modules = (count_children(shapes, "stage2."), count_children(shapes, "stage3."), count_children(shapes, "stage4."))
    stage1_blocks, blocks = count_children(shapes, "layer1."), count_children(shapes, "stage2.0.branches.0.")
    if not (width and planes and channels and stage1_blocks and blocks and all(modules)):
        return None
    every_output = any(name.startswith(f"stage4.{modules[2] - 1}.fuse_layers.1.") for name in shapes)
    spec = HRNetSpec(
        width, stage1_blocks, planes, modules, blocks, outputs="all" if every_output else "highest", in_channels=channels
    )
    return HRNetBody(spec, _tag(spec))


def _tag(spec: HRNetSpec) -> str | None:
    def numbers(of: HRNetSpec) -> tuple[object, ...]:
        return of.width, of.stage1_blocks, of.stage1_planes, of.modules, of.blocks

    named = next((tag for tag, known in HRNET_SPECS.items() if numbers(known) == numbers(spec)), None)
    return named or (f"w{spec.width}" if numbers(HRNetSpec(spec.width)) == numbers(spec) else None)


def read_resnet_depth(shapes: Shapes) -> int | None:
    """Depth of a bottleneck ResNet under our names (torchvision's); None if there is none."""
    if dimension(shapes, "conv1.weight", 2) != 7 or "layer1.0.conv3.weight" not in shapes:
        return None
    blocks = tuple(count_children(shapes, f"layer{number}.") for number in (1, 2, 3, 4))
    return next((depth for depth, known in RESNET_BLOCKS.items() if known == blocks), None)


def has_part(shapes: Shapes, pattern: str) -> bool:
    """Whether a name begins with the regular expression ``pattern``."""
    return re.search(f"^(?:{pattern})", "\n".join(shapes), re.MULTILINE) is not None  # in one go: there are thousands
