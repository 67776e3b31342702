"""The outcome of a pose evaluation: its numbers, what they rest on, and the predictions behind them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrnet.atomic_files import write_atomically
from hrnet.evaluation.result_folder import save_numbers
from hrnet.metrics.interface import MetricResult
from hrnet.metrics.tables import plural


@dataclass(frozen=True)
class PoseEvaluation:
    """Results by metric name, and what was evaluated.

    Attributes:
        dataset: name of the data set.
        model: name of the predictor.
        boxes: where the boxes came from, in words.
        metrics: metric name -> result.
        people, images: how many crops were predicted, in how many pictures.
        detections: COCO results (after suppression, if any) with pixel keypoints; absent keypoints do not occur.
        notes: remarks that belong to the numbers.
    """

    dataset: str
    model: str
    boxes: str
    metrics: dict[str, MetricResult]
    people: int
    images: int
    detections: list[dict[str, Any]] = field(default_factory=list, repr=False)
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Plain text: what was evaluated, with which boxes, and one table per metric."""
        head = [
            f"{self.model} on {self.dataset}",
            f"boxes: {self.boxes}",
            f"{plural(self.people, 'crop', 'crops')} in {plural(self.images, 'picture', 'pictures')}",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n\n".join(["\n".join(head), *(result.summary() for result in self.metrics.values())])

    def to_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "model": self.model,
            "boxes": self.boxes,
            "people": self.people,
            "images": self.images,
            "notes": list(self.notes),
            "metrics": {name: result.to_dict() for name, result in self.metrics.items()},
        }

    def save(self, folder: Path | str) -> Path:
        """Write ``metrics.json``, ``summary.txt`` and ``detections.json`` (COCO results).

        Each file appears whole or not at all. Raises OSError where the folder cannot be written.
        """
        folder = save_numbers(self, folder)
        write_atomically(folder / "detections.json", json.dumps(self.detections, allow_nan=False) + "\n")
        return folder
