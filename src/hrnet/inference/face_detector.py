"""Find upright faces that look at the camera, with the classic cascade that comes with scikit-image.

P. Viola and M. Jones, CVPR 2001, on local binary patterns (S. Liao et al., ICB 2007). No weights are downloaded.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.errors import CheckpointError, MissingExtraError
from hrnet.inference.person_boxes import Boxes, validate_boxes, whole_picture_box

_LONGEST_SIDE = 640  # pixels in which faces are looked for; larger pictures are shrunk
_SMALLEST_FACE = 24  # pixels; the cascade's own window
_FACES_PER_SIDE = 10  # the smallest face is the shorter side over this
_STEP_BETWEEN_SIZES = 1.1
_SAME_FACE = 0.4  # intersection over union of two hits
_FEWEST_HITS = 4  # of one face, in windows a little apart

# Square of the cascade to the square around the 68 landmarks: medians over every twelfth face of the YouTube Faces frames that
# the bundled weights were trained on (194 of 208 found). The cascade's square takes in the forehead, the landmarks begin at the
# eyebrows and end at the chin.
_SIDE_RATIO = 0.89
_DOWNWARD = 0.15  # of the cascade's side

_logger = logging.getLogger(__name__)


class FaceDetector:
    """Faces' boxes for pictures, as if drawn around their landmarks.

    It finds about nine of ten faces that look at the camera, upright, and larger than a tenth of the picture's shorter side,
    hardly any in profile, and now and then something that is none: give boxes where that is not enough.

    Args:
        detector: ``"auto"`` for the cascade of scikit-image, and the whole picture where that is not installed; ``"none"``
            for the whole picture; or the path of another cascade of local binary patterns (an XML file of OpenCV's format).
        max_faces: most boxes per picture, the surest first.
        announce: called with a sentence on what is used, and what its limits are; by default it is logged as a warning.

    Attributes:
        name: what is used, such as ``"lbpcascade_frontalface_opencv"`` or ``"whole picture"``.

    Raises:
        FileNotFoundError, CheckpointError: the file given is missing, or is no such cascade.
        MissingExtraError: a file is given, but scikit-image is not installed.
    """

    def __init__(
        self,
        detector: str | os.PathLike[str] = "auto",
        max_faces: int = 50,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.name = "whole picture"
        self._max_faces = max_faces
        self._cascade: Any = None
        announce = announce or _logger.warning
        if detector == "none":
            return
        try:
            from skimage.data import lbp_frontal_face_cascade_filename
            from skimage.feature import Cascade
        except ImportError as error:
            if detector != "auto":
                raise MissingExtraError(f"a cascade needs scikit-image ({error}): pip install 'hrnet[demo]'") from error
            announce(f"no face detector: scikit-image is not installed; {_ADVICE}")
            return
        path = Path(lbp_frontal_face_cascade_filename() if detector == "auto" else detector)
        if not path.is_file():
            raise FileNotFoundError(f"the face detector's file {path} does not exist; give 'auto', 'none' or a file")
        try:
            self._cascade = Cascade(str(path))
        except (ParseError, ValueError, AttributeError, TypeError, IndexError, KeyError, OSError) as error:
            raise CheckpointError(f"{path} is no cascade of local binary patterns: {error}") from error
        self.name = path.stem
        if detector == "auto":
            announce(f"{self.name} looks for faces, and finds upright ones that look at the camera; give boxes for others")

    @property
    def available(self) -> bool:
        """Whether faces are looked for; False if the whole picture counts as one."""
        return self._cascade is not None

    def __call__(self, images: Sequence[np.ndarray]) -> list[Boxes]:
        """Find faces in (H, W, 3) RGB uint8 pictures: for each (N, 4) float32 xyxy boxes and (N,) scores, the surest first.

        A score is h / (h + 10) for a face that h neighbouring windows hit.
        """
        if self._cascade is None:
            return [(whole_picture_box(image.shape[:2]), np.ones(1, np.float32)) for image in images]
        return [self._faces(image) for image in images]

    def _faces(self, image: np.ndarray) -> Boxes:
        shrink = max(1.0, max(image.shape[:2]) / _LONGEST_SIDE)
        height, width = (round(side / shrink) for side in image.shape[:2])
        shorter = min(height, width)
        if shorter < _SMALLEST_FACE:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        small = image if shrink == 1 else cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        smallest = max(_SMALLEST_FACE, shorter // _FACES_PER_SIDE)
        hits = self._cascade.detect_multi_scale(
            img=np.ascontiguousarray(small),
            scale_factor=_STEP_BETWEEN_SIZES,
            step_ratio=1,
            min_size=(smallest, smallest),
            max_size=(shorter, shorter),
            min_neighbor_number=1,  # they are put together below, where they are counted as well
            intersection_score_threshold=1.0,
        )
        squares = np.array([(hit["c"], hit["r"], hit["width"]) for hit in hits], np.float64).reshape(-1, 3)
        found, counts = _grouped(squares)
        order = np.argsort(-counts, kind="stable")[: self._max_faces]
        boxes = landmark_boxes(found[order]) * shrink
        scores = counts[order] / (counts[order] + 10.0)
        return validate_boxes(boxes, image.shape[:2], scores, on_bad="drop", announce=_logger.debug)


def landmark_boxes(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cascade's squares (N, 3), left, top and side, to squares (N, 4) xyxy as they lie around landmarks."""
    left, top, side = squares.T
    center = np.stack([left + side / 2, top + side / 2 + _DOWNWARD * side], axis=-1)
    half = _SIDE_RATIO * side[:, None] / 2
    return np.concatenate([center - half, center + half], axis=1)


def _grouped(squares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Put hits (N, 3) on one face together: mean squares (M, 3) and how many hits each has; what has too few is dropped."""
    low, high = squares[:, :2], squares[:, :2] + squares[:, 2:]
    overlap = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    shared = np.clip(overlap, 0, None).prod(axis=-1)
    areas = squares[:, 2] ** 2
    same = shared / (areas[:, None] + areas - shared) > _SAME_FACE
    covered = same | (shared / np.minimum(areas[:, None], areas) > 0.5)  # a face within a face is the same one
    open_ = np.ones(len(squares), bool)
    found, counts = [], []
    while open_.any():
        votes = (same & open_).sum(axis=1) * open_
        best = int(votes.argmax())
        if votes[best] < _FEWEST_HITS:
            break
        found.append(squares[same[best] & open_].mean(axis=0))
        counts.append(votes[best])
        open_ &= ~covered[best]
    return np.array(found).reshape(-1, 3), np.array(counts, np.int64)


_ADVICE = (
    "each whole picture counts as one face. Give boxes (a COCO results file, say), pictures that were cut around a face, or "
    "install the detector: pip install 'hrnet[demo]'"
)
