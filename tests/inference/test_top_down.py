"""The predictor: all that it takes, batches across pictures, streams, presets and devices."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from inference.builders import MARKED, PLACES, MarkFinder, draw_marks, mark_task
from PIL import Image

from hrnet.errors import ImageError
from hrnet.inference.loading import load
from hrnet.inference.requests import PersonRequest
from hrnet.inference.sources import open_source
from hrnet.inference.top_down import PosePredictor
from hrnet.structures import PoseResult

rng = np.random.default_rng(0)
PICTURES = [rng.integers(0, 256, (60 + 10 * n, 90, 3), np.uint8) for n in range(5)]
BOXES = [
    [[5.0, 5, 45, 50]],
    [],
    [[0.0, 0, 90, 80], [-10, 20, 30, 60], [50, 10, 80, 70]],
    [[20.0, 20, 60, 80]],
    [[1.0, 1, 80, 90]],
]


def single(result: PoseResult | list[PoseResult]) -> PoseResult:
    assert isinstance(result, PoseResult)
    return result


def several(results: PoseResult | list[PoseResult]) -> list[PoseResult]:
    assert isinstance(results, list)
    return results


def assert_same(first: PoseResult, second: PoseResult, tolerance: float = 1e-2) -> None:
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_allclose(first.keypoint_scores, second.keypoint_scores, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(first.keypoints, second.keypoints, atol=tolerance)
    np.testing.assert_allclose(first.scores, second.scores, rtol=1e-3, atol=1e-4)


def write_video(path: Path, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


# What it takes


def test_one_picture_in_every_form_gives_one_result(predictor: PosePredictor, tmp_path: Path) -> None:
    picture, path = PICTURES[0], tmp_path / "picture.png"
    Image.fromarray(picture).save(path)
    expected = single(predictor(picture))
    assert expected.keypoints.shape == (1, 17, 2)
    assert expected.image is not None
    assert expected.image_size == picture.shape[:2]
    for form in (path, str(path), path.read_bytes(), Image.fromarray(picture), Image.open(path)):
        result = single(predictor(form))
        assert_same(result, expected, 0)
        assert result.plot().shape == picture.shape
    assert_same(single(predictor(np.ascontiguousarray(picture[..., ::-1]), bgr=True)), expected, 0)
    grey = np.repeat(picture[..., :1], 3, axis=2)
    assert_same(single(predictor(picture[..., 0])), single(predictor(grey)), 0)


def test_several_pictures_give_a_list_in_order(predictor: PosePredictor, tmp_path: Path) -> None:
    same_size = [picture[:60] for picture in PICTURES]
    for number, picture in enumerate(same_size):
        Image.fromarray(picture).save(tmp_path / f"{number + 8}.png")  # 8, 9, 10: natural order is not that of the alphabet
    expected = [single(predictor(picture)) for picture in same_size]
    files = [tmp_path / f"{number + 8}.png" for number in range(5)]
    for form in (same_size, np.stack(same_size), tmp_path, str(tmp_path / "*.png"), files):
        results = several(predictor(form))
        assert len(results) == 5
        for found, wanted in zip(results, expected, strict=True):
            assert_same(found, wanted)
    assert [Path(str(result.source)).name for result in several(predictor(tmp_path))] == [file.name for file in files]
    assert len(several(predictor([same_size[0]]))) == len(several(predictor(files[:1]))) == 1


def test_a_video_gives_its_frames_without_keeping_them(predictor: PosePredictor, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", [PICTURES[0]] * 6)
    results = several(predictor(path, [[5, 5, 45, 50]]))
    assert [result.source for result in results] == [f"{path}#{number}" for number in range(6)]
    assert all(len(result) == 1 and result.image is None for result in results)


def test_a_camera_is_for_streams(predictor: PosePredictor) -> None:
    with pytest.raises(ValueError, match=r"no end.*stream"):
        predictor("camera:0")


def test_a_picture_that_cannot_be_read(predictor: PosePredictor, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    Image.fromarray(PICTURES[0]).save(tmp_path / "good.png")
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        predictor(tmp_path)
    outcomes = [(frame.error, result) for frame, result in predictor.stream(open_source(tmp_path))]
    assert isinstance(outcomes[0][0], ImageError)
    assert outcomes[0][1] is None
    assert outcomes[1][0] is None
    assert outcomes[1][1] is not None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (200, 10000), (5000, 20)])
def test_odd_shapes(predictor: PosePredictor, shape: tuple[int, int]) -> None:
    result = single(predictor(np.zeros((*shape, 3), np.uint8)))
    assert result.image_size == shape
    assert np.isfinite(result.keypoints).all()


# Boxes and batches


def test_batches_across_pictures_equal_one_by_one(checkpoint: Path) -> None:
    together = load(checkpoint, preset="published", detector="none", device="cpu", batch_size=3)
    alone = load(checkpoint, preset="published", detector="none", device="cpu", batch_size=1)
    results = several(together(PICTURES, BOXES))
    assert [len(result) for result in results] == [1, 0, 3, 1, 1]
    for picture, boxes, result in zip(PICTURES, BOXES, results, strict=True):
        np.testing.assert_array_equal(result.boxes, np.reshape(boxes, (-1, 4)))
        for row, box in enumerate(boxes):
            assert_same(result[row], single(alone(picture, [box])))


def test_people_of_several_pictures_share_batches() -> None:
    task = mark_task()
    finder = task.network
    assert isinstance(finder, MarkFinder)
    results = several(PosePredictor(task, batch_size=4)([picture for picture in PICTURES for _ in range(2)]))
    assert finder.batches == [4, 4, 2]
    assert [result.image_size[0] for result in results] == [60, 60, 70, 70, 80, 80, 90, 90, 100, 100]


def test_box_scores_and_no_boxes(predictor: PosePredictor) -> None:
    result = single(predictor(PICTURES[0], [[5, 5, 45, 50, 0.5], [0, 0, 90, 60, 0.25]]))
    np.testing.assert_array_equal(result.box_scores, [0.5, 0.25])
    plain = single(predictor(PICTURES[0], [[5, 5, 45, 50], [0, 0, 90, 60]]))
    np.testing.assert_allclose(result.scores, plain.scores * [0.5, 0.25], rtol=1e-5)
    for nothing in ([], np.zeros((0, 4))):
        empty = single(predictor(PICTURES[0], nothing))
        assert (len(empty), empty.keypoints.shape) == (0, (0, 17, 2))
    results = several(predictor(PICTURES[:2], []))
    assert [len(found) for found in results] == [0, 0]


def test_none_among_the_boxes_asks_the_detector(predictor: PosePredictor) -> None:
    results = several(predictor(PICTURES[:2], [None, [[5, 5, 45, 50]]]))
    np.testing.assert_array_equal(results[0].boxes, [[0, 0, 90, 60]])
    np.testing.assert_array_equal(results[1].boxes, [[5, 5, 45, 50]])


def test_boxes_of_a_results_file(predictor: PosePredictor, tmp_path: Path) -> None:
    for number in (139, 285):
        Image.fromarray(PICTURES[0]).save(tmp_path / f"{number:012d}.png")
    rows = [
        {"image_id": 139, "category_id": 1, "bbox": [5, 5, 40, 45], "score": 0.9},
        {"image_id": 139, "category_id": 1, "bbox": [500, 5, 40, 45], "score": 0.8},
        {"image_id": 139, "category_id": 3, "bbox": [5, 5, 40, 45], "score": 0.9},
    ]
    file = tmp_path / "found.json"
    file.write_text(json.dumps(rows))
    said: list[str] = []
    talking = PosePredictor(predictor.task, announce=said.append)
    first, second = several(talking(tmp_path, file))
    np.testing.assert_array_equal(first.boxes, [[5, 5, 45, 50]])
    assert first.box_scores[0] == np.float32(0.9)
    assert len(second) == 0
    assert any("left out 1 of 2 boxes" in sentence and "000000000139.png" in sentence for sentence in said)
    assert any("does not name" in sentence and "000000000285.png" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("box", "match"),
    [
        ([200, 5, 240, 50], "outside the picture of 90 x 60"),
        ([5, 5, 5, 50], "empty"),
        ([45, 5, 5, 50], "reversed"),
        ([5, float("nan"), 45, 50], "NaN"),
        ([5, 5, float("inf"), 50], "infinity"),
    ],
)
def test_bad_boxes_name_picture_row_and_values(predictor: PosePredictor, box: list[float], match: str) -> None:
    with pytest.raises(ValueError, match=rf"image_0: box 1 .*{match}"):
        predictor(PICTURES[0], [[5, 5, 45, 50], box])


def test_boxes_that_fit_no_list_are_refused_before_anything_runs(predictor: PosePredictor) -> None:
    with pytest.raises(ValueError, match="1 lists for 2 pictures"):
        predictor.stream(open_source(PICTURES[:2]), [BOXES[0]])
    with pytest.raises(FileNotFoundError):
        predictor.stream(open_source(PICTURES[:2]), "missing.json")


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_person_half_outside_the_picture(flip_test: bool) -> None:
    picture, box = np.zeros((200, 200, 3), np.uint8), np.array([-60.0, 40, 90, 190])
    marks = box[:2] + PLACES * 150
    draw_marks(picture, marks, 3)
    result = single(PosePredictor(mark_task("udp"), flip_test)(picture, box))
    seen = marks[:, 0] > 10
    assert seen.sum() == 3
    hidden = ~seen | np.isin(np.arange(5), MARKED.flip_indices) & ~seen[list(MARKED.flip_indices)]  # pairs are found as pairs
    np.testing.assert_allclose(result.keypoints[0][~hidden], marks[~hidden], atol=0.5)
    assert (result.keypoint_scores[0][hidden] == 0).all()


# People one by one, as evaluation asks for them


def test_predict_people_agrees_with_pictures(predictor: PosePredictor, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(PICTURES[2]).save(path)
    requests = [PersonRequest(image, np.array(box), key=(row, str(image)[:4])) for row, box in enumerate(BOXES[2]) for image in
                (path, PICTURES[2])]  # fmt: skip
    done: list[int] = []
    answers = list(predictor.predict_people(requests, done.append))
    assert [answer.key for answer in answers] == [request.key for request in requests]
    assert done == [4, 2]
    expected = single(predictor(PICTURES[2], BOXES[2]))
    for row in range(3):
        for answer in answers[2 * row : 2 * row + 2]:
            np.testing.assert_allclose(answer.keypoints, expected.keypoints[row], atol=1e-2)
            np.testing.assert_allclose(answer.size, np.full(2, max(np.ptp(np.reshape(BOXES[2][row], (2, 2)), axis=0)) * 1.25))


def test_a_region_of_ones_own_wins_over_the_box(predictor: PosePredictor) -> None:
    center, size = np.array([30.0, 30]), np.array([20.0, 50])
    request = PersonRequest(PICTURES[0], np.array([0.0, 0, 1, 1]), center=center, size=size)
    (answer,) = predictor.predict_people([request])
    np.testing.assert_array_equal(answer.center, center)
    np.testing.assert_array_equal(answer.size, [50, 50])  # grown to the aspect ratio of the input, not padded
    expected = single(predictor(PICTURES[0], [[10, 10, 50, 50]]))  # the same region with the padding of 1.25
    np.testing.assert_allclose(answer.keypoints, expected.keypoints[0], atol=1e-2)


def test_nobody_is_asked_about(predictor: PosePredictor) -> None:
    assert list(predictor.predict_people([])) == []


def test_people_of_a_broken_picture(predictor: PosePredictor, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        list(predictor.predict_people([PersonRequest(tmp_path / "bad.jpg", np.array([0.0, 0, 9, 9]))]))
