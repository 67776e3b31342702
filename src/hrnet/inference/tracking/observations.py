"""What of a result counts for tracking: the joints that are sure, and how large each person is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hrnet.structures import PoseResult

_LARGEST = 1e7  # pixels; a joint further out is noise


class Observations(NamedTuple):
    """N people of one frame, all finite.

    Attributes:
        keypoints: (N, K, 2) float64 pixels; 0 where not seen.
        seen: (N, K) bool.
        boxes: (N, 4) xyxy pixels; around the joints where the given box is so large that it says nothing.
        lengths: (N,) pixels, how long a person is in the picture, at least 1.
        scores: (N,) person scores; 0 where there is none.
    """

    keypoints: np.ndarray
    seen: np.ndarray
    boxes: np.ndarray
    lengths: np.ndarray
    scores: np.ndarray


def observe(result: PoseResult, joint_score: float) -> Observations:
    """Take over what is sure; joints that score ``joint_score`` or less, or are not finite, are not seen."""
    keypoints = result.keypoints.astype(np.float64)
    with np.errstate(invalid="ignore"):
        sound = (np.abs(keypoints) < _LARGEST).all(axis=2)  # False for NaN as well
        seen = sound & (result.keypoint_scores > joint_score)
    keypoints = np.where(seen[..., None], keypoints, 0.0)
    extents = pose_extents(keypoints, seen)
    boxes = result.boxes.astype(np.float64)
    with np.errstate(invalid="ignore"):
        given = (np.abs(boxes) < _LARGEST).all(axis=1, keepdims=True)
    boxes = np.where(given, boxes, extents)
    lengths = person_lengths(boxes, extents, seen)
    of_person = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) <= lengths + 1e-6
    boxes = np.where((of_person | (seen.sum(axis=1) < 2))[:, None], boxes, extents)
    return Observations(keypoints, seen, boxes, lengths, np.nan_to_num(result.scores.astype(np.float64), nan=0.0))


def pose_extents(keypoints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(N, 4) xyxy around the joints that are seen, 0 where none is."""
    any_seen = seen.any(axis=1, keepdims=True)
    low = np.where(seen[..., None], keypoints, np.inf).min(axis=1, initial=np.inf)
    high = np.where(seen[..., None], keypoints, -np.inf).max(axis=1, initial=-np.inf)
    return np.concatenate([np.where(any_seen, low, 0.0), np.where(any_seen, high, 0.0)], axis=1)


def person_lengths(boxes: np.ndarray, extents: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(N,) longest sides of people in pixels.

    The box is believed as long as it fits the joints: at least their extent, at most twice. A box that is the whole picture
    says nothing of the person, and a head that alone is seen nothing of the body.
    """
    of_box = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).max(axis=1, initial=0)
    of_joints = (extents[:, 2:] - extents[:, :2]).max(axis=1, initial=0)
    fitted = np.clip(of_box, of_joints, 2 * of_joints)
    return np.maximum(np.where(seen.sum(axis=1) > 1, fitted, of_box), 1.0)
