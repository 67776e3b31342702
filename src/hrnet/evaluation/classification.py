"""Evaluate a classifier on labelled pictures."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from hrnet.atomic_files import write_atomically
from hrnet.data.datasets.class_folders import ClassFolders
from hrnet.data.images import read_image
from hrnet.drawing import encode_picture
from hrnet.errors import ImageError, nearest_name
from hrnet.evaluation.result_folder import save_numbers
from hrnet.inference.read_ahead import read_ahead
from hrnet.metrics.classification import ClassificationMetric, ClassificationMetricResult, ranks_of
from hrnet.metrics.confusion_picture import draw_confusion_matrix
from hrnet.metrics.tables import csv_text, plural
from hrnet.structures.classification_result import ClassificationResult

_LARGEST_CONFUSION_FILE = 2000  # classes; a file of more would have four million numbers and more


class PictureClassifier(Protocol):
    """Anything that says which class pictures are of."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def predict_pictures(self, images: Sequence[np.ndarray], /) -> list[ClassificationResult]: ...


class PicturePrediction(NamedTuple):
    """What one picture was taken for: names of classes, the score of the predicted one, and how many were before the true."""

    picture: str
    true: str
    predicted: str
    score: float
    rank: int


@dataclass(frozen=True)
class ClassificationEvaluation:
    """Numbers of a classifier on a data set, and what they rest on.

    Attributes:
        dataset: name of the data set.
        model: name of the predictor.
        metric: the numbers, by the classes of the model.
        predictions: one for each picture.
        unreadable: (picture, reason) of those that were left out.
        notes: remarks that belong to the numbers.
    """

    dataset: str
    model: str
    metric: ClassificationMetricResult
    predictions: tuple[PicturePrediction, ...] = field(repr=False)
    unreadable: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Plain text: what was evaluated, and the numbers with a table of the classes."""
        head = [f"{self.model} on {self.dataset}", *(f"note: {note}" for note in self.notes)]
        return "\n".join(head) + "\n\n" + self.metric.summary()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "notes": list(self.notes),
            "unreadable": [list(entry) for entry in self.unreadable],
            "metrics": {"classification": self.metric.to_dict()},
        }

    def save(self, folder: Path | str) -> Path:
        """Write ``metrics.json``, ``summary.txt``, ``predictions.csv``, ``confusion.csv`` and ``confusion.png``.

        Each file appears whole or not at all. Raises OSError where the folder cannot be written.
        """
        folder = save_numbers(self, folder)
        metric = self.metric
        write_atomically(folder / "predictions.csv", csv_text(PicturePrediction._fields, self.predictions))
        if len(metric.classes) <= _LARGEST_CONFUSION_FILE:
            rows = ([name, *row] for name, row in zip(metric.classes, metric.confusion.tolist(), strict=True))
            write_atomically(folder / "confusion.csv", csv_text(("true \\ predicted", *metric.classes), rows))
        picture = draw_confusion_matrix(metric.confusion, metric.classes, f"{self.model} on {self.dataset}")
        write_atomically(folder / "confusion.png", encode_picture(picture, ".png"))
        return folder


def evaluate_classification(
    predictor: PictureClassifier,
    dataset: ClassFolders,
    *,
    batch_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> ClassificationEvaluation:
    """Predict every picture and measure.

    Classes are matched by name, whatever their order; the data may have fewer than the model. Where they share no name but
    there are as many, they are compared in order, which a note says.

    Args:
        predictor: the code that users run.
        dataset: pictures and their classes.
        batch_size: pictures that are read ahead and handed over together; the predictor's own by default.
        progress: called with the number of pictures done since the last call.

    Raises:
        ValueError: the data has a class that the model does not know, the nearest of which is named; or no picture of it can
            be read.
    """
    labels, notes = _matched(predictor.classes, dataset)
    metric = ClassificationMetric(predictor.classes)
    predictions: list[PicturePrediction] = []
    unreadable: list[tuple[str, str]] = []
    size = batch_size or int(getattr(predictor, "batch_size", 8))
    for numbers, images, failures in read_ahead(_batches(dataset, size), 2):
        unreadable += failures
        if images:
            true = np.array([labels[dataset.pictures[number].label] for number in numbers])
            results = predictor.predict_pictures(images)
            logits = np.stack([result.logits for result in results])
            metric.update(logits, true)
            for number, result, label, rank in zip(numbers, results, true, ranks_of(logits, true), strict=True):
                path = _shown(dataset.pictures[number].image, dataset.folder)
                name = predictor.classes[label]
                predictions.append(PicturePrediction(path, name, result.name, round(result.score, 6), int(rank)))
        if progress is not None:
            progress(len(numbers) + len(failures))
    if not predictions:
        raise ValueError(f"no picture of {dataset.name} can be read; the first: {unreadable[0][1] if unreadable else 'none'}")
    if unreadable:
        notes.append(f"{plural(len(unreadable), 'picture', 'pictures')} left out, which cannot be read: {unreadable[0][1]}")
    if absent := dataset.empty_classes:
        notes.append(f"no picture of {plural(len(absent), 'class', 'classes')}, such as {absent[0]}")
    name = str(getattr(predictor, "name", type(predictor).__name__))
    return ClassificationEvaluation(dataset.name, name, metric.compute(), tuple(predictions), tuple(unreadable), tuple(notes))


def _matched(known: tuple[str, ...], dataset: ClassFolders) -> tuple[list[int], list[str]]:
    """For each class of the data the model's number of it, and remarks."""
    if known == dataset.classes:
        return list(range(len(known))), []
    places = {name: number for number, name in enumerate(known)}
    missing = [name for name in dataset.classes if name not in places]
    if not missing:
        remark = f"{dataset.name} has {len(dataset.classes)} of the model's {len(known)} classes"
        return [places[name] for name in dataset.classes], [remark] if len(dataset.classes) < len(known) else []
    if len(missing) == len(dataset.classes) == len(known):
        pair = f"{known[0]}/{dataset.classes[0]}"
        return list(range(len(known))), [f"classes of the model are named otherwise, and were compared in order: {pair}, ..."]
    raise ValueError(
        f"the model does not know {len(missing)} of the {len(dataset.classes)} classes of {dataset.name}: "
        f"{', '.join(missing[:5])}; {nearest_name(missing[0], known[:200])}"
    )


def _batches(
    dataset: ClassFolders, size: int
) -> Generator[tuple[list[int], list[np.ndarray], list[tuple[str, str]]], None, None]:
    """Numbers and pixels of the pictures that can be read, and which cannot and why."""
    for start in range(0, len(dataset), size):
        numbers: list[int] = []
        images: list[np.ndarray] = []
        failures: list[tuple[str, str]] = []
        for number in range(start, min(start + size, len(dataset))):
            path = dataset.pictures[number].image
            try:
                images.append(read_image(path))
                numbers.append(number)
            except ImageError as error:
                failures.append((_shown(path, dataset.folder), str(error)))
        yield numbers, images, failures


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
