"""What facial landmarks are measured by: NME over the distance of the eyes or the box, failures, and the error curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from hrnet.errors import nearest_name
from hrnet.metrics.inputs import box_extents, truth_arrays
from hrnet.metrics.nme import NMEResult, NormalizedMeanError
from hrnet.structures import KeypointSet, PersonRecord

FaceNormalizer = Literal["inter_ocular", "inter_pupil", "box"]


class EyeLandmarks(NamedTuple):
    """Which landmarks say where the eyes are: the outer corners, and those whose mean is the pupil, of either eye."""

    corners: tuple[int, int]
    pupils: tuple[tuple[int, ...], tuple[int, ...]]


EYES: Mapping[int, EyeLandmarks] = {
    68: EyeLandmarks((36, 45), (tuple(range(36, 42)), tuple(range(42, 48)))),
    98: EyeLandmarks((60, 72), ((96,), (97,))),
    29: EyeLandmarks((8, 9), ((16,), (17,))),
    19: EyeLandmarks((6, 11), ((7,), (10,))),
    106: EyeLandmarks((66, 79), ((104,), (105,))),
}
"""By the number of landmarks: 300W, WFLW, COFW, AFLW and LaPa."""


def usual_normalizer(keypoint_set: KeypointSet) -> FaceNormalizer:
    """What published scores divide by: the box for AFLW, whose faces are seen from all sides, else the outer eye corners."""
    return "box" if keypoint_set.num_keypoints == 19 or keypoint_set.num_keypoints not in EYES else "inter_ocular"


def face_lengths(
    records: Sequence[PersonRecord], keypoint_set: KeypointSet, normalizer: FaceNormalizer
) -> tuple[np.ndarray, str]:
    """The length that each face's error is divided by, and in words what it is.

    Args:
        normalizer: ``"inter_ocular"``, the distance of the outer eye corners; ``"inter_pupil"``, of the pupils, which in the
            68 landmarks are the middles of the eyes' outlines; ``"box"``, the square root of the annotated box's area, which
            is the side of a square box.

    Returns:
        (N,) pixels, NaN where an eye is not labelled; and the words.

    Raises:
        ValueError: an unknown name, or landmarks of which it is not known where the eyes are.
    """
    if normalizer == "box":
        return np.sqrt(box_extents(records).prod(1)), "square root of the annotated box's area"
    if normalizer not in get_args(FaceNormalizer):
        raise ValueError(f"there is no normalizer {normalizer!r}; {nearest_name(normalizer, get_args(FaceNormalizer))}")
    eyes = EYES.get(keypoint_set.num_keypoints)
    if eyes is None:
        known = ", ".join(map(str, EYES))
        raise ValueError(
            f"where the eyes are is known of {known} landmarks, not of {keypoint_set.num_keypoints} "
            f"({keypoint_set.name}): use normalizer 'box'"
        )
    corners = normalizer == "inter_ocular"
    first, second = ((eyes.corners[0],), (eyes.corners[1],)) if corners else eyes.pupils
    truth, labelled = truth_arrays(records, keypoint_set.num_keypoints)
    lengths = np.linalg.norm(truth[:, first].mean(1) - truth[:, second].mean(1), axis=-1)
    known_eyes = labelled[:, [*first, *second]].all(1)
    return np.where(known_eyes, lengths, np.nan), f"distance of the {'outer eye corners' if corners else 'pupils'}"


def face_alignment(
    predictions: ArrayLike,
    records: Sequence[PersonRecord],
    keypoint_set: KeypointSet,
    normalizer: FaceNormalizer | None = None,
    failure_thresholds: Sequence[float] = (0.08, 0.10),
    auc_limit: float = 0.10,
) -> NMEResult:
    """Measure landmarks (N, K, 2), pixels of the picture, against N annotated faces.

    Args:
        normalizer: see `face_lengths`; by default that of published scores, `usual_normalizer`.
        failure_thresholds, auc_limit: see `hrnet.metrics.nme.NormalizedMeanError`.

    Raises:
        ValueError, AnnotationError: see `face_lengths`, and arrays that do not fit.
    """
    lengths, words = face_lengths(records, keypoint_set, normalizer or usual_normalizer(keypoint_set))
    metric = NormalizedMeanError(keypoint_set, "explicit", failure_thresholds, auc_limit)
    metric.update(predictions, records, normalizers=np.nan_to_num(lengths))  # faces of length 0 are left out, and counted
    return replace(metric.compute(), normalizer=words)
