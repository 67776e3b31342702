"""Predict with several tasks in many pictures, and write each task's files into a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hrnet.errors import nearest_name
from hrnet.inference.classification_prediction import ClassificationWriter
from hrnet.inference.multi_task import MultiTaskPredictor, load_multi_task, load_side_by_side
from hrnet.inference.pose_writer import PoseWriter
from hrnet.inference.prediction import OnProgress, PredictionSummary, write_predictions
from hrnet.inference.result_writer import ResultWriter
from hrnet.inference.segmentation_writer import SegmentationWriter
from hrnet.inference.sources import Frame, open_source
from hrnet.structures import PoseResult
from hrnet.structures.classification_result import ClassificationResult
from hrnet.structures.multi_task_result import MultiTaskResult
from hrnet.structures.segmentation_result import SegmentationResult

WRITERS: Mapping[type, Callable[..., ResultWriter[Any]]] = {
    PoseResult: PoseWriter,
    SegmentationResult: SegmentationWriter,
    ClassificationResult: ClassificationWriter,
}
"""Who writes which results; others are written as pictures and JSON alone."""

Model = str | os.PathLike[str]


def predict_tasks(
    sources: Any,
    tasks: Sequence[str] | None = None,
    *,
    model: Model | Mapping[str, Model],
    output: str | os.PathLike[str] = "outputs",
    on_progress: OnProgress | None = None,
    **options: Any,
) -> PredictionSummary:
    """Predict with several tasks and write each one's files into ``output/TASK``.

    A picture that cannot be read does not stop the others: it is listed in ``failures``. Interrupting a camera or a long
    run (Ctrl-C) keeps what was done. What of the network was shared stands in ``notes``.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        tasks: names of parts of the multi-task file, or of ``model``'s entries; all where they are not given.
        model: a multi-task file (or its name), or a mapping of tasks to models.
        output: folder, made where it is missing.
        on_progress: called with the number of frames done and their total, None where it is not known.
        options: of `hrnet.load`: ``device``, ``preset``, ``batch_size``; and of the tasks' predictors, such as ``detector``.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or a model or a task does not fit.
        OSError: the output folder cannot be written, or the disk is full.
    """
    summary = PredictionSummary()
    source = open_source(sources)
    predictor = _load(model, tasks, summary.note, options)
    writer = MultiTaskWriter(output, announce=summary.note)
    return write_predictions(predictor.stream(source), source, writer, summary, on_progress)


class MultiTaskWriter(ResultWriter[MultiTaskResult]):
    """Hands every task's results to a writer of their kind, with a folder of the task's name.

    Args:
        output_dir, options: of `ResultWriter`.
    """

    def __init__(self, output_dir: str | os.PathLike[str], **options: Any) -> None:
        super().__init__(output_dir, **options)
        self.writers: dict[str, ResultWriter[Any]] = {}

    def write(self, frame: Frame, result: MultiTaskResult) -> None:
        for name, part in result.parts.items():
            if name not in self.writers:
                build = WRITERS.get(type(part), ResultWriter)
                folder = Path(self.output_dir) / name
                self.writers[name] = build(
                    folder, save_images=self._save_images, save_json=self._save_json, announce=self._announce
                )
            self.writers[name].write(frame, part)

    def close(self) -> None:
        with ExitStack() as stack:  # all of them are closed, whatever happens to one
            for writer in self.writers.values():
                stack.callback(writer.close)
        self.written = [path for writer in self.writers.values() for path in writer.written]

    def discard(self) -> None:
        for writer in self.writers.values():
            writer.discard()
        super().discard()


def _load(
    model: Model | Mapping[str, Model], tasks: Sequence[str] | None, announce: Callable[[str], None], options: dict[str, Any]
) -> MultiTaskPredictor:
    if not isinstance(model, Mapping):
        return load_multi_task(model, tasks, announce=announce, **options)
    for task in tasks or ():
        if task not in model:
            raise ValueError(f"there is no model for {task!r}; {nearest_name(task, model)}")
    chosen = {task: model[task] for task in (model if tasks is None else dict.fromkeys(tasks))}
    return load_side_by_side(chosen, announce=announce, **options)
