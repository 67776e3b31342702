"""Boxes: checks, files, look-up."""

import json
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hrnet.errors import AnnotationError
from hrnet.inference.person_boxes import find_boxes, load_boxes, validate_boxes, whole_picture_box

SIZE = (100, 200)  # height, width


def test_good_boxes_pass_unchanged():
    boxes, scores = validate_boxes([[-10, -5, 50, 60], [1, 2, 300, 400]], SIZE)
    assert boxes.dtype == scores.dtype == np.float32
    np.testing.assert_array_equal(boxes, [[-10, -5, 50, 60], [1, 2, 300, 400]])
    np.testing.assert_array_equal(scores, [1, 1])
    boxes, scores = validate_boxes(np.array([[1, 2, 3, 4, 0.5]]), SIZE)
    assert boxes.shape == (1, 4)
    assert scores.tolist() == [0.5]
    assert validate_boxes([1, 2, 3, 4], SIZE, scores=[0.25])[1].tolist() == [0.25]
    assert validate_boxes(whole_picture_box(SIZE), SIZE)[0].tolist() == [[0, 0, 200, 100]]


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 4)), np.zeros((0, 5)), ()])
def test_zero_boxes_are_fine(nothing):
    boxes, scores = validate_boxes(nothing, SIZE)
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ([np.nan, 0, 1, 1], "box 1 .*NaN"),
        ([0, 0, np.inf, 1], "infinity"),
        ([0, 0, 1e300, 1], "infinity"),
        ([50, 60, 20, 80], r"box 1 \(50, 60, 20, 80\) has its corners reversed.*width"),
        ([5, 5, 5, 9], "empty"),
        ([200, 0, 250, 50], "outside the picture of 200 x 100"),
        ([-9, -9, 0, 50], "outside"),
    ],
)
def test_bad_boxes_are_named_or_dropped(row, match):
    good = [0, 0, 10, 10]
    with pytest.raises(ValueError, match=match):
        validate_boxes([good, row], SIZE)
    said: list[str] = []
    boxes, scores = validate_boxes([good, row], SIZE, on_bad="drop", announce=said.append)
    assert boxes.tolist() == [good]
    assert scores.tolist() == [1]
    assert len(said) == 1
    assert "1 of 2" in said[0]


def test_dropping_is_logged_by_default(caplog):
    with caplog.at_level(logging.WARNING):
        validate_boxes([[0, 0, 0, 0]], SIZE, on_bad="drop")
    assert "left out 1 of 1" in caplog.text


@pytest.mark.parametrize(
    ("boxes", "scores", "match"),
    [
        (np.zeros((2, 3)), None, "shape"),
        (np.ones((2, 2, 4)), None, "shape"),
        ("abc", None, "numbers"),
        ([[1, 2, 3, 4], [1, 2]], None, "numbers"),
        ([[0, 0, 1, 1]], [1, 1], "scores"),
        ([[0, 0, 1, 1, 1]], [1], "twice"),
        ([[0, 0, 1, 1, np.nan]], None, "score nan"),
    ],
)
def test_wrong_shapes_are_refused(boxes, scores, match):
    with pytest.raises(ValueError, match=match):
        validate_boxes(boxes, SIZE, scores)


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats() | st.floats(-300, 300)))
def test_what_is_kept_is_sound_and_raising_agrees_with_dropping(rows):
    said: list[str] = []
    boxes, _ = validate_boxes(rows, SIZE, on_bad="drop", announce=said.append)
    assert np.isfinite(boxes).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert (boxes[:, 2:] > 0).all()
    assert bool(said) == (len(boxes) < len(rows))
    if said:
        with pytest.raises(ValueError):
            validate_boxes(rows, SIZE)
    else:
        np.testing.assert_array_equal(validate_boxes(rows, SIZE)[0], boxes)


def write(path, data):
    path.write_text(json.dumps(data))
    return path


def test_a_results_file(tmp_path):
    rows = [
        {"image_id": 139, "category_id": 1, "bbox": [10, 20, 30, 40], "score": 0.5},
        {"image_id": 139, "category_id": 3, "bbox": [0, 0, 1, 1], "score": 0.9},
        {"image_id": "shot", "bbox": [1, 2, 3, 4]},
    ]
    table = load_boxes(write(tmp_path / "r.json", rows))
    boxes, scores = table["139"]
    assert boxes.tolist() == [[10, 20, 40, 60]]
    assert scores.tolist() == [0.5]
    assert table["shot"][1].tolist() == [1]
    assert len(load_boxes(tmp_path / "r.json", category_id=None)["139"][0]) == 2
    found = find_boxes(table, "val/000000000139.jpg")
    assert found is not None
    assert found[0] is boxes
    assert find_boxes(table, "x/shot.png") is table["shot"]
    assert find_boxes(table, "140.jpg") is None


def test_an_annotation_file(tmp_path):
    data = {
        "images": [{"id": 7, "file_name": "a/1.jpg"}, {"id": 8, "file_name": "b/1.jpg"}, {"id": 9}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5]},
            {"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        ],
    }
    table = load_boxes(write(tmp_path / "a.json", data))
    assert {key: len(boxes) for key, (boxes, _) in table.items()} == {"a/1.jpg": 1, "b/1.jpg": 0, "9": 0}
    assert find_boxes(table, "/data/b/1.jpg") is table["b/1.jpg"]
    assert find_boxes(table, r"C:\data\a\1.jpg") is table["a/1.jpg"]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "no JSON"),
        ("3", "expected a list"),
        ('{"images": []}', "lacks 'annotations'"),
        ('{"images": [{}], "annotations": []}', r"images\[0\]"),
        ("[3]", "entry 0"),
        ('[{"bbox": [1, 2, 3, 4]}]', "entry 0 lacks 'image_id'"),
        ('[{"image_id": 1}]', "lacks 'bbox'"),
        ('[{"image_id": 1, "bbox": [1, 2, 3]}]', "x, y, width, height"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, null]}]', "x, y, width, height"),
    ],
)
def test_a_damaged_file_is_explained(tmp_path, content, match):
    path = tmp_path / "boxes.json"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=match):
        load_boxes(path)
