"""Predict poses, or the landmarks of faces, in many pictures and write what was found."""

from __future__ import annotations

import os
from typing import Any, Literal

from hrnet.inference.box_assignment import GivenBoxes
from hrnet.inference.loading import load
from hrnet.inference.pose_writer import PoseWriter
from hrnet.inference.prediction import OnProgress, PredictionSummary, write_predictions
from hrnet.inference.sources import open_source
from hrnet.inference.top_down import PosePredictor
from hrnet.inference.tracking import PoseSmoother, track_stream


def predict_pose(
    sources: Any,
    *,
    model: str | os.PathLike[str] | None = None,
    task: Literal["pose", "face"] = "pose",
    boxes: GivenBoxes = None,
    output: str | os.PathLike[str] = "outputs",
    threshold: float = 0.3,
    track: bool = False,
    smooth: bool = False,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> PredictionSummary:
    """Predict poses and write annotated pictures or videos, JSON and COCO results.

    A picture that cannot be read does not stop the others: it is listed in ``failures``. Interrupting a camera or a long
    run (Ctrl-C) keeps what was done.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        model: top-down or bottom-up; the bundled pose model where it is not given.
        task: ``face`` where the model is for faces.
        boxes: for top-down models, see `hrnet.inference.top_down.PosePredictor`.
        output: folder, made where it is missing.
        threshold: keypoints that score less are not drawn.
        track: number the people over the frames of each video, see `hrnet.inference.tracking`; several pictures count as
            the frames of one.
        smooth: calm their joints over time as well; people are tracked for it.
        on_progress: called with the number of frames done and their total, None where it is not known.
        options: of `hrnet.load`: ``device``, ``preset``, ``batch_size``, ``detector``, ``scales``.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model or boxes do not fit.
        OSError: the output folder cannot be written, or the disk is full.
    """
    summary = PredictionSummary(found=0)
    source = open_source(sources)
    predictor = load(model, task=task, announce=summary.note, **options)
    if isinstance(predictor, PosePredictor):
        stream = predictor.stream(source, boxes)
    elif boxes is not None:
        raise ValueError(f"{predictor.name} looks at whole pictures: boxes are for top-down models")
    else:
        stream = predictor.stream(source)
    if track or smooth:
        stream = track_stream(stream, smoother=PoseSmoother() if smooth else None)
    writer = PoseWriter(output, threshold=threshold, boxes=boxes is not None, announce=summary.note)
    return write_predictions(stream, source, writer, summary, on_progress, len)
