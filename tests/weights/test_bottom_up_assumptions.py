"""Cards of bottom-up networks that files do not have: what is on record, what is assumed, and that it fits the network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from hrnet.codecs.associative_embedding import AssociativeEmbeddingSpec
from hrnet.errors import CheckpointError
from hrnet.tasks.bottom_up import TaggingNetwork
from hrnet.weights.bottom_up_assumptions import assumed_bottom_up_card
from hrnet.weights.bottom_up_card import BottomUpCard
from hrnet.weights.empty_network import empty_network
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.zoo.entries import ZooEntry, find_entry, zoo_entries

ENTRIES = [entry for entry in zoo_entries().values() if entry.task == "bottom-up pose" and entry.architecture is not None]
WITH_TAGS = [entry for entry in ENTRIES if not entry.name.startswith("dekr")]


def recorded(entry: ZooEntry) -> NetworkEntry:
    assert entry.architecture is not None
    return NetworkEntry(entry.architecture, entry.num_outputs, dict(entry.options))


@cache
def keypoints_of(architecture: str, num_outputs: int) -> int:
    network = empty_network(architecture, num_outputs)
    assert isinstance(network, TaggingNetwork)
    return network.num_keypoints


def assumed(name: str) -> tuple[BottomUpCard, list[str]]:
    return assumed_bottom_up_card(find_entry(name), recorded(find_entry(name)))


def test_what_is_on_record_with_tags() -> None:
    assert len(WITH_TAGS) == 17
    assert {entry.family for entry in WITH_TAGS} == {"higher_hrnet", "ae_hrnet"}


@pytest.mark.parametrize("entry", WITH_TAGS, ids=lambda entry: entry.name)
def test_published(entry: ZooEntry) -> None:
    card, said = assumed_bottom_up_card(entry, recorded(entry))
    assert not card.options
    assert keypoints_of(card.architecture, card.num_outputs) == entry.num_outputs
    assert card.keypoint_set.name == entry.keypoint_set
    assert (card.input_size, card.input_size) == entry.input_size
    assert card.size_rule == "short_side"
    assert card.channel_order == "rgb"
    assert card.flip_test
    assert card.metrics == dict(entry.results[0].metrics)
    assert card.source is not None
    assert entry.urls[0] in card.source
    assert (card.decoding.adjustment == "udp") == entry.name.endswith("_udp")
    assert card.decoding.project_to_input
    assert bool(said) == (entry.decoding is None)
    assert BottomUpCard.from_json(card.to_json()) == card
    # The grouping goes through every keypoint, whole bodies included.
    assert sorted(card.decoding.grouping_order(entry.num_outputs)) == list(range(entry.num_outputs))


def test_decoders() -> None:
    higher, said = assumed("higher_hrnet_w32.coco_512x512")
    assert higher.decoding == AssociativeEmbeddingSpec()
    assert said == [
        "the keypoints of its data set",
        "ImageNet mean and std of RGB",
        "people found in the maps by HigherHRNet's rules",
    ]
    udp, said = assumed("higher_hrnet_w48.coco_512x512_udp")
    assert udp.decoding == replace(AssociativeEmbeddingSpec(), adjustment="udp", fill_adjustment="none")
    assert said[-1] == "people found in the maps by HigherHRNet's rules, joints placed by UDP's"
    openmmlab, said = assumed("ae_hrnet_w32.coco_512x512")
    assert openmmlab.decoding == replace(AssociativeEmbeddingSpec.openmmlab(), project_to_input=True)
    assert said == []
    entry = find_entry("ae_hrnet_w32.coco_512x512")
    assert entry.decoding is not None
    assert entry.decoding["decode_max_instances"] == openmmlab.decoding.max_people
    assert tuple(entry.decoding["decode_keypoint_order"]) == openmmlab.decoding.grouping_order(17)


def test_input_sizes() -> None:
    assert assumed("higher_hrnet_w32.coco_640x640")[0].input_size == 640
    assert assumed("higher_hrnet_w32.crowdpose_512x512")[0].input_size == 512


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        (("higher_hrnet_w32", 17), {"input_size": 512, "keypoints": "coco", "decoding": AssociativeEmbeddingSpec()}),
        (("higher_hrnet_w48", 14), {"input_size": 640, "keypoints": "crowdpose", "decoding": AssociativeEmbeddingSpec()}),
        (
            ("higher_hrnet_w32", 18),
            {"input_size": 512, "keypoints": "coco", "decoding": AssociativeEmbeddingSpec(has_center_joint=True)},
        ),
        (
            ("pose_ae_4", 17),
            {
                "input_size": 512,
                "keypoints": "coco",
                "decoding": AssociativeEmbeddingSpec.hourglass(),
                "size_rule": "square",
                "mean": (0, 0, 0),
                "std": (1, 1, 1),
            },
        ),
        (
            ("ae_hrnet_w32", 17, {}, "mmpose 1.x"),
            {
                "input_size": 512,
                "keypoints": "coco",
                "decoding": replace(AssociativeEmbeddingSpec.openmmlab(), project_to_input=True),
            },
        ),
        (("ae_hrnet_w32", 133, {}, "mmpose 0.x"), {"keypoints": "coco_wholebody", "decoding": AssociativeEmbeddingSpec()}),
    ],
    ids=lambda value: "-".join(map(str, value[:2])) if isinstance(value, tuple) else "",
)
def test_files_of_which_nothing_is_on_record(network: tuple[Any, ...], wanted: dict[str, Any]) -> None:
    entry = NetworkEntry(*network)
    card, said = assumed_bottom_up_card(None, entry)
    assert card.num_outputs == entry.num_outputs
    assert card.keypoint_set.name == wanted.pop("keypoints")
    for name, value in wanted.items():
        assert getattr(card, name) == value, name
    for what in ("keypoints named as in", f"input {card.input_size} pixels", "people found", "mean and std"):
        assert any(what in sentence for sentence in said), what


def test_what_has_no_tags() -> None:
    for entry in ENTRIES:
        if entry.name.startswith("dekr"):
            with pytest.raises(CheckpointError, match="has no tags that say which keypoints belong together"):
                assumed_bottom_up_card(entry, recorded(entry))


def test_what_does_not_fit() -> None:
    with pytest.raises(
        CheckpointError, match=r"has 5 heatmaps and does not name its keypoints; usual numbers are 14 \(crowdpose\)"
    ):
        assumed_bottom_up_card(None, NetworkEntry("higher_hrnet_w32", 5))
    with pytest.raises(CheckpointError, match="has 14 heatmaps, and its record speaks of 17 keypoints"):
        assumed_bottom_up_card(find_entry("higher_hrnet_w32.coco_512x512"), NetworkEntry("higher_hrnet_w32", 14))
    nameless = replace(find_entry("higher_hrnet_w32.coco_512x512"), keypoint_set=None)
    with pytest.raises(CheckpointError, match="does not name its keypoints"):
        assumed_bottom_up_card(nameless, recorded(nameless))
