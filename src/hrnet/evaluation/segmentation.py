"""Evaluate a segmentation predictor on pictures with label maps."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from hrnet.atomic_files import write_atomically
from hrnet.data.datasets.segmentation import SegmentationDataset
from hrnet.data.images import read_image
from hrnet.data.label_encodings import LabelMap
from hrnet.errors import AnnotationError
from hrnet.evaluation.result_folder import save_numbers
from hrnet.inference.read_ahead import read_ahead
from hrnet.metrics.boundary_f_score import BoundaryFScore, BoundaryScores
from hrnet.metrics.segmentation import SegmentationMetric, SegmentationScores, confusion_matrix, scores_of_confusion
from hrnet.metrics.tables import csv_text
from hrnet.structures.class_set import ClassSet
from hrnet.structures.segmentation_result import SegmentationResult


class PicturesSegmenter(Protocol):
    """Anything that gives the pixels of pictures a class."""

    @property
    def class_set(self) -> ClassSet: ...

    def predict_pictures(self, images: Sequence[np.ndarray], /) -> list[SegmentationResult]: ...


class PictureScore(NamedTuple):
    """How one picture went: shares in 0..1 over its labelled pixels; the mean IoU is over the classes that its label has."""

    picture: str
    pixel_accuracy: float
    miou_present: float


@dataclass(frozen=True)
class SegmentationEvaluation:
    """Numbers of a predictor on a data set, and what they rest on.

    Attributes:
        dataset: name of the data set.
        model: name of the predictor.
        scores: intersection over union and accuracy, with the confusion matrix.
        boundary: how well outlines were met, where that was asked for.
        pictures: each on its own; NaN where nothing is labelled.
        notes: remarks that belong to the numbers.
    """

    dataset: str
    model: str
    scores: SegmentationScores
    boundary: BoundaryScores | None
    pictures: tuple[PictureScore, ...]
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Plain text: what was evaluated, a table of the classes, and the means with their definitions."""
        head = [f"{self.model} on {self.dataset}", *(f"note: {note}" for note in self.notes)]
        parts = ["\n".join(head), self.scores.summary()]
        if self.boundary is not None:
            parts.append(self.boundary.summary())
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        metrics = {"segmentation": self.scores.to_dict()}
        if self.boundary is not None:
            metrics["boundary"] = self.boundary.to_dict()
        return {"dataset": self.dataset, "model": self.model, "notes": list(self.notes), "metrics": metrics}

    def save(self, folder: Path | str) -> Path:
        """Write ``metrics.json``, ``summary.txt``, ``confusion.csv`` (pixels, rows by true class) and ``pictures.csv``.

        Each file appears whole or not at all. Raises OSError where the folder cannot be written.
        """
        folder = save_numbers(self, folder)
        classes = self.scores.classes
        rows = [[name, *row] for name, row in zip(classes, self.scores.confusion.tolist(), strict=True)]
        write_atomically(folder / "confusion.csv", csv_text(("true \\ predicted", *classes), rows))
        worst_first = sorted(self.pictures, key=lambda entry: (np.isnan(entry.miou_present), entry.miou_present))
        write_atomically(folder / "pictures.csv", csv_text(PictureScore._fields, worst_first))
        return folder


def evaluate_segmentation(
    predictor: PicturesSegmenter,
    dataset: SegmentationDataset,
    *,
    boundary: bool = False,
    batch_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> SegmentationEvaluation:
    """Predict every picture and measure, holding a few of them at a time.

    Args:
        predictor: the code that users run.
        dataset: pictures with label maps.
        boundary: measure how well outlines are met as well (`hrnet.metrics.boundary_f_score`), which takes its time.
        batch_size: pictures that are read ahead and handed over together; the predictor's own by default.
        progress: called with the number of pictures done since the last call.

    Raises:
        ValueError: the model has another number of classes than the data set; there is nothing to evaluate.
        ImageError, AnnotationError: a picture or a label map cannot be read, or they differ in size.
    """
    if not len(dataset):
        raise ValueError(f"{dataset.name} has no pictures to evaluate on")
    notes = _compare_classes(predictor.class_set, dataset.class_set)
    metric = SegmentationMetric(dataset.class_set)
    outlines = BoundaryFScore(dataset.class_set) if boundary else None
    pictures: list[PictureScore] = []
    size = batch_size or int(getattr(predictor, "batch_size", 1))
    for numbers, images, labels in read_ahead(_batches(dataset, size), 2):
        results = predictor.predict_pictures(images)
        for number, result, label in zip(numbers, results, labels, strict=True):
            matrix = confusion_matrix(result.class_map, label, dataset.class_set)
            metric.add_counts(matrix)
            if outlines is not None:
                outlines.update(result.class_map, label)
            scores = scores_of_confusion(matrix, dataset.class_set.classes)
            path = str(dataset.pairs[number].image)
            pictures.append(PictureScore(path, round(scores.pixel_accuracy, 6), round(scores.miou_present, 6)))
        if progress is not None:
            progress(len(numbers))
    return SegmentationEvaluation(
        dataset=dataset.name,
        model=str(getattr(predictor, "name", type(predictor).__name__)),
        scores=metric.compute(),
        boundary=None if outlines is None else outlines.compute(),
        pictures=tuple(pictures),
        notes=tuple(notes),
    )


def _batches(
    dataset: SegmentationDataset, size: int
) -> Generator[tuple[list[int], list[np.ndarray], list[LabelMap]], None, None]:
    for start in range(0, len(dataset), size):
        numbers = list(range(start, min(start + size, len(dataset))))
        images = [read_image(dataset.pairs[number].image) for number in numbers]
        labels = [dataset.label(number) for number in numbers]
        for number, image, label in zip(numbers, images, labels, strict=True):
            if image.shape[:2] != label.shape:
                pair = dataset.pairs[number]
                raise AnnotationError(
                    f"{pair.label}: the label map has (height, width) {label.shape} and the picture {pair.image.name} "
                    f"{image.shape[:2]}; they must be of the same size"
                )
        yield numbers, images, labels


def _compare_classes(known: ClassSet, wanted: ClassSet) -> list[str]:
    """Refuse a model with another number of classes before it runs; remark on other names, which may be an own spelling."""
    if known.num_classes != wanted.num_classes:
        raise ValueError(
            f"the model gives {known.num_classes} classes ({known.name}) and the data set has {wanted.num_classes} "
            f"({wanted.name}): they must have the same classes"
        )
    pairs = [f"{one}/{two}" for one, two in zip(known.classes, wanted.classes, strict=True) if one != two]
    if not pairs:
        return []
    shown = ", ".join(pairs[:3]) + (", ..." if len(pairs) > 3 else "")
    return [f"{len(pairs)} classes of the model are named otherwise in the data set, and were compared in order: {shown}"]
