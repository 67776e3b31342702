"""evaluate_multi_person with a predictor that returns given poses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.multi_person_evaluation import COCO_STATS, CROWD_STATS, annotation_file, recorded
from PIL import Image

from hrnet.data.datasets import load_pose_dataset
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import AnnotationError, ImageError
from hrnet.evaluation.multi_person import evaluate_multi_person
from hrnet.evaluation.picture_people import load_people
from hrnet.inference.sources import Frame
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset, PoseResult

pytest.importorskip("faster_coco_eval")

BODY = KeypointSet("body", ("nose", "left_hip", "right_hip"), (0, 2, 1), sigmas=(0.05, 0.05, 0.05))
POSE = np.array([[30.0, 10], [10, 60], [60, 90]])
People = tuple[np.ndarray, np.ndarray]  # (N, K, 3) x, y, score and (N,) scores


class Given:
    """Gives the poses it was given, by the name of the picture's file; pictures not named are empty."""

    name = "given"

    def __init__(self, people: Mapping[str, People], keypoint_set: KeypointSet = BODY) -> None:
        self.people, self.keypoint_set = people, keypoint_set
        self.seen: list[str] = []

    def stream(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, PoseResult | None]]:
        for frame in frames:
            assert frame.image is not None
            assert frame.path is not None
            self.seen.append(frame.path.name)
            nobody = np.zeros((0, self.keypoint_set.num_keypoints, 3)), np.zeros(0)
            points, scores = self.people.get(frame.path.name, nobody)
            boxes = np.zeros((len(points), 4))
            yield (
                frame,
                PoseResult(
                    points[..., :2], points[..., 2], boxes, scores, scores, self.keypoint_set, frame.image.shape[:2], frame.name
                ),
            )


class GivenTopDown(Given):
    def predict_people(self, requests: Any, progress: Any = None) -> Any:
        raise AssertionError("whole pictures are to be looked at")


def people(*places: tuple[float, float, float], absent: int | None = None) -> People:
    """Somebody at each (x, y), with a score."""
    points = np.array([np.concatenate([POSE + np.array([x, y]), np.full((3, 1), 0.7)], axis=1) for x, y, _ in places]).reshape(
        -1, 3, 3
    )
    if absent is not None:
        points[:, absent] = 0
    return points, np.array([score for _, _, score in places])


def make_dataset(folder: Path, indices: tuple[float, ...] | None = None, **changes: Any) -> PoseDataset:
    """Three pictures: two people, one with a crowd beside, nobody."""
    places = {1: [(0, 0), (300, 0)], 2: [(50, 50)], 3: []}
    annotations: list[dict[str, Any]] = []
    for image, corners in places.items():
        for x, y in corners:
            triples = np.concatenate([POSE + np.array([x, y]), np.full((3, 1), 2)], axis=1).ravel().tolist()
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": 1, "iscrowd": 0, "num_keypoints": 3}
                | {"keypoints": triples, "bbox": [x, y, 80, 100], "area": 8000.0}
            )
    nobody = {"image_id": 2, "category_id": 1, "num_keypoints": 0, "keypoints": [0] * 9}
    annotations.append({"id": 4, "iscrowd": 1, "bbox": [400, 300, 60, 60], "area": 3600.0, **nobody})
    annotations.append({"id": 5, "iscrowd": 0, "bbox": [200, 300, 60, 60], "area": 3600.0, **nobody})
    images: list[dict[str, Any]] = [{"id": n, "file_name": f"{n}.png", "width": 500, "height": 400} for n in places]
    for image, index in zip(images, indices or (), strict=False):
        image["crowdIndex"] = index
    category = {"id": 1, "name": "person", "keypoints": list(BODY.keypoints)}
    (folder / "pictures").mkdir()
    for n in places:
        Image.new("RGB", (500, 400)).save(folder / "pictures" / f"{n}.png")
    path = folder / "truth.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [category]}))
    return replace(load_pose_dataset(path, folder / "pictures", keypoint_set=BODY), **changes)


RIGHT = {"1.png": people((0, 0, 0.9), (300, 0, 0.8)), "2.png": people((50, 50, 0.7))}


def numbers(result: Any, metric: str = "ap") -> dict[str, Any]:
    return result.to_dict()["metrics"][metric]


def test_everybody_right(tmp_path: Path) -> None:
    predictor, done = Given(RIGHT), []
    result = evaluate_multi_person(predictor, make_dataset(tmp_path), progress=done.append)
    assert predictor.seen == ["1.png", "2.png", "3.png"]  # the one without people too
    assert sum(done) == 3
    assert list(result.metrics) == ["ap", "errors"]
    assert [numbers(result)[name] for name in ("AP", "AP50", "AR", "AP_medium")] == [pytest.approx(1)] * 4
    errors = numbers(result, "errors")
    assert (errors["matched"], errors["missed"], errors["false"]) == (3, 0, 0)
    assert errors["joints"]["good"] == 9
    assert (result.people, result.images) == (3, 3)
    text = result.summary()
    assert "given on truth.json" in text
    assert "3 people found in 3 pictures" in text
    assert "absent joints resemble none" in text


def test_detections_in_pictures_without_people_are_wrong_and_in_crowds_ignored(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    crowd = people((50, 50, 0.7), (395, 280, 0.99), (195, 280, 0.98))
    ignored = evaluate_multi_person(Given({**RIGHT, "2.png": crowd}), dataset)
    assert numbers(ignored)["AP"] == pytest.approx(1)
    assert numbers(ignored, "errors")["ignored"] == 2
    wrong = evaluate_multi_person(Given({**RIGHT, "3.png": people((0, 0, 0.99))}), dataset)
    assert numbers(wrong)["AP"] == pytest.approx(0.75)  # one wrong before all three right ones
    assert numbers(wrong, "errors")["false"] == numbers(wrong, "errors")["background"] == 1


def test_twenty_people_of_a_picture_count(tmp_path: Path) -> None:
    crowd = people(*[(400, 300, 0.95)] * 20, (0, 0, 0.9), (300, 0, 0.8))
    result = evaluate_multi_person(Given({**RIGHT, "1.png": crowd}), make_dataset(tmp_path))
    assert numbers(result)["AR"] == pytest.approx(1 / 3)
    assert numbers(result, "errors")["detections"] == 21
    assert len(result.detections) == 23


def test_files(tmp_path: Path) -> None:
    points, scores = people((0, 0, 0.5), (300, 0, 0.8))
    points[0, 1] = np.nan
    result = evaluate_multi_person(Given({"1.png": (points, scores)}), make_dataset(tmp_path))
    folder = result.save(tmp_path / "out")
    assert json.loads((folder / "metrics.json").read_text())["metrics"]["ap"]["AP"] == pytest.approx(numbers(result)["AP"])
    assert (folder / "summary.txt").read_text() == result.summary() + "\n"
    detections = json.loads((folder / "detections.json").read_text())
    assert [detection["score"] for detection in detections] == [pytest.approx(0.8), 0.5]
    assert detections[1]["keypoints"][3:6] == [0, 0, 0]
    assert detections[1]["bbox"] == [30, 10, 30, 80]
    assert detections[0]["bbox"] == [310, 10, 50, 80]
    assert {detection["image_id"] for detection in detections} == {1}


@pytest.mark.parametrize("absent", ["nowhere", "published"])
def test_absent_joints(absent: Any, tmp_path: Path) -> None:
    found = {"1.png": people((300, 0, 0.9), absent=1)}
    result = evaluate_multi_person(Given(found), make_dataset(tmp_path), absent=absent)
    assert numbers(result, "errors")["per_joint"]["left_hip"]["absent"] == 1
    assert numbers(result)["AP50"] == pytest.approx(34 / 101)  # OKS 2/3, one of three people
    assert result.detections[0]["bbox"] == ([330, 10, 30, 80] if absent == "nowhere" else [0, 0, 360, 90])
    assert ("as in published results" in result.notes[-1]) == (absent == "published")


def test_a_wrong_detection_is_of_the_size_of_its_joints(tmp_path: Path) -> None:
    """A small false person without one joint is no large one, unless the absent joint at the corner makes it so."""
    dataset = make_dataset(tmp_path)
    content = json.loads(dataset.annotation_file.read_text())
    content["annotations"][0] |= {"area": 20000.0}
    dataset.annotation_file.write_text(json.dumps(content))
    wrong = people((300, 100, 0.99), absent=1)
    found = {"1.png": people((0, 0, 0.9)), "2.png": wrong}
    values = {
        absent: numbers(evaluate_multi_person(Given(found), dataset, "ap", absent=absent))
        for absent in ("nowhere", "published")
    }
    assert values["nowhere"]["AP_large"] == pytest.approx(1)
    assert values["published"]["AP_large"] == pytest.approx(0.5)
    assert values["nowhere"]["AP"] == values["published"]["AP"]


@pytest.mark.parametrize(("kind", "kept"), [(Given, 3), (GivenTopDown, 2)])
def test_repeats_are_dropped_behind_a_detector(kind: type[Given], kept: int, tmp_path: Path) -> None:
    twice = {"1.png": people((0, 0, 0.9), (0.2, 0, 0.8), (300, 0, 0.7))}
    result = evaluate_multi_person(kind(twice), make_dataset(tmp_path))
    assert len(result.detections) == kept
    assert numbers(result, "errors")["repeated"] == kept - 2
    assert any("kept 2 of 3 people" in note for note in result.notes) == (kept == 2)
    assert ("boxes of its own" in result.boxes) == (kept == 2)
    assert len(evaluate_multi_person(kind(twice), load_again(tmp_path), "ap", nms="soft").detections) == 3


def load_again(folder: Path) -> PoseDataset:
    return load_pose_dataset(folder / "truth.json", folder / "pictures", keypoint_set=BODY)


def test_crowdpose_by_its_indices(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, (0.1, 0.5, 0.9))
    result = evaluate_multi_person(Given(RIGHT), dataset)
    assert list(result.metrics) == ["crowd_ap", "errors"]
    found = numbers(result, "crowd_ap")
    assert (found["AP"], found["AP_easy"], found["AP_medium"]) == (pytest.approx(1),) * 3
    assert found["AP_hard"] is None  # nobody is in the third picture
    assert "1 easy, 1 medium, 1 hard" in result.summary()
    assert list(evaluate_multi_person(Given(RIGHT), dataset, ("ap", "crowd_ap")).metrics) == ["ap", "crowd_ap"]


def test_crowdpose_needs_every_index(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, (0.1, 0.5))
    assert list(evaluate_multi_person(Given(RIGHT), dataset).metrics) == ["ap", "errors"]
    with pytest.raises(AnnotationError, match=r"3 of the 3 pictures.*crowd index"):
        evaluate_multi_person(Given(RIGHT), dataset, "crowd_ap")
    with pytest.raises(AnnotationError, match="no CrowdPose file"):
        load_people(dataset.annotation_file, tmp_path / "pictures", BODY, crowdpose=True)
    (tmp_path / "wrong").mkdir()
    wrong = make_dataset(tmp_path / "wrong", (0.1, 0.5, 7.0))
    with pytest.raises(AnnotationError, match=r"image 3: field 'crowdIndex'.*7\.0"):
        load_people(wrong.annotation_file, tmp_path / "pictures", BODY)


def golden_predictor(case: str, name: str) -> Given:
    arrays = recorded(case)
    images, points, scores = arrays["in/pred_image_id"], arrays["in/pred_keypoints"], arrays["in/pred_score"]
    found = {f"{n}.jpg": (points[images == n, :, :3], scores[images == n]) for n in np.unique(images)}
    return Given(found, keypoint_set(name))


def golden_pictures(file: Path) -> Path:
    folder = file.parent / "pictures"
    folder.mkdir()
    for image in json.loads(file.read_text())["images"]:
        Image.new("RGB", (64, 48)).save(folder / image["file_name"])
    return folder


def test_recorded_coco_evaluation(tmp_path: Path) -> None:
    file = annotation_file("bu_coco_evaluate", tmp_path)
    dataset = load_people(file, golden_pictures(file))
    result = evaluate_multi_person(golden_predictor("bu_coco_evaluate", "coco"), dataset, absent="published")
    arrays, values = recorded("bu_coco_evaluate"), numbers(result)
    np.testing.assert_allclose([values[name] for name in COCO_STATS], arrays["out/stats"], atol=1e-6)
    order = sorted(map(tuple, arrays["out/result_bbox_xywh"].round(1).tolist()))
    np.testing.assert_allclose(sorted(tuple(np.round(d["bbox"], 1)) for d in result.detections), order, atol=0.11)


def test_recorded_crowdpose_evaluation(tmp_path: Path) -> None:
    file = annotation_file("bu_crowdpose_evaluate", tmp_path)
    dataset = load_people(file, golden_pictures(file))
    assert dataset.keypoint_set == keypoint_set("crowdpose")
    result = evaluate_multi_person(golden_predictor("bu_crowdpose_evaluate", "crowdpose"), dataset)
    arrays, values = recorded("bu_crowdpose_evaluate"), numbers(result, "crowd_ap")
    found = np.array([values[name] for name in CROWD_STATS])
    found[6:] = found[6:].round(4)
    np.testing.assert_allclose(found, arrays["out/stats"], atol=1e-6)


def test_part_of_a_file_counts_only_its_pictures(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    part = replace(dataset, records=dataset.records[2:])
    result = evaluate_multi_person(Given(RIGHT), part)
    assert numbers(result)["AP"] == pytest.approx(1)
    assert result.images == 1
    assert any("only the 1 picture" in note for note in result.notes)


def test_records_without_a_coco_file(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    records = [PersonRecord(r.image, r.image_id, r.annotation_id, r.box, r.keypoints, r.visibility) for r in dataset.records]
    result = evaluate_multi_person(Given(RIGHT), replace(dataset, records=records, format="lsp"))
    assert numbers(result)["AP"] == pytest.approx(1)
    assert numbers(result)["estimated_areas"] == 3


def test_other_keypoints(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    with pytest.raises(ValueError, match=r"17 keypoints \(coco\).*has 3"):
        evaluate_multi_person(Given({}, keypoint_set("coco")), dataset)
    renamed = replace(BODY, keypoints=("nose", "l_hip", "right_hip"))
    result = evaluate_multi_person(Given(RIGHT, renamed), dataset)
    assert any("l_hip/left_hip" in note for note in result.notes)
    with pytest.raises(ValueError, match="sigmas"):
        evaluate_multi_person(Given(RIGHT), replace(dataset, keypoint_set=replace(BODY, sigmas=None)))
    other = replace(dataset, keypoint_set=replace(BODY, sigmas=None))
    assert numbers(evaluate_multi_person(Given(RIGHT), other, sigmas=0.05))["AP"] == pytest.approx(1)


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    with pytest.raises(ValueError, match=r"unknown metric 'error'.*'errors'"):
        evaluate_multi_person(Given(RIGHT), dataset, "error")
    with pytest.raises(ValueError, match="nms must be"):
        evaluate_multi_person(Given(RIGHT), dataset, nms="hard")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="absent must be"):
        evaluate_multi_person(Given(RIGHT), dataset, absent="zero")  # pyright: ignore[reportArgumentType]

    class Lazy(Given):
        def stream(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, PoseResult | None]]:
            return (pair for pair in super().stream(frames) if pair[0].index < 2)

    with pytest.raises(ValueError, match="no answer for 1 of 3 pictures"):
        evaluate_multi_person(Lazy(RIGHT), dataset)
    (tmp_path / "pictures" / "2.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"2\.png"):
        evaluate_multi_person(Given(RIGHT), dataset)


def test_errors_of_the_confident(tmp_path: Path) -> None:
    found = {**RIGHT, "3.png": people((0, 0, 0.1))}
    dataset = make_dataset(tmp_path)
    assert numbers(evaluate_multi_person(Given(found), dataset), "errors")["false"] == 1
    assert numbers(evaluate_multi_person(Given(found), dataset, error_score=0.3), "errors")["false"] == 0
