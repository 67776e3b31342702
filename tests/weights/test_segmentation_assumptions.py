"""Cards of segmentation checkpoints that have none."""

from __future__ import annotations

import pytest

from hrnet.errors import CheckpointError
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.segmentation_assumptions import assumed_segmentation_card
from hrnet.weights.segmentation_card import SegmentationCard
from hrnet.weights.zoo.entries import ZooEntry, zoo_entries

PUBLISHED = [entry for entry in zoo_entries().values() if entry.task == "segmentation"]


def network_of(entry: ZooEntry) -> NetworkEntry:
    assert entry.architecture is not None
    return NetworkEntry(entry.architecture, entry.num_outputs, entry.options)


@pytest.mark.parametrize("entry", PUBLISHED, ids=[entry.name for entry in PUBLISHED])
def test_every_published_network_gets_a_card(entry: ZooEntry) -> None:
    card, assumed = assumed_segmentation_card(entry, network_of(entry))
    assert card.architecture == entry.architecture
    assert card.num_outputs == entry.num_outputs
    assert card.align_corners == entry.options["align_corners"]
    assert card.crop_size == entry.input_size
    assert card.metrics == entry.results[0].metrics
    assert entry.urls[0] in (card.source or "")
    assert SegmentationCard.from_json(card.to_json()) == card
    assert assumed[0] == "ImageNet mean and std"
    assert any(sentence.startswith("tested on pictures") for sentence in assumed)
    assert any(repr(card.class_set.name) in sentence for sentence in assumed)


def test_all_are_there() -> None:
    assert len(PUBLISHED) == 58
    assert {entry.dataset for entry in PUBLISHED} >= {"Cityscapes", "ADE20K", "LoveDA", "iSAID", "Potsdam", "Vaihingen"}


@pytest.mark.parametrize(
    ("name", "outputs", "classes", "rule", "flip"),
    [
        ("seg_hrnet_w48", 19, "cityscapes", ("long_side", 2048, "shifted"), False),
        ("seg_hrnet_w48_ocr", 20, "lip", ("stretch", 473, "whole"), True),
        ("seg_hrnet_w48_ocr", 59, "pascal_context59", ("long_side", 520, "two_thirds"), True),
        ("seg_hrnet_w48", 171, "cocostuff", ("short_side", 520, "whole"), False),
        ("seg_hrnet_w18", 21, "voc", ("short_side", 512, "whole"), False),
        ("seg_hrnet_w18", 7, "numbered", ("short_side", 512, "whole"), False),
        ("seg_hrnet_w18", 400, "numbered", ("short_side", 512, "whole"), False),
    ],
)
def test_files_of_unknown_origin(name: str, outputs: int, classes: str, rule: tuple[str, int, str], flip: bool) -> None:
    card, assumed = assumed_segmentation_card(None, NetworkEntry(name, outputs, {}, "somewhere"))
    assert card.class_set.name == classes
    assert (card.test.size_rule, card.test.base_size, card.test.windows) == rule
    assert card.flip_test == flip
    assert card.source == "somewhere"
    assert any(sentence.startswith("align_corners") for sentence in assumed)


def test_the_authors_align_corners_of_some_plain_networks() -> None:
    _, assumed = assumed_segmentation_card(None, NetworkEntry("seg_hrnet_w48", 150))
    assert any("want align_corners=True" in sentence for sentence in assumed)
    _, assumed = assumed_segmentation_card(None, NetworkEntry("seg_hrnet_w48", 150, {"align_corners": True}))
    assert not any("align_corners" in sentence for sentence in assumed)


def test_what_does_not_fit() -> None:
    with pytest.raises(CheckpointError, match="is a network for pose, not for segmentation"):
        assumed_segmentation_card(None, NetworkEntry("pose_hrnet_w32", 17))
    entry = next(entry for entry in PUBLISHED if entry.dataset == "ADE20K")
    with pytest.raises(CheckpointError, match="has 20 classes, and ADE20K has 150"):
        assumed_segmentation_card(entry, NetworkEntry("seg_hrnet_w18", 20))
