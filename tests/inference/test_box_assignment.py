"""Which boxes belong to which frame, for everything that may be given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hrnet.errors import AnnotationError
from hrnet.inference.box_assignment import assign_boxes
from hrnet.inference.person_detector import PersonDetector
from hrnet.inference.sources import Frame

BOX, OTHER = [1.0, 2, 30, 40], [5.0, 5, 20, 20]
IMAGE = np.zeros((48, 64, 3), np.uint8)


def frame(index: int = 0, path: str | None = None, name: str | None = None) -> Frame:
    return Frame(IMAGE, name or path or f"image_{index}", index, path=Path(path) if path else None)


def nobody_asks() -> PersonDetector:
    raise AssertionError("the detector is not wanted")


def detector() -> PersonDetector:
    return PersonDetector("none")


@pytest.mark.parametrize(
    "given", [[BOX, OTHER], np.array([BOX, OTHER]), [np.array(BOX), np.array(OTHER)], ((*BOX,), (*OTHER,))]
)
def test_one_list_is_for_every_frame(given: Any) -> None:
    boxes_of = assign_boxes(given, nobody_asks, 3)
    for index in range(3):
        boxes, scores = boxes_of(frame(index))
        np.testing.assert_array_equal(boxes, [BOX, OTHER])
        np.testing.assert_array_equal(scores, [1, 1])


@pytest.mark.parametrize("given", [BOX, [BOX], np.array(BOX), [[*BOX, 1.0]]])
def test_one_box(given: Any) -> None:
    np.testing.assert_array_equal(assign_boxes(given, nobody_asks, 1)(frame())[0], [BOX])


@pytest.mark.parametrize("given", [[], np.zeros((0, 4)), np.zeros((0, 5))])
def test_nobody_in_any_frame(given: Any) -> None:
    assert len(assign_boxes(given, nobody_asks, 7)(frame(5))[0]) == 0


@pytest.mark.parametrize(
    "given",
    [
        [[BOX, OTHER], []],
        [np.array([BOX, OTHER]), np.zeros((0, 4))],
        [np.array([BOX, OTHER]), []],
        np.array([np.array([BOX, OTHER]), np.zeros((0, 4))], dtype=object),
    ],
)
def test_a_list_for_each_frame(given: Any) -> None:
    boxes_of = assign_boxes(given, nobody_asks, 2)
    np.testing.assert_array_equal(boxes_of(frame(0))[0], [BOX, OTHER])
    assert len(boxes_of(frame(1))[0]) == 0


def test_an_array_for_each_frame_of_a_batch() -> None:
    boxes_of = assign_boxes(np.array([[BOX], [OTHER]]), nobody_asks, 2)
    np.testing.assert_array_equal(boxes_of(frame(1))[0], [OTHER])


def test_the_detector_is_built_when_it_is_wanted() -> None:
    built: list[int] = []

    def build() -> PersonDetector:
        built.append(1)
        return detector()

    boxes_of = assign_boxes([[BOX], None], build, 2)
    np.testing.assert_array_equal(boxes_of(frame(0))[0], [BOX])
    assert built == []
    np.testing.assert_array_equal(boxes_of(frame(1))[0], [[0, 0, 64, 48]])
    assert built == [1]
    np.testing.assert_array_equal(assign_boxes(None, build)(frame())[0], [[0, 0, 64, 48]])


def test_too_few_or_too_many_lists() -> None:
    with pytest.raises(ValueError, match="2 lists for 3 pictures"):
        assign_boxes([[BOX], []], nobody_asks, 3)
    boxes_of = assign_boxes([[BOX], []], nobody_asks)  # a stream: nobody knows how long it is
    with pytest.raises(ValueError, match="picture number 2"):
        boxes_of(frame(2))


@pytest.mark.parametrize("given", [[[BOX, BOX[:3]]], [["a", "b"]], [[[BOX]]], "boxes", [None, "x"]])
def test_what_are_no_boxes(given: Any) -> None:
    with pytest.raises((ValueError, FileNotFoundError)):
        [assign_boxes(given, detector)(frame(index)) for index in range(2)]


def write(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows))
    return path


def row(image: Any, box: list[float] = BOX, score: float = 0.5) -> dict[str, Any]:
    return {"image_id": image, "category_id": 1, "bbox": [*box[:2], box[2] - box[0], box[3] - box[1]], "score": score}


def test_a_results_file_by_number_and_by_name(tmp_path: Path) -> None:
    boxes_of = assign_boxes(write(tmp_path / "b.json", [row(7), row("x/a.jpg", OTHER, 0.25)]), nobody_asks, 2)
    np.testing.assert_array_equal(boxes_of(frame(path="pictures/000007.jpg"))[0], [BOX])
    boxes, scores = boxes_of(frame(path="/data/x/a.jpg"))
    np.testing.assert_array_equal(boxes, [OTHER])
    np.testing.assert_array_equal(scores, [0.25])


def test_boxes_of_frames_win_over_those_of_their_video(tmp_path: Path) -> None:
    file = write(tmp_path / "b.json", [row("clip.mp4"), row("clip.mp4#1", OTHER)])
    boxes_of = assign_boxes(str(file), nobody_asks)
    for number, expected in enumerate([BOX, OTHER, BOX]):
        found, _ = boxes_of(frame(number, "videos/clip.mp4", f"videos/clip.mp4#{number}"))
        np.testing.assert_array_equal(found, [expected])


def test_what_a_file_lacks_or_holds_wrongly_is_announced(tmp_path: Path) -> None:
    said: list[str] = []
    file = write(tmp_path / "b.json", [row("a"), row("a", [500, 500, 600, 600])])
    boxes_of = assign_boxes(file, nobody_asks, announce=said.append)
    assert len(boxes_of(frame(path="a.jpg"))[0]) == 1
    assert len(boxes_of(frame(path="b.jpg"))[0]) == 0
    assert len(boxes_of(frame(path="c.jpg"))[0]) == 0
    assert len(said) == 2
    assert said[0].startswith("a.jpg: left out 1 of 2 boxes")
    assert "does not name b.jpg" in said[1]


@pytest.mark.parametrize("content", ["{", "[1]", '[{"image_id": 1}]', '{"images": []}', '[{"bbox": [1, 2, 3, 4]}]'])
def test_a_file_with_missing_fields(content: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(AnnotationError, match=r"b\.json"):
        assign_boxes(tmp_path / "b.json", nobody_asks)
