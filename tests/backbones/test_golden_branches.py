"""HRNet bodies against recorded networks of every kind that contains one: classification, segmentation, faces, ..."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import pytest
import torch
from golden.filled import filled_input, filled_state
from golden.manifests import MANIFESTS, Manifest, manifest
from golden.networks import assert_recorded, cases_of
from torch import Tensor, nn

from hrnet.backbones import HRNet, HRNetSpec
from hrnet.models.variants import HRNET_SPECS
from hrnet.nn.exchange import Upsampling

BODY_KEY = re.compile(r"(?:backbone\.)?((?:conv|bn|layer|transition|stage)[1-4]\..+)")
BRANCH_TENSOR = re.compile(r"layer1|stage[234]\.\d|backbone\.\d")
BODIES = [name for name in MANIFESTS if any("stage4.0.branches.3." in key for key in manifest(name))]
POSE_FAMILIES = ("pose_hrnet", "pose_resnet", "stacked_hourglass")  # tested as whole networks
BILINEAR_FAMILIES = ("seg_hrnet", "seg_hrnet_ocr", "face_hrnetv2")
DETECTOR_FAMILIES = ("mmdet", "mmdet_v1")


def spec_of(recorded_name: str) -> HRNetSpec:
    """The body inside a recorded network, by its name ``family/model``; upsampling aside."""
    if re.search(r"small_v2|hr18s", recorded_name):
        tag = "w18_small_v2"
    elif "w18_small" in recorded_name:
        tag = "w18_small_v1"
    else:
        width = re.search(r"(?:w|/\w+_hr)(\d\d)", recorded_name)
        assert width, recorded_name
        tag = f"w{width[1]}"
    highest_only = re.search(r"pose_hrnet|higher_hrnet|td-hm_hrnet-|ae_hrnet", recorded_name)
    return replace(HRNET_SPECS[tag], outputs="highest" if highest_only else "all")


def upsampling_of(case: dict[str, Any]) -> Upsampling:
    if case["family"] not in BILINEAR_FAMILIES:
        return Upsampling("nearest")
    return Upsampling("bilinear", align_corners=case.get("align_corners", False))


def prefix_of(case: dict[str, Any]) -> str:
    return "backbone." if case["family"] in DETECTOR_FAMILIES else ""


def empty_body(spec: HRNetSpec) -> HRNet:
    with torch.device("meta"):
        return HRNet(spec)


@lru_cache(maxsize=1)  # cases are sorted so that those with equal weights follow one another
def weights(spec: HRNetSpec, prefix: str) -> dict[str, Tensor]:
    shapes = {key: tuple(tensor.shape) for key, tensor in empty_body(spec).state_dict().items()}
    return filled_state(shapes, prefix)


def weights_order(case: dict[str, Any]) -> tuple[str, str]:
    return str(spec_of(f"{case['family']}/{case['model']}")), prefix_of(case)


def with_body_tensors(case: dict[str, Any]) -> dict[str, Any]:
    wanted = BRANCH_TENSOR if case["mode"] == "eval" else BODY_KEY
    return {**case, "tensors": [tensor for tensor in case["tensors"] if wanted.match(tensor["name"])]}


CASES = sorted(
    (
        kept
        for case in cases_of()
        # the detector trains with frozen statistics
        if case["family"] not in POSE_FAMILIES and not (case["mode"] == "train" and case["family"] == "mmdet")
        if (kept := with_body_tensors(case))["tensors"]
    ),
    key=weights_order,
)
EVAL_CASES = [case for case in CASES if case["mode"] == "eval"]
TRAIN_CASES = [case for case in CASES if case["mode"] == "train"]

# These two trained with a slower BatchNorm; here the speed belongs to training, not to the network.
SLOW_BATCH_NORM = {"seg_hrnet": 0.01, "face_hrnetv2": 0.01}


@cache
def shapes_of_body(spec: HRNetSpec) -> list[tuple[str, tuple[int, ...]]]:
    return [(key, tuple(tensor.shape)) for key, tensor in empty_body(spec).state_dict().items()]


def recorded_body(shapes: Manifest) -> list[tuple[str, tuple[int, ...]]]:
    return [(found[1], shape) for key, shape in shapes.items() if (found := BODY_KEY.fullmatch(key))]


@pytest.mark.parametrize("name", BODIES)
def test_keys_and_shapes(name: str) -> None:
    """The body's part of every published state dict fits without renaming, in the same order."""
    assert shapes_of_body(spec_of(name)) == recorded_body(manifest(name))


def test_every_kind_of_upsampling_is_recorded() -> None:
    assert {upsampling_of(case) for case in EVAL_CASES} == {
        Upsampling("nearest"),
        Upsampling("bilinear", align_corners=False),
        Upsampling("bilinear", align_corners=True),
    }
    assert any(side % 32 for case in EVAL_CASES for side in case["input"]["shape"][2:])


def filled_body(case: dict[str, Any]) -> HRNet:
    spec = spec_of(f"{case['family']}/{case['model']}")
    body = empty_body(replace(spec, upsampling=upsampling_of(case)))
    # Copies of the statistics: a training pass changes them in place.
    state = {key: value.clone() if "running" in key else value for key, value in weights(spec, prefix_of(case)).items()}
    body.load_state_dict(state, strict=True, assign=True)
    return body


@pytest.mark.parametrize("case", EVAL_CASES, ids=lambda case: case["id"])
def test_branches(case: dict[str, Any]) -> None:
    body = filled_body(case)
    tensors: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Tensor | list[Tensor]], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor | list[Tensor]) -> None:
            if isinstance(output, Tensor):
                tensors[name] = output
            else:
                tensors.update({f"{name}.{branch}": tensor for branch, tensor in enumerate(output)})

        return hook

    for name in ("layer1", "stage2", "stage3", "stage4"):
        body.get_submodule(name).register_forward_hook(keep(name))
    with torch.no_grad():
        branches = body.eval()(filled_input(**case["input"]))
    tensors.update({f"backbone.{branch}": tensor for branch, tensor in enumerate(branches)})
    for record in case["tensors"]:
        assert_recorded(case, record, tensors[record["name"]])


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_running_statistics_after_a_training_pass(case: dict[str, Any]) -> None:
    body = filled_body(case).train()
    for module in body.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = SLOW_BATCH_NORM.get(case["family"], module.momentum)
    with torch.no_grad():
        body(filled_input(**case["input"]))
    state = body.state_dict()
    for record in case["tensors"]:
        assert_recorded(case, record, state[record["name"]])
