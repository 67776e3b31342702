"""The outcome of evaluating a predictor that looks at whole pictures."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet.evaluation.result import PoseEvaluation
from hrnet.metrics.tables import plural


@dataclass(frozen=True)
class MultiPersonEvaluation(PoseEvaluation):
    """As `PoseEvaluation`, with two attributes that mean something else.

    Attributes:
        people: how many were found.
        images: pictures that were looked at, with somebody in them or not.
        detections: COCO results, the best of a picture first; absent keypoints are 0, 0, 0.
    """

    def summary(self) -> str:
        """Plain text: what was evaluated, and one table per metric."""
        head = [
            f"{self.model} on {self.dataset}",
            f"people: {self.boxes}",
            f"{plural(self.people, 'person', 'people')} found in {plural(self.images, 'picture', 'pictures')}",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n\n".join(["\n".join(head), *(result.summary() for result in self.metrics.values())])
