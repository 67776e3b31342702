"""The face detector: the cascade where scikit-image is installed, otherwise the whole picture; either is said."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from hrnet.errors import CheckpointError, MissingExtraError
from hrnet.inference.face_detector import FaceDetector, _grouped, landmark_boxes

PICTURE = np.zeros((60, 80, 3), np.uint8)


def test_no_detector_is_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    silent = FaceDetector("none", announce=said.append)
    assert not said
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    for detector in (silent, FaceDetector("auto", announce=said.append)):
        ((boxes, scores),) = detector([PICTURE])
        assert boxes.tolist() == [[0, 0, 80, 60]]
        assert scores.tolist() == [1]
        assert not detector.available
        assert detector.name == "whole picture"
    assert len(said) == 1
    assert "whole picture counts as one face" in said[0]
    assert "hrnet[demo]" in said[0]
    with pytest.raises(MissingExtraError, match=r"hrnet\[demo\]"):
        FaceDetector("cascade.xml")


def test_the_astronauts_face_is_found() -> None:
    data = pytest.importorskip("skimage.data")
    image = data.astronaut()
    said: list[str] = []
    detector = FaceDetector(announce=said.append)
    assert detector.available
    assert detector.name == "lbpcascade_frontalface_opencv"
    assert "look at the camera" in said[0]
    # Twice as large, faces are looked for in a smaller copy, and boxes are of the picture that was given.
    for picture, factor in ((image, 1), (np.repeat(np.repeat(image, 2, axis=0), 2, axis=1), 2)):
        ((boxes, scores),) = detector([picture])
        assert 0 < scores[0] < 1
        assert (np.diff(scores) <= 0).all()
        left, top, right, bottom = boxes[0] / factor
        # Landmarks lie between the eyebrows at 90 and the chin at 180, the face's edges at 175 and 270.
        assert abs((left + right) / 2 - 223) < 15
        assert abs((top + bottom) / 2 - 135) < 15
        assert 75 < right - left < 115


def test_pictures_without_faces_and_tiny_ones() -> None:
    pytest.importorskip("skimage.feature")
    detector = FaceDetector(announce=lambda _: None)
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    for image in (PICTURE, noise, PICTURE[:5, :5], np.zeros((1, 900, 3), np.uint8)):
        ((boxes, scores),) = detector([image])
        assert (boxes.shape, scores.shape) == ((0, 4), (0,))
    assert detector([]) == []


def test_files_that_are_no_cascade(tmp_path: Path) -> None:
    pytest.importorskip("skimage.feature")
    with pytest.raises(FileNotFoundError, match="'auto', 'none' or a file"):
        FaceDetector(tmp_path / "missing.xml")
    contents = {"empty.xml": "", "text.xml": "no xml", "other.xml": "<a><b/></a>", "half.xml": "<opencv_storage><cascade>"}
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(CheckpointError, match=name):
            FaceDetector(tmp_path / name)


def test_hits_on_one_face_become_one() -> None:
    face = np.array([[10, 10, 40], [11, 10, 40], [10, 12, 41], [9, 10, 42], [12, 11, 39]], float)
    nested = np.array([[20, 20, 12]] * 5, float)  # within the face
    other = np.array([[200, 100, 50]] * 6, float)
    rare = np.array([[400, 100, 50]] * 3, float)
    found, counts = _grouped(np.concatenate([face, nested, other, rare]))
    assert sorted(zip(counts.tolist(), found.round(1).tolist(), strict=True)) == [
        (5, [10.4, 10.6, 40.4]),
        (6, [200.0, 100.0, 50.0]),
    ]
    assert _grouped(np.zeros((0, 3)))[0].shape == (0, 3)


def test_boxes_lie_around_landmarks() -> None:
    (box,) = landmark_boxes(np.array([[100.0, 50.0, 80.0]]))
    assert (box[0] + box[2]) / 2 == pytest.approx(140)
    assert box[2] - box[0] == pytest.approx(box[3] - box[1])
    assert box[2] - box[0] < 80
    assert (box[1] + box[3]) / 2 > 90  # lower than the cascade's square, which takes in the forehead
