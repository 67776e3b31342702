"""PCKh: the official metric of MPII Human Pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrnet.metrics.distances import NormalizedDistances, explicit_lengths, hit_rates, weighted_mean
from hrnet.metrics.tables import json_number, plural, text_table
from hrnet.structures import KeypointSet, PersonRecord

# The columns of MPII's leaderboard: the plain mean of the two sides' rates.
GROUPS: dict[str, tuple[str, ...]] = {
    "Head": ("head_top",),
    "Shoulder": ("right_shoulder", "left_shoulder"),
    "Elbow": ("right_elbow", "left_elbow"),
    "Wrist": ("right_wrist", "left_wrist"),
    "Hip": ("right_hip", "left_hip"),
    "Knee": ("right_knee", "left_knee"),
    "Ankle": ("right_ankle", "left_ankle"),
}
NOT_IN_MEAN = ("pelvis", "thorax")
OFFICIAL_FINE_THRESHOLD = 0.11  # printed as "Mean@0.1", see PCKh


@dataclass(frozen=True)
class PCKhResult:
    """PCKh at 0.5 and 0.1; shares in 0..1, NaN where nothing is labelled.

    Attributes:
        keypoints: the K names.
        per_keypoint: (K,) share of hits at the threshold.
        counts: (K,) labelled keypoints.
        groups: the leaderboard's columns.
        threshold: fraction of the head size for ``per_keypoint``, ``groups`` and ``mean``; officially 0.5.
        mean: over all keypoints but pelvis and thorax, weighted by their counts.
        mean_at_01_official: the number published as "Mean@0.1", which is taken at 0.11.
        mean_at_01: the same at 0.10.
        people, skipped: people counted; people left out because they have no head size.
    """

    keypoints: tuple[str, ...]
    per_keypoint: np.ndarray
    counts: np.ndarray
    groups: dict[str, float]
    threshold: float
    mean: float
    mean_at_01_official: float
    mean_at_01: float
    people: int
    skipped: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": "pckh",
            "threshold": self.threshold,
            "mean": json_number(self.mean),
            "mean_at_0.1_official": json_number(self.mean_at_01_official),
            "mean_at_0.10": json_number(self.mean_at_01),
            "groups": {name: json_number(value) for name, value in self.groups.items()},
            "per_keypoint": {name: json_number(self.per_keypoint[k]) for k, name in enumerate(self.keypoints)},
            "counts": {name: int(count) for name, count in zip(self.keypoints, self.counts, strict=True)},
            "people": self.people,
            "skipped": self.skipped,
        }

    def summary(self) -> str:
        names = [*self.groups, "Mean", "Mean@0.1", "Mean@0.10"]
        values = [*self.groups.values(), self.mean, self.mean_at_01_official, self.mean_at_01]
        columns = text_table([f"PCKh@{self.threshold:g} (%)", *names], [["", *(100 * value for value in values)]])
        table = text_table(
            ["keypoint", "labelled", "PCKh"],
            [[name, int(self.counts[k]), float(100 * self.per_keypoint[k])] for k, name in enumerate(self.keypoints)],
        )
        left_out = f"; {self.skipped} left out, without head size" if self.skipped else ""
        return (
            f"{columns}\n\n{table}\n{plural(self.people, 'person', 'people')}{left_out}; "
            "the mean leaves out pelvis and thorax; "
            f'"Mean@0.1" is the published number, taken at {OFFICIAL_FINE_THRESHOLD}'
        )


class PCKh:
    """PCK normalised by the head: the share of labelled keypoints whose error is <= threshold * head size.

    Andriluka et al. 2014, "2D Human Pose Estimation: New Benchmark and State of the Art Analysis", section 4. The head size
    is 0.6 times the diagonal of the annotated head rectangle (`head_sizes_of_boxes`), which MPII's records carry as
    ``head_size``. As in the official evaluation the mean weighs keypoints by their count and leaves out pelvis and thorax;
    upper neck and head top count in the mean, although only the head top is printed. The official script evaluates
    thresholds 0, 0.01, 0.02, ... and prints entry 11 as "Mean@0.1": that is 0.11, not 0.10. Both numbers are given, the
    published one as ``mean_at_01_official``.

    Args:
        keypoint_set: names of the K keypoints; the leaderboard's columns appear for those it has.
        threshold: fraction of the head size.
    """

    def __init__(self, keypoint_set: KeypointSet, threshold: float = 0.5) -> None:
        if not threshold > 0:
            raise ValueError(f"threshold must be positive, got {threshold}")
        self.keypoint_set = keypoint_set
        self.threshold = float(threshold)
        self._distances = NormalizedDistances(keypoint_set.num_keypoints)

    def update(self, predictions: ArrayLike, records: Sequence[PersonRecord], *, head_sizes: ArrayLike | None = None) -> None:
        """Add predictions (N, K, 2), pixels of the picture with 0-based centres, of N annotated people.

        Args:
            head_sizes: (N,) pixels, to use instead of the records' own; 0 leaves the person out.
        """
        if head_sizes is None:
            sizes = np.asarray([np.nan if record.head_size is None else record.head_size for record in records], np.float64)
        else:
            sizes = explicit_lengths(head_sizes, len(records), "head_sizes")
        self._distances.update(predictions, records, sizes)

    def compute(self) -> PCKhResult:
        """Return the leaderboard's columns, the means and the per-keypoint rates over everything added."""
        names = self.keypoint_set.keypoints
        distances = self._distances.values()
        rates, counts = hit_rates(distances, self.threshold)
        in_mean = np.asarray([name not in NOT_IN_MEAN for name in names])
        weights = np.where(in_mean, counts, 0)
        return PCKhResult(
            keypoints=names,
            per_keypoint=rates,
            counts=counts,
            groups={
                group: float(np.mean([rates[names.index(member)] for member in members]))
                for group, members in GROUPS.items()
                if all(member in names for member in members)
            },
            threshold=self.threshold,
            mean=weighted_mean(rates, weights),
            mean_at_01_official=weighted_mean(hit_rates(distances, OFFICIAL_FINE_THRESHOLD)[0], weights),
            mean_at_01=weighted_mean(hit_rates(distances, 0.1)[0], weights),
            people=len(distances),
            skipped=self._distances.skipped,
        )


def head_sizes_of_boxes(head_boxes: ArrayLike) -> np.ndarray:
    """Return (N,) head sizes of (N, 4) xyxy head rectangles: 0.6 times the diagonal."""
    boxes = np.asarray(head_boxes, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"head_boxes must have shape (N, 4), got {boxes.shape}")
    return 0.6 * np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=1)
