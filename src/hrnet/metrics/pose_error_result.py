"""The counts of a pose error analysis, as numbers and as a table. What they mean is said in `hrnet.metrics.pose_errors`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.metrics.tables import plural, text_table

STATES = ("good", "jitter", "inversion", "swap", "miss", "absent")
PEOPLE = ("matched", "missed", "split", "false", "repeated", "background", "merged", "ignored")


@dataclass(frozen=True)
class PoseErrorResult:
    """The counts of `PoseErrors`.

    Attributes:
        people: annotated people that count.
        detections: those looked at, without the ignored ones.
        pictures: how many were added.
        counts: by the names of `PEOPLE`; ``matched + missed = people`` and ``matched + false = detections``.
        joints: by the names of `STATES`, (K,) counts over the matched people; together they are the labelled joints.
        keypoints: the K names.
        rule: what was matched and what was looked at, for the summary.
    """

    people: int
    detections: int
    pictures: int
    counts: dict[str, int]
    joints: dict[str, NDArray[np.int64]]
    keypoints: tuple[str, ...]
    rule: str

    def to_dict(self) -> dict[str, Any]:
        per_joint = {name: {state: int(self.joints[state][k]) for state in STATES} for k, name in enumerate(self.keypoints)}
        return {
            "metric": "errors",
            "rule": self.rule,
            "pictures": self.pictures,
            "people": self.people,
            "detections": self.detections,
            **self.counts,
            "joints": {state: int(self.joints[state].sum()) for state in STATES},
            "per_joint": per_joint,
        }

    def summary(self) -> str:
        counts = self.counts
        rows: list[tuple[str, int]] = [
            ("annotated people", self.people),
            ("  matched", counts["matched"]),
            ("  missed", counts["missed"]),
            ("  split over detections", counts["split"]),
            ("detections", self.detections),
            ("  false", counts["false"]),
            ("    repeats of somebody", counts["repeated"]),
            ("    on nobody", counts["background"]),
            ("  merged people", counts["merged"]),
            ("not counted: where people are ignored", counts["ignored"]),
        ]
        table = np.stack([self.joints[state] for state in STATES], axis=1)
        shares = [(name, *_percent(row)) for name, row in zip(self.keypoints, table, strict=True)]
        shares.append(("all", *_percent(table.sum(axis=0))))
        return (
            f"{text_table(('people', 'count'), rows)}\n\n"
            f"{text_table(('joints of matched people (%)', 'labelled', *STATES), shares)}\n"
            f"{self.rule}; {plural(self.pictures, 'picture', 'pictures')}"
        )


def _percent(counts: NDArray[np.int64]) -> list[int | float]:
    total = int(counts.sum())
    return [total, *(100 * float(value) / total if total else float("nan") for value in counts)]
