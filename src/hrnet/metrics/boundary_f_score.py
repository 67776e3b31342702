"""How well the outlines of classes are met: the boundary F-score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.metrics.tables import json_number, text_table
from hrnet.structures.class_set import ClassSet


@dataclass(frozen=True)
class BoundaryScores:
    """Boundary F-scores in 0..1.

    Attributes:
        classes: the C names.
        per_class: (C,) mean over the pictures that have the class; NaN where none has.
        mean: over pictures, each the mean of its classes.
        tolerance: share of the picture's diagonal.
        pictures: with at least one class.
    """

    classes: tuple[str, ...]
    per_class: NDArray[np.float64]
    mean: float
    tolerance: float
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, None for a class that was nowhere."""
        return {
            "boundary_F": json_number(self.mean),
            "per_class": {name: json_number(value) for name, value in zip(self.classes, self.per_class.tolist(), strict=True)},
            "tolerance_of_diagonal": self.tolerance,
            "pictures": self.pictures,
        }

    def summary(self) -> str:
        """A table of the classes, and the mean with its definition."""
        rows = [(name, 100 * value) for name, value in zip(self.classes, self.per_class.tolist(), strict=True)]
        return (
            f"{text_table(('class', 'boundary F %'), rows)}\n\nboundary F  {100 * self.mean:.2f} %, within "
            f"{100 * self.tolerance:g} % of the diagonal, mean over {self.pictures} pictures"
        )


class BoundaryFScore:
    """Boundary F-score of classes (Csurka, Larlus and Perronnin, BMVC 2013, section 3).

    For every class in the label of a picture: precision is the share of the predicted outline that lies within the tolerance
    of the true outline, recall the reverse, F their harmonic mean; 0 for a class that was not found. The picture's score is
    the mean over its classes, the total the mean over pictures. Outlines are the pixels of a class beside (left, right, above,
    below) those of another class; the border of the picture is none, and what is ignored takes no part.

    Args:
        class_set: the classes.
        tolerance: share of the picture's diagonal, rounded up to whole pixels; 0.0075 in the paper.
    """

    def __init__(self, class_set: ClassSet, tolerance: float = 0.0075) -> None:
        if not 0 < tolerance < 1:
            raise ValueError(f"tolerance is a share of the diagonal between 0 and 1, got {tolerance}")
        self.class_set = class_set
        self.tolerance = tolerance
        self._sums = np.zeros(class_set.num_classes)
        self._counts = np.zeros(class_set.num_classes, np.int64)
        self._pictures: list[float] = []

    def update(self, prediction: NDArray[np.integer], label: NDArray[np.integer]) -> None:
        """Add a picture: predicted classes and label map, both (H, W). Raises ValueError where the shapes differ."""
        prediction, label = np.asarray(prediction), np.asarray(label)
        if prediction.shape != label.shape or label.ndim != 2:
            raise ValueError(f"prediction and label must both be (H, W), got {prediction.shape} and {label.shape}")
        counted = label != self.class_set.ignore_label
        reach = float(np.ceil(self.tolerance * np.hypot(*label.shape)))
        scores = []
        for index in np.unique(label[counted]).tolist():
            if not 0 <= index < self.class_set.num_classes:
                raise ValueError(f"label must hold the classes 0..{self.class_set.num_classes - 1}, got {index}")
            score = _boundary_f((prediction == index) & counted, label == index, counted, reach)
            if score is not None:
                self._sums[index] += score
                self._counts[index] += 1
                scores.append(score)
        if scores:
            self._pictures.append(float(np.mean(scores)))

    def compute(self) -> BoundaryScores:
        """Return the scores over everything added so far; NaN where nothing was."""
        with np.errstate(invalid="ignore"):
            per_class = np.where(self._counts > 0, self._sums / np.maximum(1, self._counts), np.nan)
        mean = float(np.mean(self._pictures)) if self._pictures else float("nan")
        return BoundaryScores(self.class_set.classes, per_class, mean, self.tolerance, len(self._pictures))


def _boundary_f(found: NDArray[np.bool_], true: NDArray[np.bool_], counted: NDArray[np.bool_], reach: float) -> float | None:
    """None for a class without any outline, such as one that fills its picture, and was found to."""
    outline_found, outline_true = _outline(found, counted), _outline(true, counted)
    if not outline_found.any() and not outline_true.any():
        return None if found.any() else 0.0
    if not outline_found.any() or not outline_true.any():
        return 0.0
    precision = float((_distance_to(outline_true)[outline_found] <= reach).mean())
    recall = float((_distance_to(outline_found)[outline_true] <= reach).mean())
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _outline(mask: NDArray[np.bool_], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of ``mask`` with one of four neighbours that counts and is not of it."""
    other = np.pad(~mask & counted, 1)
    beside = other[:-2, 1:-1] | other[2:, 1:-1] | other[1:-1, :-2] | other[1:-1, 2:]
    return mask & beside


def _distance_to(outline: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of every pixel to the nearest of ``outline``, in pixels."""
    return cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)  # pyright: ignore[reportReturnType]
