"""Removing repeated detections of one person, and the score of a person. NumPy only; one picture at a time.

Every suppression returns indices into its inputs, in the order of selection (best first); equal scores keep input order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hrnet.metrics.oks import oks


def rescore(box_scores: ArrayLike, keypoint_scores: ArrayLike, threshold: float = 0.2) -> np.ndarray:
    """Score people by their box and their keypoints: box score times the mean keypoint score above ``threshold``.

    The person score of top-down pose estimation on COCO (Xiao et al. 2018, "Simple Baselines"; Sun et al. 2019, HRNet, 4.1).

    Args:
        box_scores: (N,) scores of the detector.
        keypoint_scores: (N, K) heatmap maxima.
        threshold: keypoints that score this much or less do not count; a person without any scores 0.

    Returns:
        (N,) float64.
    """
    boxes, points = np.asarray(box_scores, np.float64), np.asarray(keypoint_scores, np.float64)
    if boxes.ndim != 1 or points.ndim != 2 or len(boxes) != len(points):
        raise ValueError(f"box_scores must have shape (N,) and keypoint_scores (N, K), got {boxes.shape} and {points.shape}")
    _require_finite("box_scores", boxes)
    _require_finite("keypoint_scores", points)
    counted = points > threshold
    return boxes * np.where(counted, points, 0.0).sum(1) / np.maximum(counted.sum(1), 1)


def oks_nms(
    keypoints: ArrayLike, scores: ArrayLike, areas: ArrayLike, sigmas: Sequence[float] | np.ndarray, threshold: float = 0.9
) -> np.ndarray:
    """Keep the best people and drop everybody whose OKS with a better one is above ``threshold``.

    Args:
        keypoints: (N, K, 2) pixels.
        scores: (N,) person scores.
        areas: (N,) square pixels of the crop regions (padded, aspect ratio fixed).
        sigmas: (K,) OKS constants.

    Returns:
        (M,) int64 indices, best first.
    """
    points, order = np.asarray(keypoints, np.float64), _best_first(scores)
    regions = _one_each("areas", areas, len(order))
    _one_each("keypoints", points, len(order))
    kept: list[int] = []
    while order.size:
        best, rest = order[:1], order[1:]
        kept.append(int(best[0]))
        if not rest.size:
            break
        overlap = oks(points[best], points[rest], regions[best], regions[rest], sigmas)[0]
        order = rest[overlap <= threshold]
    return np.asarray(kept, np.int64)


def soft_oks_nms(
    keypoints: ArrayLike,
    scores: ArrayLike,
    areas: ArrayLike,
    sigmas: Sequence[float] | np.ndarray,
    threshold: float = 0.9,
    max_detections: int = 20,
) -> np.ndarray:
    """Take the best person again and again, each time weakening the others by how much they resemble it.

    The scores of the rest are multiplied by exp(-OKS^2 / threshold) (the Gaussian rule of Bodla et al. 2017, "Soft-NMS",
    with OKS for the overlap). Nobody is dropped by score; only ``max_detections`` ends the list.

    Args: as `oks_nms`.

    Returns:
        (min(N, max_detections),) int64 indices in the order of selection. The weakened scores only decide that order.
    """
    points, order = np.asarray(keypoints, np.float64), _best_first(scores)
    regions = _one_each("areas", areas, len(order))
    _one_each("keypoints", points, len(order))
    if not threshold > 0:
        raise ValueError(f"threshold of soft suppression must be positive, got {threshold}")
    weights = np.asarray(scores, np.float64)[order]
    kept: list[int] = []
    while order.size and len(kept) < max_detections:
        top = int(np.argmax(weights))
        best = order[top]
        kept.append(int(best))
        order, weights = np.delete(order, top), np.delete(weights, top)
        if order.size:
            overlap = oks(points[best : best + 1], points[order], regions[best : best + 1], regions[order], sigmas)[0]
            weights = weights * np.exp(-(overlap**2) / threshold)
    return np.asarray(kept, np.int64)


def box_nms(boxes: ArrayLike, scores: ArrayLike, threshold: float) -> np.ndarray:
    """Keep the best boxes and drop those that overlap a better one by more than ``threshold``.

    The overlap is intersection over union with inclusive pixels: a box from x1 to x2 is x2 - x1 + 1 wide, the convention
    of the early detectors that published top-down results were made with.

    Args:
        boxes: (N, 4) xyxy pixels.
        scores: (N,).
        threshold: in [0, 1]; an overlap equal to it is kept.

    Returns:
        (M,) int64 indices, best first.
    """
    order = _best_first(scores)
    corners = _one_each("boxes", boxes, len(order))
    if corners.size and corners.shape[1:] != (4,):
        raise ValueError(f"boxes must have shape (N, 4), got {np.shape(boxes)}")
    _require_finite("boxes", corners)
    kept: list[int] = []
    corners = corners.reshape(-1, 4)
    areas = np.prod(corners[:, 2:] - corners[:, :2] + 1, axis=1)
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(corners[best, :2], corners[rest, :2])
        high = np.minimum(corners[best, 2:], corners[rest, 2:])
        shared = np.prod(np.maximum(high - low + 1, 0), axis=1)
        order = rest[shared / (areas[best] + areas[rest] - shared) <= threshold]
    return np.asarray(kept, np.int64)


def _best_first(scores: ArrayLike) -> np.ndarray:
    array = np.asarray(scores, np.float64)
    if array.ndim != 1:
        raise ValueError(f"scores must have shape (N,), got {array.shape}")
    _require_finite("scores", array)
    return np.argsort(-array, kind="stable")


def _one_each(label: str, values: ArrayLike, count: int) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.shape[:1] != (count,):
        raise ValueError(f"{label} must have one entry for each of the {count} scores, got shape {array.shape}")
    return array


def _require_finite(label: str, array: np.ndarray) -> None:
    bad = ~np.isfinite(array).reshape(len(array), -1).all(1) if len(array) else np.zeros(0, bool)
    if bad.any():
        raise ValueError(f"{label} must be finite; NaN or infinity in rows {np.flatnonzero(bad)[:5].tolist()}")
