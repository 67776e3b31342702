"""The table of named networks: each name stands for the few numbers in which the network differs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from torch import nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.backbones.resnet import RESNET_BLOCKS
from hrnet.errors import nearest_name
from hrnet.models.ae_hrnet import AEHRNet
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.models.dekr_hrnet import DEKRHRNet
from hrnet.models.detectors import FCOS
from hrnet.models.embedding_hrnet import EmbeddingHRNet
from hrnet.models.face_hrnetv2 import FaceHRNetV2
from hrnet.models.higher_hrnet import HigherHRNet
from hrnet.models.hrnet_features import HRNetFeatures
from hrnet.models.pose_ae import PoseAE
from hrnet.models.pose_hrnet import PoseHRNet
from hrnet.models.pose_resnet import PoseResNet
from hrnet.models.rcnn import CascadeMaskRCNN, CascadeRCNN, FasterRCNN, HybridTaskCascade, MaskRCNN
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.models.seg_hrnet_ocr import SegHRNetOCR
from hrnet.models.stacked_hourglass import StackedHourglass

HRNET_SPECS: dict[str, HRNetSpec] = {
    **{f"w{width}": HRNetSpec(width) for width in (18, 30, 32, 40, 44, 48, 64)},
    # Called W18 by its authors, but 16 wide (HRNet-Image-Classification, table "small models").
    "w18_small_v1": HRNetSpec(16, stage1_blocks=1, stage1_planes=32, modules=(1, 1, 1), blocks=2),
    "w18_small_v2": HRNetSpec(18, stage1_blocks=2, modules=(1, 3, 2), blocks=2),
}


@dataclass(frozen=True)
class Family:
    """Networks of one kind.

    Attributes:
        name: their names, with ``*`` in place of the tag: ``"seg_hrnet_*_ocr"``.
        task: what they are for.
        build: called with a variant, the number of outputs (where the family has outputs) and options.
        variants: tag to what ``build`` takes. Families of HRNets also take any width, ``wN``.
        outputs: what is counted by ``num_outputs``: ``"keypoints"``, ``"classes"``, or None for bare backbones.
        usual_outputs: that number in the published networks.
    """

    name: str
    task: str
    build: Callable[..., nn.Module]
    variants: Mapping[str, Any] = field(default_factory=lambda: HRNET_SPECS)
    outputs: str | None = "keypoints"
    usual_outputs: int = 17

    @property
    def options(self) -> list[str]:
        """Names of the options that `build_model` takes for the family."""
        positional = 2 if self.outputs else 1
        names = list(inspect.signature(self.build).parameters)[positional:]
        return names if "in_channels" in names else [*names, "in_channels"]

    def name_of(self, tag: str) -> str:
        return self.name.replace("*", tag)

    def variant(self, name: str) -> Any:
        """What ``build`` takes for a network called ``name``; None if it is of another family."""
        before, after = map(re.escape, self.name.split("*"))
        found = re.fullmatch(f"{before}(.+?){after}", name)
        if not found:
            return None
        free_width = re.fullmatch(r"w([1-9]\d{0,2})", found[1]) if self.variants is HRNET_SPECS else None
        return self.variants.get(found[1], HRNetSpec(int(free_width[1])) if free_width else None)


def _resnet(variant: tuple[int, bool], num_keypoints: int, in_channels: int = 3) -> nn.Module:
    depth, stride_in_1x1 = variant
    return PoseResNet(depth, num_keypoints, stride_in_1x1, in_channels)


_RESNETS = {f"{depth}{suffix}": (depth, caffe) for suffix, caffe in (("", False), ("_caffe", True)) for depth in RESNET_BLOCKS}
_SEGMENTATION = {"task": "segmentation", "outputs": "classes", "usual_outputs": 19}
_DETECTION = {"outputs": "classes", "usual_outputs": 80}

FAMILIES: tuple[Family, ...] = (
    Family("hrnet_*", "backbone", HRNet, outputs=None),
    Family("hrnet_features_*", "backbone", HRNetFeatures, outputs=None),
    Family("cls_hrnet_*", "image classification", ClsHRNet, outputs="classes", usual_outputs=1000),
    Family("seg_hrnet_*", build=SegHRNet, **_SEGMENTATION),
    Family("seg_hrnet_*_ocr", build=SegHRNetOCR, **_SEGMENTATION),
    Family("embedding_hrnet_*", "instance embedding", EmbeddingHRNet, outputs="classes", usual_outputs=1),
    Family("face_hrnetv2_*", "facial landmarks", FaceHRNetV2, usual_outputs=68),
    Family("pose_hrnet_*", "pose", PoseHRNet),
    Family("pose_resnet*", "pose", _resnet, _RESNETS),
    Family("stacked_hourglass_*", "pose", StackedHourglass, {"2": 2, "8": 8}, usual_outputs=16),
    Family("higher_hrnet_*", "bottom-up pose", HigherHRNet),
    Family("ae_hrnet_*", "bottom-up pose", AEHRNet),
    Family("pose_ae_*", "bottom-up pose", PoseAE, {"4": 4}),
    Family("dekr_hrnet_*", "bottom-up pose", DEKRHRNet),
    Family("faster_rcnn_hrnetv2p_*", "object detection", FasterRCNN, **_DETECTION),
    Family("cascade_rcnn_hrnetv2p_*", "object detection", CascadeRCNN, **_DETECTION),
    Family("fcos_hrnetv2p_*", "object detection", FCOS, **_DETECTION),
    Family("mask_rcnn_hrnetv2p_*", "instance segmentation", MaskRCNN, **_DETECTION),
    Family("cascade_mask_rcnn_hrnetv2p_*", "instance segmentation", CascadeMaskRCNN, **_DETECTION),
    Family("htc_hrnetv2p_*", "instance segmentation", HybridTaskCascade, **_DETECTION),
)


@cache
def _names() -> dict[str, Family]:
    return {family.name_of(tag): family for family in FAMILIES for tag in family.variants}


def list_models(task: str | None = None) -> list[str]:
    """Names that `build_model` knows, besides free widths such as ``pose_hrnet_w16``; those for ``task`` alone if given.

    Raises:
        ValueError: no network is for that task; the message names the nearest.
    """
    tasks = {family.task for family in FAMILIES}
    if task is not None and task not in tasks:
        raise ValueError(f"there is no network for {task!r}; {nearest_name(task, sorted(tasks))}")
    return sorted(name for name, family in _names().items() if task in (None, family.task))


def family_of(name: str) -> Family:
    """The family of the network called ``name``. Raises ValueError for an unknown name; the message names the nearest."""
    if name in _names():
        return _names()[name]
    found = next((family for family in FAMILIES if family.variant(name) is not None), None)
    if found is None:
        raise ValueError(f"there is no network called {name!r}; {nearest_name(name, _names())}")
    return found


def build_model(name: str, num_outputs: int | None = None, **options: Any) -> nn.Module:
    """Build a network with fresh weights.

    Args:
        name: one of `list_models`, or with any width N: ``pose_hrnet_wN``, ``seg_hrnet_wN_ocr``.
        num_outputs: how many keypoints or classes; None for as many as the published networks have.
        options: ``in_channels`` of the picture (3), and what the family's network takes, such as ``align_corners``.

    Returns:
        a network in training mode. ``features(x)`` gives what its body computes, ``predict(features)`` what its head makes of
        it, and calling it does both.

    Raises:
        ValueError: the name or an option is unknown (the message names the nearest), or ``num_outputs`` is not positive.
    """
    family = family_of(name)
    if num_outputs is not None and num_outputs < 1:
        raise ValueError(f"num_outputs must be at least 1, got {num_outputs}")
    if num_outputs is not None and family.outputs is None:
        raise ValueError(f"{name} is a backbone: it has no outputs to count, leave num_outputs out")
    if unknown := [option for option in options if option not in family.options]:
        raise ValueError(f"{name} has no option {unknown[0]!r}; {nearest_name(unknown[0], family.options)}")
    variant = family.variant(name)
    if isinstance(variant, HRNetSpec) and "in_channels" in options:
        variant = replace(variant, in_channels=options.pop("in_channels"))
    outputs = [] if family.outputs is None else [num_outputs or family.usual_outputs]
    return family.build(variant, *outputs, **options)
