"""Who is who: how alike tracks and found people are, and the best one-to-one assignment of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hrnet.inference.tracking.observations import Observations
from hrnet.inference.tracking.track import Track

_BOX_WEIGHT = 3.0  # the box counts as much as this many joints: decides where hardly a joint is shared
_LEAST_SIGMA = 0.05  # published sigmas are errors of annotators (eyes 0.025); a network's joints move more than that
_DEFAULT_SIGMA = 0.08
_AREA_OF_LENGTH = 0.4  # area of a person's box in squared lengths, whichever way the person lies


def tracking_sigmas(published: Sequence[float] | None, joints: int) -> np.ndarray:
    """(K,) OKS constants: the published ones, none below 0.05; 0.08 throughout where there are none."""
    return np.full(joints, _DEFAULT_SIGMA) if published is None else np.maximum(published, _LEAST_SIGMA)


def track_similarity(tracks: Sequence[Track], found: Observations, sigmas: np.ndarray) -> np.ndarray:
    """(T, N) in [0, 1] between the predicted poses of tracks and the people of a frame.

    The mean of OKS over the joints that both have, and of the overlap of boxes, which counts as three joints. What the
    motion leaves open widens the tolerance of OKS: somebody hidden for a second may have gone anywhere near.
    """
    if not tracks or not len(found.boxes):
        return np.zeros((len(tracks), len(found.boxes)))
    predicted = Observations(
        np.stack([track.keypoints for track in tracks]),
        np.stack([track.seen for track in tracks]),
        np.stack([track.box for track in tracks]),
        np.array([track.length for track in tracks]),
        np.ones(len(tracks)),
    )
    return pose_similarity(predicted, found, sigmas, np.array([track.place_variance for track in tracks]))


def pose_similarity(a: Observations, b: Observations, sigmas: np.ndarray, variances: np.ndarray | None = None) -> np.ndarray:
    """(N, M) in [0, 1]; see `track_similarity`. ``variances`` (N,) of the places of ``a``, square pixels."""
    shared = a.seen[:, None] & b.seen[None]
    squared = np.square(a.keypoints[:, None] - b.keypoints[None]).sum(axis=-1)
    areas = _AREA_OF_LENGTH * (np.square(a.lengths)[:, None] + np.square(b.lengths)[None]) / 2
    tolerance = np.square(2 * sigmas) * areas[..., None]
    if variances is not None:
        tolerance = tolerance + variances[:, None, None]
    alike = np.where(shared, np.exp(-squared / (2 * tolerance)), 0.0).sum(axis=-1)
    return (alike + _BOX_WEIGHT * box_overlap(a.boxes, b.boxes)) / (shared.sum(axis=-1) + _BOX_WEIGHT)


def box_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of xyxy boxes; 0 for boxes without area."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=-1)
    areas = [np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=-1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1.0), 0.0)


def assign(similarity: np.ndarray, threshold: float, handicaps: np.ndarray | None = None) -> list[tuple[int, int]]:
    """Pairs (row, column) of the one-to-one assignment that is best in sum, none of them below ``threshold``.

    A pair is worth what it is above the threshold, so that a good pair is not broken up for two that barely pass.
    ``handicaps`` (rows,) are taken off that worth, to let other rows go before.
    """
    worth = similarity - threshold
    allowed = worth >= 0
    if not allowed.any():  # also where there is nobody
        return []
    if handicaps is not None:
        worth = worth - handicaps[:, None]
    worth = np.where(allowed, np.maximum(worth, 1e-6), 0.0)
    # Half a second to import, so not before it is needed.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column]]
