"""Average precision of people found in whole pictures, who may lack joints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrnet.errors import nearest_name
from hrnet.metrics.average_precision import KeypointAveragePrecision
from hrnet.metrics.coco_ground_truth import CocoGroundTruth
from hrnet.structures import KeypointSet, PersonRecord

AbsentJoints: TypeAlias = Literal["nowhere", "published"]
_FAR = -1e7  # pixels: similar to nothing, and still finite when squared in single precision


class MultiPersonAveragePrecision(KeypointAveragePrecision):
    """`KeypointAveragePrecision` for detections of which some joints are absent.

    COCO's evaluator knows nothing of absent joints: a joint that was not found is written as (0, 0), is compared with the
    annotated one there, and stretches the box of the detection to the corner of the picture. That box decides whether an
    unmatched detection counts in ``AP_medium`` and ``AP_large``; published results of bottom-up pose estimation (HigherHRNet,
    CVPR 2020) are made so. AP, AP50, AP75 and AR are the same either way unless somebody stands at the corner.

    Args:
        absent: ``"nowhere"``: an absent joint resembles none, and the box spans the joints that were found; ``"published"``: it
            is at (0, 0), and the box spans that too.
        keypoint_set, ground_truth, sigmas, max_detections, image_ids: as of `KeypointAveragePrecision`; the ground truth may
            also be a `CocoGroundTruth` that was read already.

    Raises:
        ValueError: there is no such way to treat absent joints; and as `KeypointAveragePrecision`.
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        ground_truth: CocoGroundTruth | Path | str | Sequence[PersonRecord] | None = None,
        *,
        absent: AbsentJoints = "nowhere",
        sigmas: float | Sequence[float] | np.ndarray | None = None,
        max_detections: int = 20,
        image_ids: Collection[int | str] | None = None,
    ) -> None:
        if absent not in get_args(AbsentJoints):
            raise ValueError(
                f"absent joints are treated as 'nowhere' or 'published', {nearest_name(absent, get_args(AbsentJoints))}"
            )
        read = ground_truth if isinstance(ground_truth, CocoGroundTruth) else None
        rest = None if isinstance(ground_truth, CocoGroundTruth) else ground_truth
        super().__init__(keypoint_set, rest, sigmas=sigmas, max_detections=max_detections, image_ids=image_ids)
        self._truth = read or self._truth
        self.absent: AbsentJoints = absent
        self._boxes: list[NDArray[np.float64]] = []

    def update(
        self,
        predictions: ArrayLike,
        records: Sequence[PersonRecord] | None = None,
        *,
        scores: ArrayLike | None = None,
        image_ids: Sequence[int | str] | None = None,
        found: ArrayLike | None = None,
    ) -> None:
        """Add M detections.

        Args:
            predictions: (M, K, 2) pixels of the picture; what is not finite is absent.
            found: (M, K) booleans, False for absent joints; None if all that are finite were found.
            records, scores, image_ids: as of `KeypointAveragePrecision`.
        """
        points = np.asarray(predictions, np.float64)
        points = points.reshape(0, self.keypoint_set.num_keypoints, 2) if points.size == 0 else points
        present = present_joints(points, found)
        placed, boxes = place_absent(points, present, self.absent)
        super().update(placed, records, scores=scores, image_ids=image_ids)
        self._boxes.append(boxes)

    def _evaluate(self, truth: CocoGroundTruth, results: list[dict[str, Any]]) -> dict[str, float]:
        boxes = np.concatenate([np.zeros((0, 4)), *self._boxes])
        # The evaluator takes the area of a detection from its box.
        return super()._evaluate(truth, [{**r, "bbox": box.tolist()} for r, box in zip(results, boxes, strict=True)])


def present_joints(points: NDArray[np.float64], found: ArrayLike | None) -> NDArray[np.bool_]:
    """(M, K) booleans: joints of (M, K, 2) that are finite and, where ``found`` says, were found.

    Raises:
        ValueError: shapes that do not fit.
    """
    if points.ndim != 3 or points.shape[2] != 2:
        raise ValueError(f"keypoints must have shape (people, keypoints, 2), got {points.shape}")
    present = np.asarray(np.isfinite(points).all(axis=2))
    if found is None:
        return present
    flags = np.asarray(found, bool)
    flags = flags.reshape(present.shape) if flags.size == present.size == 0 else flags
    if flags.shape != present.shape:
        raise ValueError(f"found must have shape {present.shape}, one flag per keypoint, got {flags.shape}")
    return present & flags


def place_absent(
    points: NDArray[np.float64], present: NDArray[np.bool_], absent: AbsentJoints
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Finite places (M, K, 2) for all joints, and the boxes (M, 4) of the detections as x, y, width, height.

    Somebody without any joint has a box of zeros under ``"nowhere"``.
    """
    flags = present[..., None]
    if absent == "published":
        placed = np.where(flags, points, 0.0)
        low, high = placed.min(axis=1), placed.max(axis=1)
        return placed, np.concatenate([low, high - low], axis=1)
    low = np.where(flags, points, np.inf).min(axis=1, initial=np.inf)
    high = np.where(flags, points, -np.inf).max(axis=1, initial=-np.inf)
    anybody = present.any(axis=1, keepdims=True)
    low, high = np.where(anybody, low, 0.0), np.where(anybody, high, 0.0)
    return np.where(flags, points, _FAR), np.concatenate([low, high - low], axis=1)
