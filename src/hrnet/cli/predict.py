"""``hrnet predict``: the table of what can be looked for, and several things at once."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from hrnet.cli.options import DEFAULT_PREDICTION, PredictionOptions
from hrnet.cli.predict_classes import classify, instances, segment
from hrnet.cli.predict_keypoints import face, pose
from hrnet.cli.prediction import predict_paths
from hrnet.errors import nearest_name

app = App(name="predict", help="Predict on pictures, folders, globs, videos or a camera.")
for verb in (pose, face, segment, instances, classify):
    app.command(verb)


@app.default
def several(
    paths: list[str],
    /,
    *,
    model: Annotated[list[str] | None, Parameter(negative="")] = None,
    tasks: str | None = None,
    run: PredictionOptions = DEFAULT_PREDICTION,
    detector: str | None = None,
) -> int:
    """Look for several things at once: the parts of one multi-task model, or several models.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        A multi-task model; or TASK=MODEL, once for each task.
    tasks
        Names of its parts, with commas between them: pose,segment,face. All when absent.
    detector
        As of the task's own verb.
    """
    if not model:
        verbs = [name for name in app if not name.startswith("-")]
        raise CycloptsError(f"hrnet predict needs a verb or --model; {nearest_name(paths[0], verbs)}")
    from hrnet.inference.multi_task_prediction import predict_tasks

    return predict_paths(
        predict_tasks,
        paths,
        run,
        model=_models(model),
        tasks=tasks.split(",") if tasks else None,
        detector=detector,
    )


def _models(values: list[str]) -> str | dict[str, str]:
    """``--model FILE``, or ``--model TASK=FILE`` for each task."""
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    if wrong := [value for value in values if "=" not in value]:
        raise CycloptsError(f"--model takes one multi-task model, or TASK=MODEL for each task; got {wrong[0]!r}")
    return dict(value.split("=", 1) for value in values)
