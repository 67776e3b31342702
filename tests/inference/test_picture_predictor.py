"""What all predictors of whole pictures do with what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hrnet.data.images import write_image
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import ImageError
from hrnet.inference.picture_predictor import PicturePredictor
from hrnet.inference.sources import open_source
from hrnet.structures import PoseResult


class Brightest(PicturePredictor[PoseResult]):
    """Finds one person, at the brightest pixel."""

    def __init__(self, batch_size: int = 2) -> None:
        super().__init__("brightest", batch_size)
        self.batches: list[int] = []

    def predict_pictures(self, images: Sequence[np.ndarray]) -> list[PoseResult]:
        self.batches.append(len(images))
        return [self._find(image) for image in images]

    def _find(self, image: np.ndarray) -> PoseResult:
        y, x = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
        point = np.broadcast_to([x, y], (1, 14, 2))
        return PoseResult(
            keypoints=point,
            keypoint_scores=np.ones((1, 14)),
            boxes=np.array([[x, y, x, y]]),
            box_scores=np.ones(1),
            scores=np.ones(1),
            keypoint_set=keypoint_set("lsp"),
            image_size=image.shape[:2],
        )


def picture(x: int, y: int = 3) -> np.ndarray:
    image = np.zeros((8, 12, 3), np.uint8)
    image[y, x, 0] = 255
    return image


def test_one_picture_and_several() -> None:
    predictor = Brightest()
    single = predictor(picture(5))
    assert isinstance(single, PoseResult)
    assert single.keypoints[0, 0].tolist() == [5, 3]
    assert single.image is not None
    several = predictor([picture(x) for x in range(5)])
    assert isinstance(several, list)
    assert [result.keypoints[0, 0, 0] for result in several] == [0, 1, 2, 3, 4]
    assert [result.source for result in several] == [f"image_{index}" for index in range(5)]
    assert predictor.batches == [1, 2, 2, 1]


def test_bgr_arrays_are_turned_round() -> None:
    found = Brightest()(picture(4)[..., ::-1], bgr=True)
    assert isinstance(found, PoseResult)
    assert found.keypoints[0, 0, 0] == 4


def test_a_picture_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    for index in range(3):
        write_image(tmp_path / f"{index}.png", picture(index))
    (tmp_path / "1.png").write_bytes(b"no picture")
    predictor = Brightest()
    with pytest.raises(ImageError, match=r"1\.png"):
        predictor(tmp_path)
    results = [result for _, result in predictor.stream(open_source(tmp_path))]
    assert [None if result is None else int(result.keypoints[0, 0, 0]) for result in results] == [0, None, 2]


def test_bad_batch_sizes_and_cameras() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Brightest(0)
    with pytest.raises(ValueError, match="a camera has no end"):
        Brightest()(0)
