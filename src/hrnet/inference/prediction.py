"""Predict in many pictures and write what was found; what all tasks share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrnet.inference.loading import load
from hrnet.inference.picture_predictor import Result
from hrnet.inference.result_writer import ResultT, ResultWriter
from hrnet.inference.sources import Frame, Source, open_source

OnProgress = Callable[[int, "int | None"], None]
"""Called with the number of frames done and their total, None where it is not known."""


@dataclass
class PredictionSummary:
    """What a run over many pictures did.

    Attributes:
        found: how many people, faces or objects; None for tasks that do not count.
        pictures: how many were written.
        notes: fallbacks and assumptions, each once.
        failures: (name, reason) of the pictures that could not be read.
        written: the files.
    """

    found: int | None = None
    pictures: int = 0
    notes: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Remember a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def write_predictions(
    stream: Iterable[tuple[Frame, Result | None]],
    source: Source,
    writer: ResultWriter[ResultT],
    summary: PredictionSummary,
    on_progress: OnProgress | None = None,
    count: Callable[[ResultT], int] | None = None,
) -> PredictionSummary:
    """Write the results of ``stream``, and fill ``summary``.

    A picture that cannot be read does not stop the others: it is listed in ``failures``. Interrupting a camera or a long
    run (Ctrl-C) keeps what was done.

    Args:
        source: what the stream comes from.
        count: how many there are in a result.

    Raises:
        OSError: the output folder cannot be written, or the disk is full.
    """
    with writer:
        try:
            for done, (frame, result) in enumerate(stream, start=1):
                if result is None:
                    summary.failures.append((frame.name, str(frame.error)))
                else:
                    writer.write(frame, result)  # pyright: ignore[reportArgumentType]
                    summary.pictures += 1
                    if count is not None:
                        summary.found = (summary.found or 0) + count(result)  # pyright: ignore[reportArgumentType]
                if on_progress is not None:
                    on_progress(done, source.count)
        except KeyboardInterrupt:
            summary.note(f"interrupted after {summary.pictures} pictures; what was done is written")
    summary.written = list(writer.written)
    return summary


def predict_and_write(
    sources: Any,
    model: str | os.PathLike[str],
    task: str,
    build_writer: Callable[[Callable[[str], None]], ResultWriter[Any]],
    on_progress: OnProgress | None = None,
    count: Callable[[Any], int] | None = None,
    **options: Any,
) -> PredictionSummary:
    """Load a model that looks at whole pictures, predict, and write.

    Args:
        task: that the model must be for, as of `hrnet.load`.
        build_writer: called with the function that is told of fallbacks.
        others: see `write_predictions`; ``options`` are those of `hrnet.load`.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model is for another task.
        OSError: the output folder cannot be written, or the disk is full.
    """
    summary = PredictionSummary()
    source = open_source(sources)
    predictor = load(model, task=task, announce=summary.note, **options)
    return write_predictions(predictor.stream(source), source, build_writer(summary.note), summary, on_progress, count)
