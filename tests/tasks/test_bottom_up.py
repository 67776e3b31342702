"""The bottom-up task: losses by family, and people found by networks that predict their targets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hrnet.codecs.associative_embedding import AssociativeEmbeddingSpec
from hrnet.codecs.multi_person_targets import MultiPersonTargets
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import CheckpointError
from hrnet.geometry import apply_affine
from hrnet.models.ae_hrnet import TaggedHeatmaps
from hrnet.tasks.bottom_up import BottomUpPose, LossSettings, TargetSettings, build_tagging_network, map_sizes
from hrnet.weights.bottom_up_card import BottomUpCard

LSP = keypoint_set("lsp")
SIZE = (128, 160)
FAMILIES = ("higher_hrnet_w18_small_v1", "ae_hrnet_w18_small_v1", "pose_ae_4")


def card_of(architecture: str, **changes: Any) -> BottomUpCard:
    decoding = {
        # Enlarged by a whole factor, perfect maps have two equal pixels at every peak, which makes people of both.
        "ae_hrnet_w18_small_v1": AssociativeEmbeddingSpec(project_to_input=False),
        "pose_ae_4": AssociativeEmbeddingSpec.hourglass(),
    }
    return BottomUpCard(architecture, LSP, decoding=decoding.get(architecture, AssociativeEmbeddingSpec()), **changes)


def task_of(architecture: str, loss: LossSettings | None = None, **changes: Any) -> BottomUpPose:
    card = card_of(architecture, **changes)
    with torch.device("meta"):  # its answers are given
        network = build_tagging_network(card)
    task = BottomUpPose(network, card, SIZE, TargetSettings(), loss)
    task.normalize = lambda images: images.permute(0, 3, 1, 2).float()
    return task


def batch() -> dict[str, Any]:
    """One picture of nobody and one of two people, whose picture is twice as large as the input and lies 10 pixels off."""
    draws = np.random.default_rng(0)
    layout = draws.uniform((10, 12), (60, 110), (14, 2))
    people = np.stack([layout, layout + np.array([72, 5])])
    keypoints = torch.zeros(2, 4, 14, 2)
    visibility = torch.zeros(2, 4, 14)
    keypoints[1, :2], visibility[1, :2] = torch.tensor(people, dtype=torch.float32), 1
    return {
        "image": torch.zeros(2, *SIZE, 3, dtype=torch.uint8),
        "keypoints": keypoints,
        "visibility": visibility,
        "sigmas": torch.full((2, 4), 2.0),
        "mirrored": torch.zeros(2, dtype=torch.bool),
        "to_image": torch.tensor([[[2.0, 0, 10], [0, 2.0, 10]]]).expand(2, 2, 3),
        "index": torch.tensor([7, 3]),
    }


def perfect(task: BottomUpPose, data: dict[str, Any], mirrored: bool = False) -> Any:
    """What the network should say: the targets themselves, and tags that are 5 apart."""
    points = data["keypoints"]
    if mirrored:
        flip = list(LSP.flip_indices)
        points = torch.stack([SIZE[1] - 1 - points[..., 0], points[..., 1]], dim=-1)[:, :, flip]
    turned = torch.full((2,), mirrored)
    targets = task.encoder.encode(points, data["visibility"], mirrored=turned)
    tags = tag_maps(targets)
    if task.card.architecture.startswith("higher"):
        return [torch.cat([targets.heatmaps[0], tags], dim=1), targets.heatmaps[1]]
    if task.card.architecture.startswith("ae"):
        return TaggedHeatmaps(targets.heatmaps[0], tags)
    maps = torch.cat([targets.heatmaps[0], tags, torch.full((2, 28, *tags.shape[2:]), 99.0)], dim=1)
    return maps[:, None].repeat(1, 4, 1, 1, 1)


def tag_maps(targets: MultiPersonTargets) -> Tensor:
    maps = torch.zeros_like(targets.heatmaps[0])
    column = torch.arange(maps.shape[3])
    return maps + 5.0 * (column >= maps.shape[3] // 2 if not flipped(targets) else column < maps.shape[3] // 2)


def flipped(targets: MultiPersonTargets) -> bool:
    """Whether the first person stands on the right."""
    middle = targets.heatmaps[0].shape[3] // 2
    first = targets.positions[0][1, 0] % targets.heatmaps[0].shape[3]
    return bool((first.float().mean() >= middle).item())


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("architecture", FAMILIES)
def test_people_of_perfect_maps(architecture: str, flip_test: bool) -> None:
    task, data = task_of(architecture, flip_test=flip_test), batch()
    answers = iter([perfect(task, data), perfect(task, data, mirrored=True)])
    task.network.forward = lambda _: next(answers)
    losses, found = task.validate({**data, "masks": None})
    assert sorted(found) == [3, 7]
    assert [len(part) for part in found[7]] == [0, 0, 0]
    keypoints, keypoint_scores, scores = found[3]
    assert (keypoints.shape, keypoint_scores.shape, scores.shape) == ((2, 14, 2), (2, 14), (2,))
    assert scores.min() > 0.7
    order = np.argsort(keypoints[..., 0].mean(axis=1))
    wanted = apply_affine(data["to_image"][1].numpy(), data["keypoints"][1, :2].numpy())
    stride = 4 if architecture != FAMILIES[0] else 2
    # Within a pixel of the maps, in a picture of twice the input's size; maps of mirrored pictures are half a pixel off, since
    # their coordinates are cut off towards the other side.
    assert np.abs(keypoints[order] - wanted).max() <= 2 * stride * (1.5 if flip_test else 1)
    assert losses["total"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("architecture", FAMILIES)
def test_tags_that_are_equal_cost_a_push(architecture: str) -> None:
    data = {**batch(), "masks": None}
    for settings, expected in ((LossSettings(), 1e-3), (LossSettings(push="max", push_weight=0.5), 0.5)):
        task = task_of(architecture, settings)
        maps = perfect(task, data)
        for level in maps if isinstance(maps, list | tuple) else [maps]:
            level[level == 5] = 0
        task.network.forward = lambda _, maps=maps: maps
        losses = task.losses(data)
        assert losses["push"].item() == pytest.approx(expected / 4)  # half of both ordered pairs, in one of two pictures
        assert losses["pull"].item() == 0


@pytest.mark.parametrize(
    ("architecture", "options", "sizes"),
    [
        ("higher_hrnet_w18_small_v1", {}, ((32, 40), (64, 80))),
        ("higher_hrnet_w18_small_v1", {"num_deconvolutions": 2}, ((32, 40), (64, 80), (128, 160))),
        ("higher_hrnet_w18_small_v1", {"num_deconvolutions": 0}, ((32, 40),)),
        ("ae_hrnet_w18_small_v1", {}, ((32, 40),)),
        ("pose_ae_4", {}, ((32, 40),)),
    ],
)
def test_sizes_of_maps(architecture: str, options: dict[str, int], sizes: tuple[tuple[int, int], ...]) -> None:
    card = card_of(architecture, options=options)
    with torch.device("meta"):
        network = build_tagging_network(card)
        outputs = network(torch.zeros(1, 3, *SIZE))
    assert map_sizes(network, SIZE) == sizes
    levels = outputs[:, 0][None] if isinstance(outputs, Tensor) else outputs
    assert {tuple(level.shape[-2:]) for level in levels} == set(sizes)


def test_centre_keypoint_is_one_more_output() -> None:
    card = BottomUpCard("higher_hrnet_w18_small_v1", LSP, decoding=AssociativeEmbeddingSpec(has_center_joint=True))
    assert (card.num_outputs, card.flip_indices) == (15, (*LSP.flip_indices, 14))


def test_card_comes_back_from_json() -> None:
    card = card_of("pose_ae_4", options={"num_stacks": 4}, size_rule="square", metrics={"AP": 0.5}, mean=(0.0, 0.0, 0.0))
    assert BottomUpCard.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputsize": 3}, "unknown field 'inputsize'; did you mean 'input_size'"),
        ({"decoding": {"max_peple": 3}}, r"unknown field 'decoding\.max_peple'; did you mean 'max_people'"),
        ({"format": 2}, "upgrade hrnet"),
        ({"input_size": "big"}, "not sound: input_size"),
        ({"std": [0, 1, 1]}, "std must be positive"),
    ],
)
def test_broken_cards(change: dict[str, Any], said: str) -> None:
    content = {**json.loads(card_of("pose_ae_4").to_json()), **change}
    with pytest.raises(CheckpointError, match=said):
        BottomUpCard.from_json(json.dumps(content))
