"""Recorded targets of HigherHRNet, the associative embedding hourglass and the OpenMMLab codec."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of

from hrnet.codecs.multi_person_targets import MultiPersonEncoder, MultiPersonTargets, Placement

case = cases_of("bottom_up_training")


def encode(recorded: Case, encoder: MultiPersonEncoder, sigmas: torch.Tensor | None = None) -> MultiPersonTargets:
    joints = torch.from_numpy(recorded.inputs["joints"])[None]
    return encoder.encode(joints[..., :2], joints[..., 2], sigmas=sigmas)


def on_one_map(side: int, sigma: float | None, shared_tags: bool = False) -> MultiPersonEncoder:
    """The record has joints in pixels of the map already."""
    return MultiPersonEncoder((side, side), ((side, side),), sigma, shared_tags=shared_tags)


def packed(targets: MultiPersonTargets, people: int) -> np.ndarray:
    """(people, K, 2) as the record has it: positions and flags of the used joints first, zeros behind and below them."""
    positions, used = targets.positions[0][0].numpy(), targets.used[0][0].numpy()
    rows = np.zeros((people, positions.shape[1], 2))
    for person, (row, flags) in enumerate(zip(positions, used, strict=True)):
        rows[person, : flags.sum()] = np.stack([row[flags], np.ones(flags.sum())], axis=-1)
    return rows


@pytest.mark.parametrize(
    "name",
    [
        "bu_heatmap_target_res64_sigma2",
        "bu_heatmap_target_res96_sigma-1",
        "ae_heatmap_target_res64",
        "ae_heatmap_target_res128",
    ],
)
def test_heatmaps(name: str) -> None:
    recorded = case(name)
    given = recorded.inputs
    setting = given.get("sigma_setting", -1)
    encoder = on_one_map(given["output_res"] if "output_res" in given else given["res"], setting if setting > 0 else None)
    targets = encode(recorded, encoder)
    step = 2 if name.endswith("128") else 1  # of the largest maps, every second is on record
    assert_close(recorded, "heatmaps", targets.heatmaps[0][0, ::step])
    if "indices" in recorded.outputs:
        assert_close(recorded, "indices", packed(targets, len(given["joints"])))


def test_scale_aware_heatmaps() -> None:
    recorded = case("bu_heatmap_target_scale_aware")
    sigmas = torch.from_numpy(recorded.inputs["joints"])[None, :, 0, 3]
    encoder = on_one_map(recorded.inputs["output_res"], None)
    assert_close(recorded, "heatmaps", encode(recorded, encoder, sigmas=sigmas).heatmaps[0])


@pytest.mark.parametrize("name", ["bu_joint_indices_res64", "bu_joint_indices_res96"])
def test_tag_positions(name: str) -> None:
    recorded = case(name)
    given = recorded.inputs
    for key, shared in (("visible_nodes_per_joint", False), ("visible_nodes_shared", True)):
        targets = encode(recorded, on_one_map(given["output_res"], 2.0, shared))
        assert_close(recorded, key, packed(targets, given["max_people"]))


@pytest.mark.parametrize(
    ("name", "placement"),
    [("bu_ae_codec_mmpose_plain", Placement.NEAREST), ("bu_ae_codec_mmpose_udp", Placement.EXACT)],
)
def test_openmmlab_targets(name: str, placement: Placement) -> None:
    recorded = case(name)
    given = recorded.inputs
    (width, height), (map_width, map_height) = given["input_size_wh"], given["heatmap_size_wh"]
    encoder = MultiPersonEncoder((height, width), ((map_height, map_width),), None, placement, shared_tags=True)
    keypoints, visible = (torch.from_numpy(given[key])[None] for key in ("keypoints", "visible"))
    targets = encoder.encode(keypoints, visible)
    assert_close(recorded, "heatmaps", targets.heatmaps[0])
    # The record has positions of joints that are not labelled as well.
    everything = encoder.encode(keypoints, torch.ones_like(visible))
    assert_close(recorded, "keypoint_indices", torch.stack([everything.positions[0], targets.used[0].long()], dim=-1))
