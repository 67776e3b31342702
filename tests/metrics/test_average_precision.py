from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hrnet.errors import AnnotationError, MissingExtraError
from hrnet.metrics import KeypointAveragePrecision
from hrnet.structures import KeypointSet, PersonRecord

TRIPLE = KeypointSet("triple", ("a", "b", "c"), (0, 1, 2), sigmas=(0.05, 0.05, 0.05))
POSE = np.asarray([[10.0, 10], [60, 20], [30, 90]])


def truth_file(folder: Path, **changes: Any) -> Path:
    def person(number: int, image: int | str, **extra: Any) -> dict[str, Any]:
        points = np.concatenate([POSE, np.full((3, 1), 2)], axis=1).ravel().tolist()
        return {
            "id": number,
            "image_id": image,
            "category_id": 4,
            "keypoints": points,
            "bbox": [10, 10, 50, 80],
            "area": 4000,
            **extra,
        }

    annotations = [
        person(0, 7),
        person(1, "b", area=None),
        person(2, 7, iscrowd=1),
        {"id": 3, "image_id": 7, "category_id": 9, "bbox": [0, 0, 1, 1]},
    ]
    content = {"images": [{"id": 7}, {"id": "b"}, {"id": 9}], "annotations": annotations, **changes}
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    return path


def test_file_with_text_ids_missing_areas_and_other_categories(tmp_path: Path) -> None:
    metric = KeypointAveragePrecision(TRIPLE, truth_file(tmp_path))
    metric.update(POSE[None], scores=[0.9], image_ids=["7"])
    result = metric.compute()
    assert (result.people, result.images, result.estimated_areas) == (2, 3, 1)
    assert result.values["AR"] == pytest.approx(0.5)
    assert result.values["AP"] == pytest.approx(51 / 101)  # recall points 0 to 0.50
    assert np.isnan(result.values["AP_large"])
    assert result.to_dict()["AP_large"] is None
    assert "1 areas estimated" in result.summary()


def test_only_the_best_of_a_picture_count(tmp_path: Path) -> None:
    metric = KeypointAveragePrecision(TRIPLE, truth_file(tmp_path), max_detections=1, image_ids=[7])
    metric.update(np.stack([POSE, POSE + 500]), scores=[0.3, 0.9], image_ids=[7, 7])
    assert metric.compute().ap == 0


def test_a_detection_in_an_unknown_picture(tmp_path: Path) -> None:
    metric = KeypointAveragePrecision(TRIPLE, truth_file(tmp_path))
    metric.update(POSE[None], image_ids=[1234])
    with pytest.raises(ValueError, match=r"1 pictures.*1234"):
        metric.compute()


def test_no_detections(tmp_path: Path) -> None:
    result = KeypointAveragePrecision(TRIPLE, truth_file(tmp_path)).compute()
    assert result.ap == 0


def test_records_as_truth_and_area_from_the_box() -> None:
    def record(image: int) -> PersonRecord:
        return PersonRecord(Path("a.jpg"), image, image, np.asarray([10.0, 10, 60, 90]), POSE, np.full(3, 2, np.uint8))

    metric = KeypointAveragePrecision(TRIPLE, [record(1), record(2)])
    metric.update(np.stack([POSE, POSE]), scores=[0.5, 0.6], image_ids=[1, 2])
    result = metric.compute()
    assert result.ap == pytest.approx(1)
    assert result.estimated_areas == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotations": None}, "no COCO annotation file"),
        ({"images": 3}, "no COCO annotation file"),
        ({"annotations": [{"id": 5, "image_id": 7, "keypoints": [1, 2], "bbox": [0, 0, 1, 1]}]}, "annotation 5.*3 keypoints"),
        ({"annotations": [{"id": 5, "image_id": 7, "keypoints": [1] * 9}]}, "annotation 5.*bbox"),
    ],
)
def test_bad_files(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=message):
        KeypointAveragePrecision(TRIPLE, truth_file(tmp_path, **changes))


def test_missing_file_and_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnnotationError, match="does not exist"):
        KeypointAveragePrecision(TRIPLE, tmp_path / "nothing.json")
    monkeypatch.setitem(sys.modules, "faster_coco_eval.core.coco", None)
    metric = KeypointAveragePrecision(TRIPLE, truth_file(tmp_path))
    with pytest.raises(MissingExtraError, match=r"hrnet\[eval\]"):
        metric.compute()


def test_update_without_pictures(tmp_path: Path) -> None:
    metric = KeypointAveragePrecision(TRIPLE, truth_file(tmp_path))
    with pytest.raises(ValueError, match="image_ids"):
        metric.update(POSE[None])
    with pytest.raises(ValueError, match="scores must be finite"):
        metric.update(POSE[None], scores=[np.nan], image_ids=[7])
