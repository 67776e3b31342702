"""PCK: percentage of correct keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrnet.errors import nearest_name
from hrnet.metrics.distances import NormalizedDistances, explicit_lengths, hit_rates, pair_lengths, weighted_mean
from hrnet.metrics.inputs import box_extents
from hrnet.metrics.tables import json_number, plural, text_table
from hrnet.structures import KeypointSet, PersonRecord

NORMALIZERS = ("torso", "bbox", "head", "explicit")
TORSO = ("right_shoulder", "left_hip")


@dataclass(frozen=True)
class PCKResult:
    """PCK at several thresholds.

    Attributes:
        keypoints: the K names.
        thresholds: the T thresholds, as fractions of the normaliser.
        normalizer: in words, what distances were divided by.
        per_keypoint: (T, K) share of hits in 0..1 among labelled keypoints; NaN where none is labelled.
        counts: (K,) labelled keypoints.
        mean: (T,) share of hits among all labelled keypoints together (so keypoints weigh by their count).
        mean_of_keypoints: (T,) plain mean of the per-keypoint shares.
        people: people counted.
        skipped: people left out because the normaliser is 0 or not labelled.
    """

    keypoints: tuple[str, ...]
    thresholds: tuple[float, ...]
    normalizer: str
    per_keypoint: np.ndarray
    counts: np.ndarray
    mean: np.ndarray
    mean_of_keypoints: np.ndarray
    people: int
    skipped: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": "pck",
            "normalizer": self.normalizer,
            "people": self.people,
            "skipped": self.skipped,
            "thresholds": [
                {
                    "threshold": threshold,
                    "mean": json_number(self.mean[t]),
                    "mean_of_keypoints": json_number(self.mean_of_keypoints[t]),
                    "per_keypoint": {name: json_number(self.per_keypoint[t, k]) for k, name in enumerate(self.keypoints)},
                }
                for t, threshold in enumerate(self.thresholds)
            ],
            "counts": {name: int(count) for name, count in zip(self.keypoints, self.counts, strict=True)},
        }

    def summary(self) -> str:
        rows = [[name, int(self.counts[k]), *(100 * self.per_keypoint[:, k])] for k, name in enumerate(self.keypoints)]
        rows.append(["all keypoints", int(self.counts.sum()), *(100 * self.mean)])
        rows.append(["mean of keypoints", "", *(100 * self.mean_of_keypoints)])
        table = text_table(["PCK (%)", "labelled", *(f"@{threshold:g}" for threshold in self.thresholds)], rows)
        left_out = f"; {self.skipped} left out, their normaliser is 0 or not labelled" if self.skipped else ""
        return f"{table}\nnormaliser: {self.normalizer}; {plural(self.people, 'person', 'people')}{left_out}"


class PCK:
    """Percentage of correct keypoints: the share of labelled keypoints whose error is <= threshold * normaliser.

    The normaliser of each person is one of

    - ``"torso"``: distance of the annotated right shoulder and left hip (Sapp & Taskar 2013, "MODEC": the torso diameter;
      the usual definition on LSP). ``torso=`` names another pair of keypoints.
    - ``"bbox"``: the longer side of the annotated box (Yang & Ramanan 2013, "Articulated human detection with flexible
      mixtures of parts", where the metric comes from).
    - ``"head"``: the record's ``head_size``. For MPII's official numbers use `hrnet.metrics.pckh.PCKh`.
    - ``"explicit"``: lengths handed to ``update(..., normalizers=)``.

    Labelled includes hidden keypoints (visibility 1). People whose normaliser is 0 or not labelled are left out and counted.

    Args:
        keypoint_set: names of the K keypoints.
        normalizer: see above.
        thresholds: fractions of the normaliser.
        torso: names of the two keypoints that span the torso.
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        normalizer: str = "torso",
        thresholds: Sequence[float] = (0.2,),
        torso: tuple[str, str] = TORSO,
    ) -> None:
        if normalizer not in NORMALIZERS:
            raise ValueError(
                f"normalizer must be one of {', '.join(NORMALIZERS)}, got {normalizer!r}; "
                f"{nearest_name(normalizer, NORMALIZERS)}"
            )
        if not thresholds or not all(np.isfinite(t) and t > 0 for t in thresholds):
            raise ValueError(f"thresholds must be positive numbers, got {list(thresholds)}")
        self.keypoint_set = keypoint_set
        self.normalizer = normalizer
        self.thresholds = tuple(float(t) for t in thresholds)
        self.torso = torso
        self._pair = keypoint_pair(keypoint_set, torso) if normalizer == "torso" else (0, 0)
        self._distances = NormalizedDistances(keypoint_set.num_keypoints)

    def update(self, predictions: ArrayLike, records: Sequence[PersonRecord], *, normalizers: ArrayLike | None = None) -> None:
        """Add predictions (N, K, 2), pixels of the picture, of N annotated people.

        Args:
            normalizers: (N,) lengths in pixels; only with ``normalizer="explicit"``.
        """
        if normalizers is not None and self.normalizer != "explicit":
            raise ValueError(f"normalizers= goes with normalizer='explicit', this PCK uses {self.normalizer!r}")
        self._distances.update(predictions, records, self._lengths(records, normalizers))

    def compute(self) -> PCKResult:
        """Return hit rates per keypoint and threshold over everything added."""
        distances = self._distances.values()
        rates = [hit_rates(distances, threshold) for threshold in self.thresholds]
        counts = rates[0][1]
        per_keypoint = np.stack([rate for rate, _ in rates])
        present = counts > 0
        return PCKResult(
            keypoints=self.keypoint_set.keypoints,
            thresholds=self.thresholds,
            normalizer=self._description(),
            per_keypoint=per_keypoint,
            counts=counts,
            mean=np.asarray([weighted_mean(rate, counts) for rate in per_keypoint]),
            mean_of_keypoints=per_keypoint[:, present].mean(1) if present.any() else np.full(len(self.thresholds), np.nan),
            people=len(distances),
            skipped=self._distances.skipped,
        )

    def _lengths(self, records: Sequence[PersonRecord], normalizers: ArrayLike | None) -> np.ndarray:
        if self.normalizer == "torso":
            return pair_lengths(records, self._pair, self.keypoint_set.num_keypoints)
        if self.normalizer == "bbox":
            return box_extents(records).max(1, initial=0)
        if self.normalizer == "head":
            return np.asarray([np.nan if record.head_size is None else record.head_size for record in records], np.float64)
        return explicit_lengths(normalizers, len(records), "normalizers")

    def _description(self) -> str:
        return {
            "torso": f"torso, {self.torso[0]} to {self.torso[1]}",
            "bbox": "longer side of the annotated box",
            "head": "head size of the annotation",
            "explicit": "given lengths",
        }[self.normalizer]


def keypoint_pair(keypoint_set: KeypointSet, names: tuple[str, str] | tuple[int, int]) -> tuple[int, int]:
    """Return the indices of two keypoints given by name or index.

    Raises:
        ValueError: when a keypoint does not exist; the message names the nearest one.
    """
    indices = []
    for name in names:
        if isinstance(name, str):
            if name not in keypoint_set.keypoints:
                raise ValueError(
                    f"keypoint set {keypoint_set.name!r} has no keypoint {name!r}; {nearest_name(name, keypoint_set.keypoints)}"
                )
            indices.append(keypoint_set.keypoints.index(name))
        else:
            if not 0 <= name < keypoint_set.num_keypoints:
                raise ValueError(
                    f"keypoint index must be 0..{keypoint_set.num_keypoints - 1} in {keypoint_set.name!r}, got {name}"
                )
            indices.append(int(name))
    return indices[0], indices[1]
