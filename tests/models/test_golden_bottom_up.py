"""Bottom-up pose networks against recorded ones: keys, sizes, what they compute, and how they train."""

from __future__ import annotations

import re
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

from hrnet.heads.adaptive_displacement import DeformableConv2d
from hrnet.models.ae_hrnet import AEHRNet
from hrnet.models.dekr_hrnet import DEKRHRNet
from hrnet.models.higher_hrnet import HigherHRNet
from hrnet.models.pose_ae import PoseAE
from hrnet.models.variants import HRNET_SPECS

KINDS = {"higher_hrnet": HigherHRNet, "ae_hrnet": AEHRNet, "dekr_hrnet": DEKRHRNet}
NETWORKS = [name for name in MANIFESTS if re.search(r"/(higher_hrnet|pose_ae|ae_hrnet|dekr_hrnet)", name)]
CASES = [case for case in cases_of("higher_hrnet", "pose_ae", "mmpose") if f"{case['family']}/{case['model']}" in NETWORKS]
EVAL_CASES = [case for case in CASES if case["mode"] == "eval"]
TRAIN_CASES = [case for case in CASES if case["mode"] == "train"]


def empty_network(recorded_name: str) -> nn.Module:
    """The network without storage, by ``family/model``: enough for keys, shapes and counting, and quick to build."""
    with torch.device("meta"):
        if recorded_name == "pose_ae/pose_ae_4stack_coco":
            return PoseAE(4, 17)
        found = re.fullmatch(r"\w+/(\w+)[-_](w\d+)_(?:\d+_)?(?:coco|crowdpose)(\d+)", recorded_name)
        assert found, recorded_name
        return KINDS[found[1]](HRNET_SPECS[found[2]], int(found[3]))


def recorded_key(recorded_name: str, key: str) -> str:
    """What the recorded network calls our ``key``: another toolkit puts the body and the head into two parts."""
    if not recorded_name.startswith("mmpose/"):
        return key
    return ("backbone." if re.match(r"(conv|bn|layer|transition|stage)\d", key) else "head.") + key


def filled_network(case: dict[str, Any]) -> nn.Module:
    name = f"{case['family']}/{case['model']}"
    network = fill(empty_network(name), lambda key: recorded_key(name, key))
    for key, value in case.get("not_filled", {}).items():
        network.get_buffer(key.removeprefix("head.")).copy_(torch.tensor(value))
    return network


def with_deformable_convolutions(facts: dict[str, Any], network: nn.Module) -> dict[str, Any]:
    """The counter behind the record does not know deformable convolutions and leaves theirs out; ours counts them."""
    weights = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, DeformableConv2d))

    def pixels(shape: list[int]) -> int:
        return shape[0] * (shape[2] // 4) * (shape[3] // 4)

    return {**facts, "macs": [{**row, "macs": row["macs"] + weights * pixels(row["input"])} for row in facts["macs"]]}


def test_everything_is_here() -> None:
    assert len(NETWORKS) == 10
    assert len(EVAL_CASES) == 7
    assert {case["family"] for case in TRAIN_CASES} == {"higher_hrnet", "pose_ae"}


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_shapes_and_sizes(name: str) -> None:
    network = empty_network(name)
    assert [(recorded_key(name, key), shape) for key, shape in shapes_of(network)] == list(manifest(name).items())
    assert_sizes(FACTS[name] if "dekr" not in name else with_deformable_convolutions(FACTS[name], network), network)


@pytest.mark.parametrize("case", EVAL_CASES, ids=lambda case: case["id"])
def test_outputs(case: dict[str, Any]) -> None:
    assert_computes(case, filled_network(case))


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_training_in_single_precision(case: dict[str, Any]) -> None:
    assert_trains_in_single_precision(case, filled_network(case))


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_training_in_double_precision(case: dict[str, Any]) -> None:
    assert_trains_in_double_precision(case, filled_network(case))


@pytest.mark.parametrize("name", ["dekr_hrnet-w32_coco17", "dekr_hrnet-w32_crowdpose14"])
def test_sampling_grid_of_a_fresh_network_is_the_recorded_constant(name: str) -> None:
    constants = next(case["not_filled"] for case in EVAL_CASES if "not_filled" in case)
    network = DEKRHRNet(HRNET_SPECS["w18_small_v1"], int(name[-2:]))
    for key, value in constants.items():
        assert network.get_buffer(key.removeprefix("head.")).tolist() == value
