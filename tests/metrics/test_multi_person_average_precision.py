from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hrnet.errors import AnnotationError
from hrnet.metrics.crowd_average_precision import CrowdAveragePrecision
from hrnet.metrics.multi_person_average_precision import MultiPersonAveragePrecision, place_absent, present_joints
from hrnet.structures import KeypointSet, PersonRecord

TRIPLE = KeypointSet("triple", ("a", "b", "c"), (0, 1, 2), sigmas=(0.05, 0.05, 0.05))
# The first joint is at the corner, where files have absent joints.
POSE = np.array([[0.0, 0], [60, 20], [30, 90]])


def truth() -> list[PersonRecord]:
    return [PersonRecord(Path("a.jpg"), 1, 1, np.array([0.0, 0, 60, 90]), POSE, np.full(3, 2, np.uint8), area=4000.0)]


@pytest.mark.parametrize(("absent", "ap"), [("nowhere", 0.4), ("published", 1.0)])
def test_an_absent_joint_is_not_right_by_lying_at_the_corner(absent, ap: float) -> None:
    pytest.importorskip("faster_coco_eval")
    metric = MultiPersonAveragePrecision(TRIPLE, truth(), absent=absent)
    metric.update(POSE[None], image_ids=[1], found=[[False, True, True]])
    assert metric.compute().ap == pytest.approx(ap)  # OKS 2/3: four thresholds of ten


def test_nothing_found() -> None:
    pytest.importorskip("faster_coco_eval")
    metric = MultiPersonAveragePrecision(TRIPLE, truth())
    metric.update([], image_ids=[], found=[])
    assert metric.compute().ap == 0


def test_places_and_boxes() -> None:
    points = np.array([POSE + 10, POSE + 20])
    points[0, 1] = np.nan
    present = present_joints(points, [[True, True, False], [False] * 3])
    assert present.tolist() == [[True, False, False], [False] * 3]
    placed, boxes = place_absent(points, present, "nowhere")
    assert np.isfinite(placed).all()
    assert boxes.tolist() == [[10, 10, 0, 0], [0, 0, 0, 0]]
    placed, boxes = place_absent(points, present, "published")
    assert placed.tolist() == [[[10, 10], [0, 0], [0, 0]], [[0, 0]] * 3]
    assert boxes.tolist() == [[0, 0, 10, 10], [0, 0, 0, 0]]
    for absent in ("nowhere", "published"):
        placed, boxes = place_absent(np.zeros((0, 3, 2)), np.zeros((0, 3), bool), absent)
        assert (placed.shape, boxes.shape) == ((0, 3, 2), (0, 4))


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'nowhere' or 'published'"):
        MultiPersonAveragePrecision(TRIPLE, truth(), absent="zero")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"found must have shape \(1, 3\)"):
        MultiPersonAveragePrecision(TRIPLE, truth()).update(POSE[None], image_ids=[1], found=[[True]])
    with pytest.raises(ValueError, match=r"\(people, keypoints, 2\)"):
        MultiPersonAveragePrecision(TRIPLE, truth()).update(POSE, image_ids=[1])
    file = tmp_path / "truth.json"
    file.write_text('{"images": [{"id": 1}, {"id": 2}], "annotations": []}')
    with pytest.raises(AnnotationError, match=r"1 of the 2 pictures.*no crowd index, such as 2"):
        CrowdAveragePrecision(TRIPLE, file, {"1": "easy"})
    with pytest.raises(ValueError, match="easy, medium, hard, got 'harder'"):
        CrowdAveragePrecision(TRIPLE, file, {"1": "easy", "2": "harder"})
