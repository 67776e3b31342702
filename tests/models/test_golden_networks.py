"""Pose networks against recorded ones: keys, sizes, what they compute, and how they train."""

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
from golden.manifests import manifest
from golden.networks import FACTS, cases_of
from torch import nn

from hrnet.models import build_model

FAMILIES = ("pose_hrnet", "pose_resnet", "stacked_hourglass")
NETWORKS = {facts["model"]: facts for facts in FACTS.values() if facts["family"] in FAMILIES}
EVAL_CASES = cases_of(*FAMILIES, mode="eval")
TRAIN_CASES = cases_of(*FAMILIES, mode="train")


def empty_network(recorded_name: str) -> nn.Module:
    """The network without storage: enough for keys, shapes and counting, and quick to build."""
    name = re.sub(r"_(coco17|mpii16)$", "", recorded_name)
    name = re.sub(r"_(\d)stack$", r"_\1", name)
    with torch.device("meta"):
        return build_model(name, NETWORKS[recorded_name]["num_joints"])


def filled_network(case: dict[str, Any]) -> nn.Module:
    return fill(empty_network(case["model"]))


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_shapes_and_sizes(name: str) -> None:
    network, facts = empty_network(name), NETWORKS[name]
    assert shapes_of(network) == list(manifest(f"{facts['family']}/{name}").items())
    assert_sizes(facts, network)


@pytest.mark.parametrize("case", EVAL_CASES, ids=lambda case: case["id"])
def test_outputs(case: dict[str, Any]) -> None:
    assert_computes(case, filled_network(case))


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_training_in_single_precision(case: dict[str, Any]) -> None:
    assert_trains_in_single_precision(case, filled_network(case))


@pytest.mark.parametrize("case", TRAIN_CASES, ids=lambda case: case["id"])
def test_training_in_double_precision(case: dict[str, Any]) -> None:
    assert_trains_in_double_precision(case, filled_network(case))
