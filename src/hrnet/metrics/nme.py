"""NME: normalised mean error of landmarks, with failure rates and the area under the error curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrnet.errors import nearest_name
from hrnet.metrics.distances import NormalizedDistances, explicit_lengths, pair_lengths
from hrnet.metrics.inputs import box_extents
from hrnet.metrics.pck import keypoint_pair
from hrnet.metrics.tables import json_number, plural, text_table
from hrnet.structures import KeypointSet, PersonRecord

_LONGEST_TABLE = 30


@dataclass(frozen=True)
class NMEResult:
    """Normalised mean error; NaN when nothing could be measured.

    Attributes:
        keypoints: the K names.
        normalizer: in words, what distances were divided by.
        mean: mean over instances of the instance's NME.
        pooled: mean over all labelled landmarks of all instances together (equal to ``mean`` if all are labelled).
        per_instance: (N,) NME of each instance, in the order added.
        per_keypoint: (K,) mean normalised error of each landmark.
        failure_rates: threshold -> share of instances whose NME is above it.
        auc: area under the cumulative error curve up to ``auc_limit``, divided by it.
        auc_limit: where the curve ends.
        instances, skipped: instances counted; instances left out, their normaliser 0 or not labelled.
    """

    keypoints: tuple[str, ...]
    normalizer: str
    mean: float
    pooled: float
    per_instance: np.ndarray
    per_keypoint: np.ndarray
    failure_rates: dict[float, float]
    auc: float
    auc_limit: float
    instances: int
    skipped: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": "nme",
            "normalizer": self.normalizer,
            "mean": json_number(self.mean),
            "pooled": json_number(self.pooled),
            "failure_rates": {f"{threshold:g}": json_number(rate) for threshold, rate in self.failure_rates.items()},
            "auc": json_number(self.auc),
            "auc_limit": self.auc_limit,
            "per_keypoint": {name: json_number(self.per_keypoint[k]) for k, name in enumerate(self.keypoints)},
            "instances": self.instances,
            "skipped": self.skipped,
        }

    def summary(self) -> str:
        failures = [(f"failures > {100 * threshold:g} %", 100 * rate) for threshold, rate in self.failure_rates.items()]
        overall = text_table(
            ["NME (%)", "value"],
            [
                ["mean", 100 * self.mean],
                *([name, rate] for name, rate in failures),
                [f"AUC to {100 * self.auc_limit:g} %", 100 * self.auc],
            ],
            digits=2,
        )
        # Faces have up to 98 landmarks: a table of the worst says more than all of them.
        worst = np.argsort(-np.nan_to_num(self.per_keypoint, nan=-1.0), kind="stable")
        shown = range(len(self.keypoints)) if len(self.keypoints) <= _LONGEST_TABLE else worst[:10]
        label = "keypoint" if len(self.keypoints) <= _LONGEST_TABLE else f"worst 10 of {len(self.keypoints)}"
        table = text_table([label, "NME"], [[self.keypoints[k], float(100 * self.per_keypoint[k])] for k in shown], digits=2)
        left_out = f"; {self.skipped} left out, their normaliser is 0 or not labelled" if self.skipped else ""
        return (
            f"{overall}\n\n{table}\nnormaliser: {self.normalizer}; {plural(self.instances, 'instance', 'instances')}{left_out}"
        )


class NormalizedMeanError:
    """Mean landmark distance divided by one length per instance (Sagonas et al. 2013, "300 Faces in-the-Wild Challenge").

    The NME of an instance is the mean distance of its labelled landmarks over the normaliser. The failure rate is the share
    of instances with an NME strictly above a threshold (Wu et al. 2018, "Look at Boundary", section 4: 0.10; also 0.08).
    The AUC is the exact integral of the cumulative error curve from 0 to the limit, divided by the limit: the mean of
    max(0, 1 - NME / limit).

    Args:
        keypoint_set: names of the K landmarks.
        normalizer: a pair of keypoints by index or name, whose annotated distance is used (outer eye corners: 300W
            ``(36, 45)``, WFLW ``(60, 72)``, COFW ``(8, 9)``); ``"box"``, the square root of the annotated box's
            area (AFLW's square face boxes: their side); or ``"explicit"``, lengths handed to ``update(..., normalizers=)``.
        failure_thresholds: NME above which an instance has failed.
        auc_limit: end of the error curve.
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        normalizer: tuple[int, int] | tuple[str, str] | str = "box",
        failure_thresholds: Sequence[float] = (0.08, 0.10),
        auc_limit: float = 0.10,
    ) -> None:
        if isinstance(normalizer, str) and normalizer not in ("box", "explicit"):
            raise ValueError(
                f"normalizer must be a pair of keypoints, 'box' or 'explicit', got {normalizer!r}; "
                f"{nearest_name(normalizer, ('box', 'explicit'))}"
            )
        if not auc_limit > 0:
            raise ValueError(f"auc_limit must be positive, got {auc_limit}")
        self.keypoint_set = keypoint_set
        self.failure_thresholds = tuple(float(t) for t in failure_thresholds)
        self.auc_limit = float(auc_limit)
        self._kind = normalizer if isinstance(normalizer, str) else "pair"
        self._pair = (0, 0) if isinstance(normalizer, str) else keypoint_pair(keypoint_set, normalizer)
        self._distances = NormalizedDistances(keypoint_set.num_keypoints)

    def update(self, predictions: ArrayLike, records: Sequence[PersonRecord], *, normalizers: ArrayLike | None = None) -> None:
        """Add predictions (N, K, 2), pixels of the picture, of N annotated instances.

        Args:
            normalizers: (N,) lengths in pixels; only with ``normalizer="explicit"``.
        """
        if normalizers is not None and self._kind != "explicit":
            raise ValueError("normalizers= goes with normalizer='explicit'")
        if self._kind == "pair":
            lengths = pair_lengths(records, self._pair, self.keypoint_set.num_keypoints)
        elif self._kind == "box":
            lengths = np.sqrt(box_extents(records).prod(1))
        else:
            lengths = explicit_lengths(normalizers, len(records), "normalizers")
        self._distances.update(predictions, records, lengths)

    def compute(self) -> NMEResult:
        """Return means, failure rates and the AUC over everything added."""
        distances = self._distances.values()
        labelled = ~np.isnan(distances)
        filled = np.where(labelled, distances, 0.0)
        errors = filled.sum(1) / np.maximum(labelled.sum(1), 1)
        counts = labelled.sum(0)
        nan = float("nan")
        measured = len(errors) > 0
        return NMEResult(
            keypoints=self.keypoint_set.keypoints,
            normalizer=self._description(),
            mean=float(errors.mean()) if measured else nan,
            pooled=float(filled.sum() / labelled.sum()) if measured else nan,
            per_instance=errors,
            per_keypoint=np.where(counts > 0, filled.sum(0) / np.maximum(counts, 1), np.nan),
            failure_rates={limit: float((errors > limit).mean()) if measured else nan for limit in self.failure_thresholds},
            auc=float(np.maximum(0, 1 - errors / self.auc_limit).mean()) if measured else nan,
            auc_limit=self.auc_limit,
            instances=len(errors),
            skipped=self._distances.skipped,
        )

    def _description(self) -> str:
        if self._kind == "pair":
            first, second = (self.keypoint_set.keypoints[index] for index in self._pair)
            return f"distance of {first} and {second}"
        return "square root of the annotated box's area" if self._kind == "box" else "given lengths"
