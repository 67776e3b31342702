"""Find instances with their masks in many pictures and write what was found."""

from __future__ import annotations

import os
from typing import Any

from hrnet.inference.prediction import OnProgress, PredictionSummary, predict_and_write
from hrnet.inference.result_writer import ResultWriter
from hrnet.structures.instance_result import InstanceResult


def predict_instances(
    sources: Any,
    *,
    model: str | os.PathLike[str],
    output: str | os.PathLike[str] = "outputs",
    on_progress: OnProgress | None = None,
    **options: Any,
) -> PredictionSummary:
    """Find instances and write annotated pictures or videos, and JSON with their masks.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        model: a network with an embedding for every pixel.
        output: folder, made where it is missing.
        on_progress: called with the number of frames done and their total, None where it is not known.
        options: of `hrnet.load`: ``device``, ``preset``, ``batch_size``, ``min_score``.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model is for another task.
        OSError: the output folder cannot be written, or the disk is full.
    """

    def build_writer(announce: Any) -> ResultWriter[InstanceResult]:
        return ResultWriter(output, announce=announce)

    return predict_and_write(sources, model, "instances", build_writer, on_progress, len, **options)
