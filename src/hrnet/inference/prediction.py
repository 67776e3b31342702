"""Predict poses in many pictures and write what was found."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrnet.inference.box_assignment import GivenBoxes
from hrnet.inference.predictor import load
from hrnet.inference.sources import open_source
from hrnet.inference.tracking import PoseSmoother, track_stream
from hrnet.inference.writers import PoseWriter


@dataclass
class PredictionSummary:
    """What a call of `predict_pose` did.

    Attributes:
        people, pictures: how many were found and written.
        notes: fallbacks and assumptions, each once.
        failures: (name, reason) of the pictures that could not be read.
        written: the files.
    """

    people: int = 0
    pictures: int = 0
    notes: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Remember a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def predict_pose(
    sources: Any,
    *,
    model: str | os.PathLike[str] | None = None,
    boxes: GivenBoxes = None,
    output: str | os.PathLike[str] = "outputs",
    preset: str = "balanced",
    device: str = "auto",
    batch_size: int | None = None,
    detector: str | os.PathLike[str] = "auto",
    threshold: float = 0.3,
    track: bool = False,
    smooth: bool = False,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> PredictionSummary:
    """Predict poses and write annotated pictures or videos, JSON and COCO results.

    A picture that cannot be read does not stop the others: it is listed in ``failures``. Interrupting a camera or a long
    run (Ctrl-C) keeps what was done.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        model, device, preset, batch_size, detector: see `hrnet.load`.
        boxes: see `hrnet.inference.predictor.PosePredictor`.
        output: folder, made where it is missing.
        threshold: keypoints that score less are not drawn.
        track: number the people over the frames of each video, see `hrnet.inference.tracking`; several pictures count as
            the frames of one.
        smooth: calm their joints over time as well; people are tracked for it.
        on_progress: called with the number of frames done and their total, None where it is not known.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model or boxes do not fit.
        OSError: the output folder cannot be written, or the disk is full.
    """
    summary = PredictionSummary()
    source = open_source(sources)
    predictor = load(model, device=device, preset=preset, batch_size=batch_size, detector=detector, announce=summary.note)
    stream = predictor.stream(source, boxes)
    if track or smooth:
        stream = track_stream(stream, smoother=PoseSmoother() if smooth else None)
    with PoseWriter(output, threshold=threshold, boxes=boxes is not None, announce=summary.note) as writer:
        try:
            for done, (frame, result) in enumerate(stream, start=1):
                if result is None:
                    summary.failures.append((frame.name, str(frame.error)))
                else:
                    writer.write(frame, result)
                    summary.people += len(result)
                    summary.pictures += 1
                if on_progress is not None:
                    on_progress(done, source.count)
        except KeyboardInterrupt:
            summary.note(f"interrupted after {summary.pictures} pictures; what was done is written")
    summary.written = list(writer.written)
    return summary
