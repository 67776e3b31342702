"""Normalised distances between predicted and annotated keypoints, collected over batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hrnet.metrics.inputs import prediction_array, truth_arrays
from hrnet.structures import PersonRecord


class NormalizedDistances:
    """Collects the distance of every labelled keypoint, divided by one length per person.

    Attributes:
        skipped: people left out because their length is 0 or unknown (NaN).
        unlabelled: people left out because no keypoint is labelled.
    """

    def __init__(self, num_keypoints: int) -> None:
        self.num_keypoints = num_keypoints
        self.skipped = 0
        self.unlabelled = 0
        self._parts: list[np.ndarray] = []

    def update(self, predictions: ArrayLike, records: Sequence[PersonRecord], lengths: np.ndarray) -> None:
        """Add predictions (N, K, 2) of N records, with (N,) lengths in pixels (0 or NaN: leave the person out)."""
        found = prediction_array(predictions, self.num_keypoints, len(records))
        truth, labelled = truth_arrays(records, self.num_keypoints)
        usable = lengths > 0  # False for NaN as well
        counted = usable & labelled.any(1)
        self.skipped += int((~usable).sum())
        self.unlabelled += int((usable & ~counted).sum())
        distances = np.linalg.norm(found[counted] - truth[counted], axis=-1) / lengths[counted, None]
        self._parts.append(np.where(labelled[counted], distances, np.nan))

    def values(self) -> np.ndarray:
        """Return (people, K) distances; NaN where a keypoint is not labelled."""
        return np.concatenate(self._parts) if self._parts else np.zeros((0, self.num_keypoints))


def explicit_lengths(values: ArrayLike | None, count: int, argument: str) -> np.ndarray:
    """Check lengths handed over by the caller: (N,) numbers >= 0."""
    if values is None:
        raise ValueError(f"update() needs {argument}=, one length in pixels for each of the {count} people")
    array = np.asarray(values, np.float64)
    if array.shape != (count,) or not (np.isfinite(array) & (array >= 0)).all():
        raise ValueError(f"{argument} must be {count} finite lengths >= 0, got {np.array2string(array, threshold=8)}")
    return array


def pair_lengths(records: Sequence[PersonRecord], pair: tuple[int, int], num_keypoints: int) -> np.ndarray:
    """Return (N,) distances between two annotated keypoints; NaN where one of them is not labelled."""
    truth, labelled = truth_arrays(records, num_keypoints)
    lengths = np.linalg.norm(truth[:, pair[0]] - truth[:, pair[1]], axis=-1)
    return np.where(labelled[:, pair[0]] & labelled[:, pair[1]], lengths, np.nan)


def hit_rates(distances: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return per keypoint the share of distances <= threshold (K,), NaN where none is labelled, and the counts (K,)."""
    counts = (~np.isnan(distances)).sum(0)
    hits = (distances <= threshold).sum(0)  # comparisons with NaN are False
    return np.where(counts > 0, hits / np.maximum(counts, 1), np.nan), counts


def weighted_mean(values: np.ndarray, counts: np.ndarray) -> float:
    """Return the mean of values weighted by counts; NaN when nothing is counted."""
    total = counts.sum()
    return float(np.where(counts > 0, values, 0.0) @ counts / total) if total else float("nan")
