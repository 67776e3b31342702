"""Checked arrays from predictions and records: the same messages from every metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hrnet.errors import AnnotationError
from hrnet.structures import PersonRecord


def prediction_array(predictions: ArrayLike, num_keypoints: int, count: int | None = None) -> np.ndarray:
    """Return predictions as (N, K, 2) float64.

    Raises:
        ValueError: for another shape, another number of people than ``count``, or values that are not finite.
    """
    array = np.asarray(predictions, np.float64)
    if array.size == 0 and array.shape[:1] in ((0,), ()):
        array = np.zeros((0, num_keypoints, 2))
    if array.ndim != 3 or array.shape[1:] != (num_keypoints, 2):
        raise ValueError(f"predictions must have shape (people, {num_keypoints}, 2), got {array.shape}")
    if count is not None and len(array) != count:
        raise ValueError(f"{len(array)} predictions came with {count} records; each annotated person needs exactly one")
    bad = ~np.isfinite(array).all((1, 2))
    if bad.any():
        raise ValueError(f"predictions must be finite; NaN or infinity for people {np.flatnonzero(bad)[:5].tolist()}")
    return array


def score_array(label: str, scores: ArrayLike, count: int) -> np.ndarray:
    """Return (N,) float64 scores; ValueError for another shape or values that are not finite."""
    array = np.asarray(scores, np.float64)
    if array.shape != (count,) and not (count == 0 and array.size == 0):
        raise ValueError(f"{label} must have shape ({count},), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{label} must be finite; NaN or infinity at {np.flatnonzero(~np.isfinite(array))[:5].tolist()}")
    return array.reshape(count)


def truth_arrays(records: Sequence[PersonRecord], num_keypoints: int) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoints (N, K, 2) float64, zero where not labelled, and labelled (N, K) bool.

    Raises:
        AnnotationError: when a record has another number of keypoints or a labelled keypoint that is not finite.
    """
    keypoints = np.zeros((len(records), num_keypoints, 2))
    labelled = np.zeros((len(records), num_keypoints), bool)
    for n, record in enumerate(records):
        points, visibility = np.asarray(record.keypoints, np.float64), np.asarray(record.visibility)
        if points.shape != (num_keypoints, 2) or visibility.shape != (num_keypoints,):
            raise AnnotationError(
                f"annotation {record.annotation_id!r} must have {num_keypoints} keypoints, "
                f"got shapes {points.shape} and {visibility.shape}"
            )
        labelled[n] = visibility > 0
        keypoints[n][labelled[n]] = points[labelled[n]]
        if not np.isfinite(keypoints[n]).all():
            raise AnnotationError(
                f"annotation {record.annotation_id!r} of {record.image} has a labelled keypoint that is not finite"
            )
    return keypoints, labelled


def box_extents(records: Sequence[PersonRecord]) -> np.ndarray:
    """Return (N, 2) widths and heights of the boxes, in pixels; AnnotationError where one is not finite."""
    boxes = np.asarray([record.box for record in records], np.float64).reshape(-1, 4)
    bad = np.flatnonzero(~np.isfinite(boxes).all(1))
    if bad.size:
        raise AnnotationError(
            f"annotation {records[int(bad[0])].annotation_id!r} has a box that is not finite: {boxes[bad[0]].tolist()}"
        )
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
