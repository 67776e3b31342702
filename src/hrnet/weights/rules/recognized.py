"""What is known about a checkpoint once its network is recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hrnet.weights.bodies import HRNetBody, has_part
from hrnet.weights.layouts import PLAIN, Layout, Shapes

Use = Literal["load", "start", "none"]


@dataclass(frozen=True)
class Recognition:
    """What a checkpoint is.

    Attributes:
        origin: toolkit or repository whose names the entries have; several where they share them.
        task: ``"pose"``, ``"image classification"``, ...
        family: such as ``"pose_hrnet"``: the network's name without its size.
        architecture: name for `hrnet.models.build_model`; None where there is no such network.
        num_outputs: keypoints or classes (without the background); None for a backbone.
        use: ``"load"`` as a top-down pose network, ``"start"`` as a backbone to train from, or ``"none"`` of these.
        unknown: sentences on what names and shapes do not tell.
        layout: turns its entries into ours.
        options: further arguments of `hrnet.models.build_model`.
        input_size: (height, width) that is usual for such a network; None where there is no usual one.
        codec: how its outputs are usually read: a codec of `hrnet.codecs`, ``"associative_embedding"``,
            ``"keypoint_regression"``; None for networks without keypoints.
    """

    origin: str
    task: str
    family: str
    architecture: str | None
    num_outputs: int | None
    use: Use = "load"
    unknown: tuple[str, ...] = ()
    layout: Layout = field(default=PLAIN, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    input_size: tuple[int, int] | None = None
    codec: str | None = None

    @property
    def num_keypoints(self) -> int | None:
        """Outputs of networks for keypoints. With the combined UDP codec a top-down network has three for each keypoint."""
        return self.num_outputs if self.task in ("pose", "facial landmarks", "bottom-up pose") else None

    @property
    def counted(self) -> str:
        """What ``num_outputs`` counts: ``"outputs"`` of a top-down network, ``"keypoints"`` or ``"classes"``."""
        return "classes" if not self.num_keypoints else "keypoints" if self.task == "bottom-up pose" else "outputs"

    def __str__(self) -> str:
        outputs = f" with {self.num_outputs} {self.counted}" if self.num_outputs else ""
        return f"{self.architecture or self.family}{outputs} ({self.task}; names as in {self.origin})"


Rule = Callable[[Shapes], Recognition | None]


def in_our_names(shapes: Shapes, candidates: Iterable[tuple[str, Layout]]) -> tuple[Layout, dict[str, tuple[int, ...]]] | None:
    """The first layout whose pattern a name begins with, and ``shapes`` renamed by it; None if there is none."""
    for pattern, layout in candidates:
        if has_part(shapes, pattern):
            return layout, layout.rename(shapes)
    return None


def unusual(**options: tuple[Any, Any]) -> dict[str, Any]:
    """Options, given as (read, usual), that have another value than the usual one; unread ones (None) count as usual."""
    return {name: read for name, (read, usual) in options.items() if read not in (None, usual)}


def on_hrnet(
    body: HRNetBody,
    name: str,
    outputs: int | None,
    layout: Layout,
    *,
    task: str,
    origin: str,
    branches: Literal["all", "highest"] = "all",
    use: Use = "none",
    unknown: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    input_size: tuple[int, int] | None = None,
    codec: str | None = None,
) -> Recognition:
    """A network on an HRNet.

    Args:
        name: of the network, with ``*`` for the size: ``"seg_hrnet_*_ocr"``.
        branches: which ones leave the body in this family.
    """
    family = name.replace("_*", "")
    sentences, options = list(unknown), dict(options or {})
    architecture = name.replace("*", body.tag) if body.tag else None
    if architecture is None:
        sentences.append(f"no network has its numbers: {body.described}")
    if body.spec.outputs != branches:
        architecture = None
        sentences.append(
            "its last module has all four outputs, here it has one"
            if branches == "highest"
            else "its last module has one output, here it has four"
        )
    if body.spec.in_channels != 3:
        options["in_channels"] = body.spec.in_channels
        sentences.append(f"it takes {body.spec.in_channels} channels, of which kind is not in the weights")
    if use == "load" and (architecture is None or body.spec.in_channels != 3):
        use = "none"
    return Recognition(origin, task, family, architecture, outputs, use, tuple(sentences), layout, options, input_size, codec)
