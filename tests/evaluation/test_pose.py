"""evaluate_pose with a predictor that knows the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hrnet.errors import AnnotationError
from hrnet.evaluation.pose import evaluate_pose
from hrnet.inference.requests import PersonPrediction, PersonRequest
from hrnet.metrics import PCK
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

BODY = KeypointSet("body", ("right_shoulder", "left_hip", "knee"), (0, 1, 2), sigmas=(0.05, 0.05, 0.05))
POSE = np.asarray([[10.0, 10], [60, 20], [30, 90]])


class Oracle:
    """Puts the pose where the box is; remembers what it was asked, answers in reverse order."""

    name = "oracle"

    def __init__(self, error: float = 0.0) -> None:
        self.error = error
        self.requests: list[PersonRequest] = []

    def predict_people(
        self, requests: Iterable[PersonRequest], progress: Callable[[int], None] | None = None
    ) -> Iterator[PersonPrediction]:
        self.requests = list(requests)
        for request in reversed(self.requests):
            if progress:
                progress(1)
            corner = np.asarray(request.box[:2])
            extent = np.asarray(request.box[2:]) - corner
            yield PersonPrediction(request.key, POSE + corner + self.error, np.full(3, 0.8), corner + extent / 2, 1.25 * extent)


def make_dataset(folder: Path, **changes: Any) -> PoseDataset:
    corners = {(1, "x/1.jpg"): [(0.0, 0.0), (300.0, 0.0)], (2, "x/2.jpg"): [(50.0, 50.0)]}
    records, annotations = [], []
    for (image, name), places in corners.items():
        for corner in places:
            points = POSE + corner
            number = len(records) + 1
            box = np.asarray([*corner, corner[0] + 80, corner[1] + 100])
            records.append(
                PersonRecord(folder / "images" / name, image, number, box, points, np.full(3, 2, np.uint8), area=8000.0)
            )
            labels = np.concatenate([points, np.full((3, 1), 2)], axis=1).ravel().tolist()
            annotations.append(
                {
                    "id": number,
                    "image_id": image,
                    "category_id": 1,
                    "keypoints": labels,
                    "bbox": [*corner, 80, 100],
                    "area": 8000.0,
                }
            )
    images = [{"id": 1, "file_name": "x/1.jpg"}, {"id": 2, "file_name": "x/2.jpg"}, {"id": 3, "file_name": "x/3.jpg"}]
    path = folder / "truth.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return PoseDataset(**{"name": "tiny", "keypoint_set": BODY, "records": records, "annotation_file": path, **changes})


def detection_file(folder: Path, *extra: dict[str, Any]) -> Path:
    boxes = [
        {"image_id": 2, "category_id": 1, "bbox": [50, 50, 80, 100], "score": 0.7},
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 80, 100], "score": 0.9},
        {"image_id": 1, "category_id": 1, "bbox": [0.1, 0, 80, 100], "score": 0.6},
        {"image_id": 1, "category_id": 1, "bbox": [300, 0, 80, 100], "score": 0.8},
        {"image_id": 3, "category_id": 1, "bbox": [-20, -9, 80, 100], "score": 0.1},
        {"image_id": 1, "category_id": 62, "bbox": [0, 0, 80, 100], "score": 0.9},
        {"image_id": 99, "category_id": 1, "bbox": [0, 0, 80, 100], "score": 0.9},
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 0, 100], "score": 0.9},
        *extra,
    ]
    path = folder / "boxes.json"
    path.write_text(json.dumps(boxes))
    return path


def test_ground_truth_boxes(tmp_path: Path) -> None:
    done: list[int] = []
    result = evaluate_pose(Oracle(), make_dataset(tmp_path), progress=done.append)
    assert list(result.metrics) == ["ap", "pck"]
    numbers = result.to_dict()["metrics"]
    assert numbers["ap"]["AP"] == pytest.approx(1)
    assert [entry["mean"] for entry in numbers["pck"]["thresholds"]] == [1, 1]
    assert sum(done) == 3
    assert "boxes: ground truth (3 annotated people)" in result.summary()
    assert "oracle on tiny" in result.summary()
    assert "knee" in result.summary()


def test_detected_boxes_are_named_filtered_suppressed_and_not_clipped(tmp_path: Path) -> None:
    predictor, path = Oracle(), detection_file(tmp_path)
    result = evaluate_pose(predictor, make_dataset(tmp_path), boxes=path)
    assert [request.image.name for request in predictor.requests if isinstance(request.image, Path)] == ["1.jpg"] * 3 + [
        "2.jpg",
        "3.jpg",
    ]
    assert predictor.requests[-1].image == tmp_path / "images" / "x" / "3.jpg"
    np.testing.assert_array_equal(predictor.requests[-1].box, [-20, -9, 60, 91])
    assert result.to_dict()["metrics"]["ap"]["AP"] == pytest.approx(1)
    assert len(result.detections) == 4  # the double is gone
    assert str(path) in result.boxes
    assert "1 box left out: other categories" in result.notes
    assert "1 box left out: other pictures" in result.notes
    assert "1 box left out: empty boxes" in result.notes
    assert {detection["image_id"] for detection in result.detections} == {1, 2, 3}
    assert result.detections[0]["score"] == pytest.approx(0.9 * 0.8)


@pytest.mark.parametrize(("nms", "kept"), [("oks", 4), ("soft", 5), (None, 5)])
def test_kinds_of_suppression(nms: str | None, kept: int, tmp_path: Path) -> None:
    result = evaluate_pose(Oracle(), make_dataset(tmp_path), boxes=detection_file(tmp_path), nms=nms)
    assert len(result.detections) == kept


def test_part_of_a_file_counts_only_its_pictures(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    part = PoseDataset("part", BODY, dataset.records[2:], dataset.annotation_file)
    result = evaluate_pose(Oracle(), part)
    assert result.to_dict()["metrics"]["ap"]["AP"] == pytest.approx(1)
    assert any("only the 1 picture" in note for note in result.notes)


def test_own_region_of_the_data_set_is_asked_for(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, format="mpii")
    first = dataset.records[0]
    changed = PersonRecord(
        first.image,
        1,
        1,
        first.box,
        first.keypoints,
        first.visibility,
        np.asarray([5.0, 6]),
        np.asarray([7.0, 8]),
        head_size=10.0,
    )
    predictor = Oracle(error=1.0)
    dataset = PoseDataset("mpii", BODY, [changed], dataset.annotation_file, "mpii")
    result = evaluate_pose(predictor, dataset)
    assert list(result.metrics) == ["pckh", "pck"]
    np.testing.assert_array_equal(predictor.requests[0].center, [5, 6])  # type: ignore[arg-type]
    assert predictor.requests[0].size is not None


def test_metrics_by_hand(tmp_path: Path) -> None:
    metric = PCK(BODY, "bbox", (0.01,))
    result = evaluate_pose(Oracle(error=2.0), make_dataset(tmp_path), metrics=(metric, "pck", "nme"))
    assert list(result.metrics) == ["pck", "pck_2", "nme"]
    assert result.to_dict()["metrics"]["pck"]["thresholds"][0]["mean"] == 0


def test_nobody(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    dataset = PoseDataset("none", BODY, [], dataset.annotation_file)
    result = evaluate_pose(Oracle(), dataset)
    assert result.people == 0
    json.dumps(result.to_dict(), allow_nan=False)


def test_save(tmp_path: Path) -> None:
    result = evaluate_pose(Oracle(), make_dataset(tmp_path))
    folder = result.save(tmp_path / "a" / "b")
    assert sorted(path.name for path in folder.iterdir()) == ["detections.json", "metrics.json", "summary.txt"]
    assert json.loads((folder / "metrics.json").read_text()) == result.to_dict()
    assert len(json.loads((folder / "detections.json").read_text())) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ("app",)}, "did you mean 'ap'"),
        ({"metrics": ()}, "no metric"),
        ({"nms": "hard"}, "'oks', 'soft' or None"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_pose(Oracle(), make_dataset(tmp_path), **arguments)


def test_pck_needs_ground_truth_boxes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="boxes='ground_truth'"):
        evaluate_pose(Oracle(), make_dataset(tmp_path), boxes=detection_file(tmp_path), metrics="pck")


@pytest.mark.parametrize(
    "entry",
    [
        {"image_id": 1},
        {"image_id": 1, "bbox": [1, 2, 3], "score": 1},
        {"image_id": 1, "bbox": [0, 0, float("nan"), 1], "score": 1},
    ],
)
def test_bad_detection_files(entry: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="entry 8"):
        evaluate_pose(Oracle(), make_dataset(tmp_path), boxes=detection_file(tmp_path, entry))
    with pytest.raises(AnnotationError, match="cannot be read"):
        evaluate_pose(Oracle(), make_dataset(tmp_path), boxes=tmp_path / "nothing.json")


def test_predictor_with_other_keypoints_or_missing_answers(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    four = KeypointSet("four", ("right_shoulder", "left_hip", "c", "d"), (0, 1, 2, 3), sigmas=(0.1,) * 4)
    other = PoseDataset("four", four, [], dataset.annotation_file, "lsp")
    assert evaluate_pose(Oracle(), other).people == 0

    class Silent(Oracle):
        def predict_people(self, requests: Iterable[PersonRequest], progress: Any = None) -> Iterator[PersonPrediction]:
            return iter(())

    class Wrong(Oracle):
        def predict_people(self, requests: Iterable[PersonRequest], progress: Any = None) -> Iterator[PersonPrediction]:
            for request in requests:
                yield PersonPrediction(request.key, np.zeros((4, 2)), np.zeros(4), np.zeros(2), np.ones(2))

    with pytest.raises(ValueError, match="no answer for 3 of 3"):
        evaluate_pose(Silent(), dataset)
    with pytest.raises(ValueError, match="same keypoints"):
        evaluate_pose(Wrong(), dataset)
