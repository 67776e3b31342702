"""Cards of segmentation networks: there and back, and what is refused."""

from __future__ import annotations

import json

import pytest

from hrnet.data.class_sets import class_set, list_class_sets
from hrnet.errors import CheckpointError
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest


@pytest.mark.parametrize("name", list_class_sets())
def test_there_and_back(name: str) -> None:
    test = SegmentationTest("stretch", 473, "two_thirds", (0.5, 1.0), 8)
    card = SegmentationCard(
        "seg_hrnet_w48_ocr",
        class_set(name),
        (473, 473),
        test,
        {"align_corners": False},
        flip_test=True,
        metrics={"mIoU": 56.48},
    )
    assert SegmentationCard.from_json(card.to_json()) == card
    assert card.num_outputs == card.class_set.num_classes


def test_how_corners_are_aligned() -> None:
    classes = class_set("camvid")
    assert not SegmentationCard("seg_hrnet_w48", classes).align_corners
    assert SegmentationCard("seg_hrnet_w48_ocr", classes).align_corners
    assert SegmentationCard("seg_hrnet_w48", classes, options={"align_corners": True}).align_corners


def test_what_is_refused() -> None:
    classes = class_set("camvid")
    for wrong, said in (
        ({"architecture": ""}, "architecture"),
        ({"crop_size": (16, 64)}, "crop_size"),
        ({"std": (0.0, 1.0, 1.0)}, "std"),
    ):
        with pytest.raises(ValueError, match=said):
            SegmentationCard(**{"architecture": "seg_hrnet_w18", "class_set": classes, **wrong})
    for wrong in ({"scales": ()}, {"scales": (0.0,)}, {"base_size": 0}, {"pad_multiple": 0}):
        with pytest.raises(ValueError, match=r"scales|positive"):
            SegmentationTest(**wrong)  # pyright: ignore[reportArgumentType]
    content = json.loads(SegmentationCard("seg_hrnet_w18", classes).to_json())
    content["test"]["size_rull"] = content["test"].pop("size_rule")
    with pytest.raises(CheckpointError, match="did you mean 'size_rule'"):
        SegmentationCard.from_json(json.dumps(content))
