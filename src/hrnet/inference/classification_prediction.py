"""Classify many pictures and write what they show."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from hrnet.inference.prediction import OnProgress, PredictionSummary, predict_and_write
from hrnet.inference.result_writer import Files, ResultWriter
from hrnet.inference.sources import Frame
from hrnet.metrics.tables import csv_text
from hrnet.structures.classification_result import ClassificationResult

CLASSES = "classes.csv"


def predict_classes(
    sources: Any,
    *,
    model: str | os.PathLike[str],
    output: str | os.PathLike[str] = "outputs",
    top: int = 5,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> PredictionSummary:
    """Classify pictures and write them with their best classes, JSON with all scores, and a table ``classes.csv``.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        model: a classifier.
        output: folder, made where it is missing.
        top: so many classes of each picture are in the table and on the picture.
        on_progress: called with the number of frames done and their total, None where it is not known.
        options: of `hrnet.load`: ``device``, ``preset``, ``batch_size``.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model is no classifier.
        OSError: the output folder cannot be written, or the disk is full.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    return predict_and_write(
        sources,
        model,
        "classify",
        lambda announce: ClassificationWriter(output, top=top, announce=announce),
        on_progress,
        **options,
    )


class ClassificationWriter(ResultWriter[ClassificationResult]):
    """A `ResultWriter` for classes; writes besides ``classes.csv`` with the best ``top`` classes of every picture."""

    same_in_all_frames = ("classes",)
    reserved_stems = ("classes",)

    def __init__(self, output_dir: str | os.PathLike[str], top: int = 5, **options: Any) -> None:
        super().__init__(output_dir, **options)
        self._top = top
        self._rows: list[list[str]] = []

    def draw(self, frame: Frame, result: ClassificationResult) -> np.ndarray:
        return result.plot(frame.image, self._top)

    def picture_files(self, stem: str, frame: Frame, result: ClassificationResult) -> Files:
        self._rows += [
            [frame.name, str(rank), entry.name, f"{entry.score:.6f}"]
            for rank, entry in enumerate(result.top(self._top), start=1)
        ]
        return {}

    def run_files(self) -> Files:
        return {CLASSES: csv_text(["picture", "rank", "class", "score"], self._rows)}
