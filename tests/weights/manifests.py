"""State dicts of every recorded network that need no memory, and what each of them is."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from golden.manifests import MANIFESTS, manifest
from torch import Tensor

from hrnet.weights.empty_network import empty_network

State = dict[str, Tensor]

HOURGLASS52 = [name for name in MANIFESTS if "hourglass52" in name]
LOADABLE = [name for name in MANIFESTS if name not in HOURGLASS52]


def thin_state(shapes: Mapping[str, tuple[int, ...]]) -> State:
    """Tensors of these shapes that hold one number per entry and row: different everywhere, and almost without memory."""
    return {key: thin_tensor(key, shape) for key, shape in shapes.items()}


def thin_tensor(key: str, shape: tuple[int, ...]) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.tensor(zlib.crc32(key.encode()) % 1000)
    start = zlib.crc32(key.encode()) % 10007 / 97 + 0.1
    if not shape:
        return torch.tensor(start)
    rows = torch.arange(shape[0], dtype=torch.float32) / 64 + start
    return rows.view(-1, *[1] * (len(shape) - 1)).expand(shape)


def thin_manifest(name: str) -> State:
    return thin_state(manifest(name))


@cache
def _network_shapes(architecture: str, num_outputs: int | None, options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    state = empty_network(architecture, num_outputs, **dict(options)).state_dict()
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def network_shapes(architecture: str, num_outputs: int | None = None, **options: Any) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of a network, in its order."""
    return _network_shapes(architecture, num_outputs, tuple(options.items()))


def in_order(state: State, shapes: Mapping[str, Any]) -> State:
    return {key: state[key] for key in shapes}


def assert_same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    """Keys, their order, and every bit."""
    assert list(first) == list(second)
    for key, tensor in first.items():
        assert tensor is second[key] or same_bits(tensor, second[key]), key


def same_bits(first: Tensor, second: Tensor) -> bool:
    return first.dtype == second.dtype and torch.equal(first, second)


class Expected(NamedTuple):
    """What a recorded network is."""

    family: str
    architecture: str | None
    num_outputs: int | None
    origin: str
    task: str
    options: dict[str, Any]


def expected(name: str) -> Expected:
    """Read off the name of the record, by which it was made."""
    source, model = name.split("/")
    if source == "mmseg":
        kind, size, data = model.split("_")
        tag = {"hr18s": "w18_small_v2", "hr18": "w18", "hr48": "w48"}[size]
        ocr = kind == "ocrnet"
        architecture = f"seg_hrnet_{tag}{'_ocr' if ocr else ''}"
        family = "seg_hrnet_ocr" if ocr else "seg_hrnet"
        count = {"cityscapes19": 19, "ade150": 150}[data]
        return Expected(family, architecture, count, "mmseg", "segmentation", {"align_corners": False})
    if source in ("seg_hrnet", "seg_hrnet_ocr"):
        ocr, tag = source == "seg_hrnet_ocr", model.removeprefix(f"{source}_").rpartition("_")[0]
        count = {"ctx59": 59, "ctx60": 60, "lip20": 20, "ade150": 150, "cityscapes19": 19, "cocostuff171": 171}[
            model.rsplit("_", 1)[-1]
        ]
        tag = tag.removesuffix("_pascal")
        aligned = ocr or count in (150, 171)
        architecture = f"seg_hrnet_{tag}{'_ocr' if ocr else ''}"
        return Expected(source, architecture, count, "HRNet-Semantic-Segmentation", "segmentation", {"align_corners": aligned})
    if source in ("mmdet", "mmdet_v1"):
        family, tag = model.removesuffix("_syncbn").rsplit("_", 1)
        task = "instance segmentation" if "mask" in family or "htc" in family else "object detection"
        return Expected(family, f"{family}_{tag}", 80, "mmdet 1.x" if source == "mmdet_v1" else "mmdet 3.x", task, {})
    if source in ("cls_hrnet", "timm"):
        tag = model.split("__")[0].removeprefix("cls_").removeprefix("hrnet_")
        tag = tag.removesuffix("_ssld") + ("_v1" if tag == "w18_small" else "")
        if model.endswith("features_only"):
            return Expected("hrnet_features", f"hrnet_features_{tag}", None, "timm", "backbone", {})
        if model.endswith("no_incre"):
            return Expected("hrnet", f"hrnet_{tag}", None, "timm", "backbone", {})
        origin = "timm" if source == "timm" else "HRNet-Image-Classification"
        return Expected("cls_hrnet", f"cls_hrnet_{tag}", 1000, origin, "image classification", {})
    keypoints = {"coco17": 17, "mpii16": 16, "crowdpose14": 14, "300w68": 68, "aflw19": 19, "cofw29": 29, "wflw98": 98}
    count = keypoints.get(model.rsplit("_", 1)[-1], 17)
    if source == "mmpose":
        kind, network = model.split("_")[:2]
        width = network.rpartition("-")[2]
        if network == "hourglass52":
            return Expected("hourglass52", None, count, "mmpose 1.x", "pose", {})
        if network == "res50":
            return Expected("pose_resnet", "pose_resnet50", count, "mmpose 1.x", "pose", {})
        family = {"ae": "ae_hrnet", "dekr": "dekr_hrnet"}.get(kind, "face_hrnetv2" if "v2" in network else "pose_hrnet")
        task = {"face_hrnetv2": "facial landmarks", "pose_hrnet": "pose"}.get(family, "bottom-up pose")
        return Expected(family, f"{family}_{width}", count, "mmpose 1.x", task, {})
    if source == "pose_ae":
        return Expected("pose_ae", "pose_ae_4", 17, "pose-ae-train", "bottom-up pose", {})
    if source == "stacked_hourglass":
        stacks = model.split("_")[2].removesuffix("stack")
        return Expected(source, f"stacked_hourglass_{stacks}", 16, "pytorch_stacked_hourglass", "pose", {})
    if source == "face_hrnetv2":
        return Expected(source, "face_hrnetv2_w18", count, "HRNet-Facial-Landmark-Detection", "facial landmarks", {})
    if source == "pose_resnet":
        depth = model.split("_")[1].removeprefix("resnet")
        return Expected(source, f"pose_resnet{depth}", count, "SimpleBaseline", "pose", {})
    width = model.split("_")[2]
    origin, task = {
        "pose_hrnet": ("deep-high-resolution-net", "pose"),
        "higher_hrnet": ("HigherHRNet-Human-Pose-Estimation", "bottom-up pose"),
    }[source]
    return Expected(source, f"{source}_{width}", count, origin, task, {})
