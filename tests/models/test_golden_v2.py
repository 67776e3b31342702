"""Classification, segmentation and face networks against recorded ones, those of other toolkits among them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from golden.checks import (
    assert_computes,
    assert_sizes,
    assert_trains_in_double_precision,
    assert_trains_in_single_precision,
    fill,
    shapes_of,
)
from golden.manifests import MANIFESTS, manifest
from golden.networks import FACTS, cases_of
from torch import nn

from hrnet.backbones import HRNet, HRNetSpec
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.models.face_hrnetv2 import FaceHRNetV2
from hrnet.models.hrnet_features import HRNetFeatures
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.models.seg_hrnet_ocr import SegHRNetOCR
from hrnet.models.variants import HRNET_SPECS

OFFICIAL = ("cls_hrnet", "seg_hrnet", "seg_hrnet_ocr", "face_hrnetv2")
NO_BIAS_IN_SSLD = {*(f"downsamp_modules.{index}.0.bias" for index in range(3)), "final_layer.0.bias"}


def spec_of(recorded_name: str) -> HRNetSpec:
    if re.search(r"small_v2|hr18s", recorded_name):
        spec = HRNET_SPECS["w18_small_v2"]
    elif "w18_small" in recorded_name:
        spec = HRNET_SPECS["w18_small_v1"]
    else:
        width = re.search(r"(?:w|_hr)(\d\d)", recorded_name.partition("/")[2])
        assert width, recorded_name
        spec = HRNET_SPECS[f"w{width[1]}"]
    # The small segmentation networks come from an older branch of the code, which trained with slower statistics.
    slow = recorded_name.startswith("seg_hrnet/") and "small" in recorded_name
    return replace(spec, batch_norm_momentum=0.01) if slow else spec


def empty_network(name: str) -> nn.Module:
    """Our network for the recorded ``family/model``, without storage."""
    facts, spec = FACTS[name], spec_of(name)
    with torch.device("meta"):
        if "face_hrnetv2" in name or "td-hm_hrnetv2" in name:
            return FaceHRNetV2(spec, int(name[-2:]))
        if "ocr" in name:
            return SegHRNetOCR(spec, facts["num_classes"], align_corners_of(name))
        if name.startswith(("seg_hrnet/", "mmseg/")):
            return SegHRNet(spec, facts["num_classes"], align_corners_of(name))
        return HRNetFeatures(spec) if "features_only" in name else ClsHRNet(spec, facts["num_classes"])


def align_corners_of(name: str) -> bool:
    """One flag, or one per head, which are the same."""
    flags = FACTS[name]["align_corners"]
    (flag,) = set(flags) if isinstance(flags, list) else {flags}
    return flag


def key_in_timm_ssld(key: str) -> str | None:
    return None if key in NO_BIAS_IN_SSLD else key


def key_in_mmpose(key: str) -> str:
    for ours, theirs in (("head.3.", "head.final_layer."), ("head.", "head.conv_layers.")):
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    return f"backbone.{key}"


def key_in_mmseg(key: str, ocr: bool) -> str | None:
    """mmseg's name of an entry; None for biases before a BatchNorm, which it leaves out."""
    rough, block = "decode_head.0" if ocr else "decode_head", "decode_head.1.object_context_block"
    renames = {
        r"(?:last_layer|aux_head)\.0\.bias|conv3x3_ocr\.0\.bias": "",
        r"(?:last_layer|aux_head)\.0\.": rf"{rough}.convs.0.conv.",
        r"(?:last_layer|aux_head)\.1\.": rf"{rough}.convs.0.bn.",
        r"(?:last_layer|aux_head)\.3\.": rf"{rough}.conv_seg.",
        r"conv3x3_ocr\.0\.": "decode_head.1.bottleneck.conv.",
        r"conv3x3_ocr\.1\.": "decode_head.1.bottleneck.bn.",
        r"cls_head\.": "decode_head.1.conv_seg.",
    }
    for ours, theirs in (("f_pixel", "query_project"), ("f_object", "key_project")):
        for index in (0, 1):
            prefix = rf"ocr_distri_head\.object_context_block\.{ours}"
            renames[rf"{prefix}\.{2 * index}\."] = f"{block}.{theirs}.{index}.conv."
            renames[rf"{prefix}\.{2 * index + 1}\.0\."] = f"{block}.{theirs}.{index}.bn."
    for ours, theirs in (
        ("object_context_block.f_down", "value_project"),
        ("object_context_block.f_up", "out_project"),
        ("conv_bn_dropout", "bottleneck"),
    ):
        renames[rf"ocr_distri_head\.{ours}\.0\."] = f"{block}.{theirs}.conv."
        renames[rf"ocr_distri_head\.{ours}\.1\.0\."] = f"{block}.{theirs}.bn."
    for pattern, theirs in renames.items():
        if found := re.match(pattern, key):
            return theirs + key[found.end() :] if theirs else None
    return f"backbone.{key}"


@pytest.mark.parametrize("name", [name for name in MANIFESTS if name.split("/")[0] in OFFICIAL])
def test_keys_shapes_and_sizes(name: str) -> None:
    network = empty_network(name)
    assert shapes_of(network) == list(manifest(name).items())
    assert_sizes(FACTS[name], network)


TIMM = [name for name in MANIFESTS if name.startswith("timm/")]


@pytest.mark.parametrize("name", [name for name in TIMM if not name.endswith("_no_incre")])
def test_timm_has_the_same_keys(name: str) -> None:
    """But the classifiers called ssld, which lack the four biases before BatchNorms: 3840 parameters."""
    network, facts = empty_network(name), FACTS[name]
    lacking = NO_BIAS_IN_SSLD if name.endswith("_ssld") else set()
    ours = dict(shapes_of(network))
    assert lacking <= ours.keys()
    assert [(key, shape) for key, shape in ours.items() if key not in lacking] == list(manifest(name).items())
    biases = sum(ours[key][0] for key in lacking)
    assert biases == (3840 if lacking else 0)
    assert_sizes({**facts, "params": facts["params"] + biases}, network)
    if isinstance(network, HRNetFeatures):
        assert network.channels == tuple(facts["feature_channels"])
        assert network.strides == tuple(facts["feature_reductions"])


def test_timm_without_widening_is_the_bare_body() -> None:
    with torch.device("meta"):
        body = HRNet(HRNET_SPECS["w18"])
    assert shapes_of(body) == list(manifest("timm/hrnet_w18__features_only_no_incre").items())


@pytest.mark.parametrize("name", [name for name in MANIFESTS if name.startswith(("mmseg/", "mmpose/td-hm_hrnetv2"))])
def test_other_toolkits_have_other_names_for_the_same(name: str) -> None:
    network, facts = empty_network(name), FACTS[name]
    rename = recorded_key(name)
    renamed = {rename(key): shape for key, shape in shapes_of(network) if rename(key)}
    assert renamed == manifest(name)
    biases = sum(shape[0] for key, shape in shapes_of(network) if not rename(key))
    assert_sizes({**facts, "params": facts["params"] + biases}, network)


def recorded_key(name: str) -> Any:
    """How a recorded network calls the entries of ours."""
    if name.startswith("mmseg/"):
        return lambda key: key_in_mmseg(key, "ocr" in name)
    if name.startswith("mmpose/"):
        return key_in_mmpose
    return key_in_timm_ssld if name.endswith("_ssld") else lambda key: key


def filled_network(case: dict[str, Any]) -> nn.Module:
    name = f"{case['family']}/{case['model']}"
    return fill(empty_network(name), recorded_key(name))


def is_hrnetv2_of_mmpose(case: dict[str, Any]) -> bool:
    return "td-hm_hrnetv2" in case["model"]


EVAL_CASES = [*cases_of(*OFFICIAL, "timm", "mmseg", mode="eval"), *filter(is_hrnetv2_of_mmpose, cases_of("mmpose"))]
TRAIN_CASES = cases_of(*OFFICIAL, mode="train")


@pytest.mark.parametrize("case", EVAL_CASES, ids=lambda case: case["id"])
def test_outputs(case: dict[str, Any]) -> None:
    assert case.get("align_corners") in (None, FACTS[f"{case['family']}/{case['model']}"].get("align_corners"))
    names = {"decode_head": "output", "decode_head0": "aux", "decode_head1": "out"}
    assert_computes(case, filled_network(case), names)


def test_every_kind_of_case_is_there() -> None:
    assert len(EVAL_CASES) == 9 + 5 + 2 + 3 + 7 + 4 + 1
    assert len(TRAIN_CASES) == 4


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_training_in_single_precision(case: dict[str, Any]) -> None:
    assert_trains_in_single_precision(case, filled_network(case))


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_training_in_double_precision(case: dict[str, Any]) -> None:
    assert_trains_in_double_precision(case, filled_network(case))
