"""Object keypoint similarity (OKS): how alike two sets of keypoints are, between 0 and 1.

Definition: COCO keypoint challenge, section "Object Keypoint Similarity" of its evaluation page. For keypoint k at
distance d_k the similarity is exp(-d_k^2 / (2 * A * (2 * sigma_k)^2)), with A an area in square pixels; OKS is its mean
over keypoints. The two functions differ in which area and which keypoints count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

_TINY = float(np.spacing(1.0))  # keeps people of area 0 comparable with themselves: 0 / tiny, not 0 / 0


def oks(
    keypoints_a: ArrayLike, keypoints_b: ArrayLike, areas_a: ArrayLike, areas_b: ArrayLike, sigmas: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Compare every detection of ``a`` with every detection of ``b``: the form that suppression uses.

    All K keypoints count and A is the mean of the two areas, so the result is symmetric. Detections have no annotated
    area; top-down evaluation takes that of the crop region (padded, its aspect ratio fixed).

    Args:
        keypoints_a, keypoints_b: (N, K, 2) and (M, K, 2) pixels of one picture.
        areas_a, areas_b: (N,) and (M,) square pixels.
        sigmas: (K,) constants of the keypoint set.

    Returns:
        (N, M) float64 in [0, 1].

    Raises:
        ValueError: for wrong shapes, values that are not finite, negative areas or sigmas that are not positive.
    """
    a, b, constants = _points("keypoints_a", keypoints_a), _points("keypoints_b", keypoints_b), _constants(sigmas)
    _same_keypoints(a, b, constants)
    areas = (_areas("areas_a", areas_a, len(a))[:, None] + _areas("areas_b", areas_b, len(b))[None, :]) / 2
    total = np.zeros((len(a), len(b)))
    # One keypoint at a time: the temporary arrays stay (N, M) however many keypoints there are.
    for k, variance in enumerate((2 * constants) ** 2):
        squared = ((a[:, None, k] - b[None, :, k]) ** 2).sum(-1)
        total += np.exp(-squared / variance / (areas + _TINY) / 2)
    return np.minimum(total / a.shape[1], 1.0)


def oks_to_ground_truth(
    keypoints: ArrayLike,
    truth_keypoints: ArrayLike,
    truth_visibility: ArrayLike,
    truth_areas: ArrayLike,
    sigmas: Sequence[float] | np.ndarray,
    truth_boxes: ArrayLike | None = None,
) -> np.ndarray:
    """Compare every prediction with every annotated person: the form that average precision uses.

    Only labelled keypoints (visibility > 0) count and A is the annotated area. For a person without any labelled keypoint
    the distance is measured to the box enlarged by its own size on every side (0 inside), over all keypoints.

    Args:
        keypoints: (N, K, 2) predicted pixels.
        truth_keypoints: (M, K, 2) annotated pixels.
        truth_visibility: (M, K), 0 for not labelled.
        truth_areas: (M,) annotated areas in square pixels.
        sigmas: (K,) constants of the keypoint set.
        truth_boxes: (M, 4) xyxy pixels, needed only where somebody has no labelled keypoint.

    Returns:
        (N, M) float64 in [0, 1].

    Raises:
        ValueError: as `oks`, or when a person without labels comes without a box.
    """
    found, constants = _points("keypoints", keypoints), _constants(sigmas)
    labelled = np.asarray(truth_visibility) > 0
    raw = np.asarray(truth_keypoints, np.float64)
    if raw.ndim == 3 and labelled.shape != raw.shape[:2]:
        raise ValueError(f"truth_visibility must have shape {raw.shape[:2]}, got {labelled.shape}")
    truth = _points("truth_keypoints", np.where(labelled[..., None], raw, 0.0) if raw.ndim == 3 else raw)
    _same_keypoints(found, truth, constants)
    areas = _areas("truth_areas", truth_areas, len(truth))
    variances = (2 * constants) ** 2
    result = np.zeros((len(found), len(truth)))
    for m in range(len(truth)):
        if labelled[m].any():
            squared = ((found - truth[m]) ** 2).sum(-1)
            chosen = labelled[m]
        else:
            if truth_boxes is None:
                raise ValueError(f"person {m} has no labelled keypoint, so truth_boxes is needed to compare with its box")
            box = np.asarray(truth_boxes, np.float64)[m]
            extent = box[2:] - box[:2]
            outside = np.maximum(0, box[:2] - extent - found) + np.maximum(0, found - (box[2:] + extent))
            squared, chosen = (outside**2).sum(-1), np.ones(truth.shape[1], bool)
        similarity = np.exp(-squared / variances / (areas[m] + _TINY) / 2)
        result[:, m] = similarity[:, chosen].mean(1)
    return result


def resolve_sigmas(
    sigmas: float | Sequence[float] | np.ndarray | None, published: Sequence[float] | None, num_keypoints: int, name: str
) -> np.ndarray:
    """Return the (K,) sigmas to use: those given (one number stands for all keypoints), else the published ones.

    Raises:
        ValueError: when there are none; the message suggests a value.
    """
    if sigmas is None and published is None:
        raise ValueError(
            f"OKS needs one sigma per keypoint and the keypoint set {name!r} has none. Pass them: "
            f"sigmas=[...] with {num_keypoints} values, or sigmas=0.05 for all keypoints alike (COCO's reach from 0.025 for "
            "the eyes to 0.107 for the hips)"
        )
    values = np.asarray(published if sigmas is None else sigmas, np.float64)
    values = np.full(num_keypoints, float(values)) if values.ndim == 0 else values
    if values.shape != (num_keypoints,):
        raise ValueError(
            f"sigmas must hold {num_keypoints} values, one for each keypoint of {name!r}, got shape {values.shape}"
        )
    return _constants(values)


def _points(label: str, points: ArrayLike) -> np.ndarray:
    array = np.asarray(points, np.float64)
    if array.ndim != 3 or array.shape[-1] != 2 or array.shape[1] == 0:
        raise ValueError(f"{label} must have shape (people, keypoints, 2), got {array.shape}")
    if not np.isfinite(array).all():
        rows = np.flatnonzero(~np.isfinite(array).all((1, 2)))[:5].tolist()
        raise ValueError(f"{label} must be finite; NaN or infinity in rows {rows}")
    return array


def _constants(sigmas: Sequence[float] | np.ndarray) -> np.ndarray:
    constants = np.asarray(sigmas, np.float64)
    if constants.ndim != 1 or not (np.isfinite(constants) & (constants > 0)).all():
        raise ValueError(
            f"sigmas must be a list of positive numbers, one per keypoint, got {np.array2string(constants, threshold=8)}"
        )
    return constants


def _areas(label: str, areas: ArrayLike, count: int) -> np.ndarray:
    array = np.asarray(areas, np.float64)
    if array.shape != (count,) or not (np.isfinite(array) & (array >= 0)).all():
        raise ValueError(f"{label} must be {count} finite areas >= 0, got {np.array2string(array, threshold=8)}")
    return array


def _same_keypoints(a: np.ndarray, b: np.ndarray, sigmas: np.ndarray) -> None:
    if not a.shape[1] == b.shape[1] == len(sigmas):
        raise ValueError(
            f"both sides and sigmas must have the same keypoints, got {a.shape[1]}, {b.shape[1]} and {len(sigmas)} sigmas"
        )
