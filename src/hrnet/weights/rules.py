"""One rule per family: names and shapes in our layout to a `Recognition`, or None.

The first rule that fits wins, so heads that are more particular come first. A new family is one function, entered in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from hrnet.weights.bodies import HRNetBody, count_children, dimension, has_part, read_hrnet, read_resnet_depth
from hrnet.weights.layouts import MMPOSE_0, MMPOSE_1, PLAIN, Layout, Shapes


@dataclass(frozen=True)
class Recognition:
    """What a checkpoint is.

    Attributes:
        origin: toolkit or repository whose names the entries have.
        task: ``"pose"``, ``"image classification"``, ...
        family: such as ``"pose_hrnet"``.
        architecture: name for `hrnet.models.build_model`; None where this version has no such network.
        num_outputs: channels or classes of the output; None for a bare backbone.
        use: ``"load"`` as a pose network, ``"start"`` only as a start for training, or ``"none"``.
        unknown: sentences on what names and shapes do not tell.
        layout: turns its names into ours.
    """

    origin: str
    task: str
    family: str
    architecture: str | None
    num_outputs: int | None
    use: Literal["load", "start", "none"] = "load"
    unknown: tuple[str, ...] = ()
    layout: Layout = field(default=PLAIN, repr=False)

    @property
    def num_keypoints(self) -> int | None:
        """Outputs of a pose network; three per keypoint if it was trained with the combined UDP codec."""
        return self.num_outputs if self.task == "pose" else None

    def __str__(self) -> str:
        kind = "classes" if self.task in ("image classification", "segmentation") else "outputs"
        outputs = f" with {self.num_outputs} {kind}" if self.num_outputs else ""
        return f"{self.architecture or self.family}{outputs} ({self.task}; names as in {self.origin})"


Rule = Callable[[Shapes, Layout], Recognition | None]

_INPUT_UNKNOWN = "input size, codec and keypoint names are not in the weights"
_START_ONLY = "a start for training a pose network, it has no keypoints itself"

# Heads under our names; with one of them a network is no bare backbone.
_HEADS = r"(conv_layers|deconv_layers|final_layers?|head|heatmap_conv_layers|fpn|rpn|roi_heads)\."


def _pose_hrnet(shapes: Shapes, layout: Layout) -> Recognition | None:
    body = read_hrnet(shapes)
    outputs = dimension(shapes, "final_layer.weight", 0)
    if body is None or outputs is None or dimension(shapes, "final_layer.weight", 1) != body.spec.width:
        return None
    unknown = [_INPUT_UNKNOWN]
    architecture = f"pose_hrnet_{body.tag}" if body.tag else None
    if architecture is None:
        unknown.append(_no_name(body))
    if (kernel := dimension(shapes, "final_layer.weight", 2)) != 1:
        architecture = None
        unknown.append(f"its last convolution is {kernel}x{kernel}, here it is 1x1")
    if body.spec.outputs == "all":
        architecture = None
        unknown.append("its last module has all four outputs, here it has one")
    if layout in (MMPOSE_0, MMPOSE_1) and outputs % 2 == 0 and outputs > 30:
        unknown.append(
            f"{outputs} outputs may also be {outputs // 2} heatmaps and {outputs // 2} tags of associative embedding"
        )
    use = "load" if architecture else "none"
    return Recognition(_origin(layout), "pose", "pose_hrnet", architecture, outputs, use, tuple(unknown), layout)


def _pose_resnet(shapes: Shapes, layout: Layout) -> Recognition | None:
    depth = read_resnet_depth(shapes)
    outputs = dimension(shapes, "final_layer.weight", 0)
    if depth is None or outputs is None or "deconv_layers.0.weight" not in shapes:
        return None
    unknown = [_INPUT_UNKNOWN]
    if layout is PLAIN:
        unknown.append(
            f"stride in the 3x3 or, Caffe style, in the 1x1 convolutions (pose_resnet{depth}_caffe): same names and shapes"
        )
    standard = (
        count_children(shapes, "deconv_layers.") == 6
        and dimension(shapes, "deconv_layers.0.weight", 1) == 256
        and shapes["deconv_layers.0.weight"][2:] == (4, 4)
        and shapes["final_layer.weight"][1:] == (256, 1, 1)
        and dimension(shapes, "conv1.weight", 1) == 3
    )
    if not standard:
        unknown.append(
            "its input, deconvolutions or last convolution differ from SimpleBaseline's (three of 256 channels, 4x4, then 1x1)"
        )
    name = f"pose_resnet{depth}"
    use = "load" if standard else "none"
    return Recognition(_origin(layout), "pose", name, name if standard else None, outputs, use, tuple(unknown), layout)


def _stacked_hourglass(shapes: Shapes, layout: Layout) -> Recognition | None:
    stacks, outputs = count_children(shapes, "hgs."), dimension(shapes, "outs.0.conv.weight", 0)
    if not stacks or outputs is None or "pre.0.bn.weight" not in shapes:
        return None
    usual = (
        stacks in (2, 8)
        and dimension(shapes, "outs.0.conv.weight", 1) == 256
        and dimension(shapes, "pre.0.conv.weight", 1) == 3
    )
    name = f"stacked_hourglass_{stacks}"
    unknown = (
        (_INPUT_UNKNOWN,) if usual else (_INPUT_UNKNOWN, "only RGB networks of 2 or 8 stacks of 256 channels are known here")
    )
    origin = "pytorch_stacked_hourglass"
    use = "load" if usual else "none"
    return Recognition(origin, "pose", "stacked_hourglass", name if usual else None, outputs, use, unknown, layout)


def _imagenet_hrnet(shapes: Shapes, layout: Layout) -> Recognition | None:
    """Classification networks, and bare HRNets (timm's feature extractors, OpenMMLab's backbones)."""
    body = read_hrnet(shapes)
    classes = dimension(shapes, "classifier.weight", 0)
    if body is None or (classes is None and has_part(shapes, _HEADS)):
        return None
    if classes is None:
        origin = "HRNet-Image-Classification, timm or OpenMMLab"
        return Recognition(origin, "backbone", f"hrnet_{body.described}", None, None, "start", (_START_ONLY,), layout)
    origin = "HRNet-Image-Classification or timm"
    family = f"cls_hrnet_{body.described}"
    return Recognition(origin, "image classification", family, None, classes, "start", (_START_ONLY,), layout)


def _imagenet_resnet(shapes: Shapes, layout: Layout) -> Recognition | None:
    depth = read_resnet_depth(shapes)
    if depth is None or has_part(shapes, _HEADS):
        return None
    classes = dimension(shapes, "fc.weight", 0)
    task = "image classification" if classes else "backbone"
    return Recognition("torchvision", task, f"resnet{depth}", None, classes, "start", (_START_ONLY,), layout)


def _other(
    family: str, task: str, origin: str, head: str, outputs: str | None = None, body: bool = True, divisor: int = 1
) -> Rule:
    """Rule for a family that later versions will load: ``head`` is a pattern of its names, ``outputs`` a weight with them."""

    def rule(shapes: Shapes, layout: Layout) -> Recognition | None:
        if not has_part(shapes, head):
            return None
        found = read_hrnet(shapes)
        if body and found is None:
            return None
        count = dimension(shapes, outputs, 0) if outputs else None
        name = f"{family}_{found.described}" if found else family
        return Recognition(origin, task, name, None, count and count // divisor, "none", layout=layout)

    return rule


RULES: tuple[Rule, ...] = (
    _other("dekr", "bottom-up pose", "mmpose or DEKR", "displacement_conv_layers"),
    _other("face_hrnetv2", "facial landmarks", "mmpose", "conv_layers", "final_layer.weight"),
    _other("face_hrnetv2", "facial landmarks", "HRNet-Facial-Landmark-Detection", r"head\.3\.", "head.3.weight"),
    _other("mask_rcnn_hrnetv2p", "instance segmentation", "mmdet", r"(roi_head\.)?mask_head\."),
    _other("detector_hrnetv2p", "object detection", "mmdet", r"(neck|rpn_head|roi_head|bbox_head)\."),
    _other("seg_hrnet_ocr", "segmentation", "mmseg", r"decode_head\.1\.", "decode_head.1.conv_seg.weight"),
    _other("seg_hrnet", "segmentation", "mmseg", r"decode_head\.", "decode_head.conv_seg.weight"),
    _other("seg_hrnet_ocr", "segmentation", "HRNet-Semantic-Segmentation", r"ocr_distri_head\.", "cls_head.weight"),
    _other("seg_hrnet", "segmentation", "HRNet-Semantic-Segmentation", r"last_layer\.", "last_layer.3.weight"),
    _other("higher_hrnet", "bottom-up pose", "HigherHRNet", r"final_layers\.", "final_layers.0.weight", divisor=2),
    _other("hourglass52", "pose", "mmpose", r"hourglass_modules\.", "multi_final_layers.0.weight", body=False),
    _other("pose_ae", "bottom-up pose", "pose-ae", r"features\.0\.0\.up1\.conv\.", body=False),
    _pose_hrnet,
    _pose_resnet,
    _stacked_hourglass,
    _imagenet_hrnet,
    _imagenet_resnet,
)


def _origin(layout: Layout) -> str:
    return "the reference, or ours" if layout is PLAIN else layout.name


def _no_name(body: HRNetBody) -> str:
    if body.spec.in_channels != 3:
        return f"it takes {body.spec.in_channels} channels, here networks take RGB"
    return f"no network has its numbers: {body.described}"
