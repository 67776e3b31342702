"""Segment many pictures and write what was found."""

from __future__ import annotations

import os
from typing import Any

from hrnet.inference.prediction import OnProgress, PredictionSummary, predict_and_write
from hrnet.inference.segmentation_writer import SegmentationWriter


def predict_segmentation(
    sources: Any,
    *,
    model: str | os.PathLike[str],
    output: str | os.PathLike[str] = "outputs",
    colors: bool = False,
    encoding: str = "classes",
    opacity: float = 0.6,
    on_progress: OnProgress | None = None,
    **options: Any,
) -> PredictionSummary:
    """Find the class of every pixel and write annotated pictures, class maps as PNG, and JSON.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        model: a network for semantic segmentation.
        output: folder, made where it is missing.
        colors, encoding, opacity: see `SegmentationWriter`.
        on_progress: called with the number of frames done and their total, None where it is not known.
        options: of `hrnet.load`: ``device``, ``preset``, ``batch_size``, ``scales``, ``resolution``.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model is for another task.
        OSError: the output folder cannot be written, or the disk is full.
    """
    return predict_and_write(
        sources,
        model,
        "segment",
        lambda announce: SegmentationWriter(output, colors=colors, encoding=encoding, opacity=opacity, announce=announce),
        on_progress,
        **options,
    )
