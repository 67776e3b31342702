from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hrnet.data.images import read_image
from hrnet.structures.instance_result import InstanceResult
from hrnet.structures.labelled_instances import LabelledInstances

LABELS = np.zeros((40, 60), np.int32)
LABELS[5:15, 10:30], LABELS[20:38, 40:60] = 1, 2
RESULT = InstanceResult.from_labels(LABELS, [0.9, 0.1], [1, 0], ("cat", "dog"))


def test_pixels_boxes_and_areas() -> None:
    assert np.array_equal(RESULT.masks, np.stack([LABELS == 1, LABELS == 2]))
    assert RESULT.boxes.tolist() == [[10, 5, 29, 14], [40, 20, 59, 37]]
    assert RESULT.areas.tolist() == [200, 360]
    assert str(RESULT) == "1 cat, 1 dog (60x40)"
    again = InstanceResult.from_masks(RESULT.masks, RESULT.scores, RESULT.class_ids, RESULT.class_names)
    assert again.to_dict() == RESULT.to_dict()


def test_choosing_instances() -> None:
    assert len(RESULT[RESULT.scores > 0.5]) == 1
    assert RESULT[-1].class_ids.tolist() == [0]
    assert [len(one) for one in RESULT] == [1, 1]
    assert RESULT[::-1].scores.tolist() == RESULT.scores[::-1].tolist()
    assert len(RESULT[[]]) == 0
    assert str(RESULT[[]]) == "no instance (60x40)"
    with pytest.raises(IndexError, match="instance 2 of a result with 2"):
        RESULT[2]


def test_plain_data_comes_back(tmp_path: Path) -> None:
    data = json.loads(RESULT.save(tmp_path / "result.json").read_text())
    assert data["instances"][0]["class"] == "dog"
    back = InstanceResult.from_dict(data)
    assert np.array_equal(back.masks, RESULT.masks)
    assert back.scores.tolist() == RESULT.scores.tolist()
    with pytest.raises(ValueError, match="lacks the field 'classes'"):
        InstanceResult.from_dict({})


def test_coco_boxes_end_behind_the_last_pixel() -> None:
    entries = RESULT.to_coco(7, category_ids=[17, 18])
    assert [(entry["image_id"], entry["category_id"], entry["bbox"]) for entry in entries] == [
        (7, 18, [10, 5, 20, 10]),
        (7, 17, [40, 20, 20, 18]),
    ]
    with pytest.raises(ValueError, match="all 2 classes"):
        RESULT.to_coco(7, category_ids=[1])


def test_drawn_inside_the_masks_alone(tmp_path: Path) -> None:
    image = np.full((40, 60, 3), 200, np.uint8)
    drawn = RESULT.plot(image)
    changed = (drawn != image).any(axis=2)
    assert np.array_equal(changed, LABELS > 0)
    assert np.array_equal((RESULT.plot(image, threshold=0.5) != image).any(axis=2), LABELS == 1)
    assert read_image(RESULT.save(tmp_path / "drawn.png", image)).shape == image.shape
    with pytest.raises(ValueError, match="did not keep its picture"):
        RESULT.plot()
    with pytest.raises(ValueError, match="for a picture of"):
        RESULT.plot(image[:30])


@pytest.mark.parametrize(
    ("scores", "class_ids", "said"),
    [([1.0], [0, 1], "scores must have shape"), ([1, 1], [0, 2], r"within 0\.\.1"), ([1, 1], [0.5, 1], "whole numbers")],
)
def test_fields_that_do_not_fit(scores: list[float], class_ids: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        InstanceResult(RESULT.runs, scores, class_ids, ("cat", "dog"), (40, 60))  # pyright: ignore[reportArgumentType]


def test_labels_need_a_class_each() -> None:
    with pytest.raises(ValueError, match="of 2 masks"):
        LabelledInstances((40, 60), RESULT.runs, np.zeros(1, np.int64), np.zeros(2, np.bool_))
