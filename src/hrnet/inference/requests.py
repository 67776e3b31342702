"""What a top-down predictor is asked about one person, and what it answers.

``predictor.predict_people(requests, progress=None)`` takes an iterable of `PersonRequest` and yields one `PersonPrediction`
for each, told apart by their keys; it may batch people of several pictures together. ``progress`` is called with the
number of people done since the last call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class PersonRequest:
    """One person to look at.

    Attributes:
        image: path of the picture, or the picture itself, (H, W, 3) RGB uint8.
        box: (4,) xyxy pixels.
        box_score: score of the detector; 1 for an annotated box.
        key: any value; comes back with the prediction.
        center, size: (2,) pixels, centre and (width, height) of the region to crop, before the aspect ratio is fixed,
            padding included; both None to derive them from ``box`` with the predictor's own padding.
    """

    image: Path | np.ndarray
    box: np.ndarray
    box_score: float = 1.0
    key: Any = None
    center: np.ndarray | None = None
    size: np.ndarray | None = None

    def __post_init__(self) -> None:
        if (self.center is None) != (self.size is None):
            raise ValueError("center and size of a PersonRequest go together: give both or neither")


@dataclass(frozen=True, eq=False)
class PersonPrediction:
    """The pose of one person.

    Attributes:
        key: the key of its `PersonRequest`.
        keypoints: (K, 2) pixels of the picture.
        scores: (K,) heatmap maxima.
        center, size: (2,) pixels: the region that was cropped, padding included and its aspect ratio fixed. Suppression
            takes the area of the person from ``size``.
    """

    key: Any
    keypoints: np.ndarray
    scores: np.ndarray
    center: np.ndarray
    size: np.ndarray


class PeoplePredictor(Protocol):
    """Anything that answers person requests."""

    def predict_people(
        self, requests: Iterable[PersonRequest], progress: Callable[[int], None] | None = None
    ) -> Iterator[PersonPrediction]: ...
