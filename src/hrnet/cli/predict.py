"""``hrnet predict``: the table of what can be looked for, and several things at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from hrnet.cli.options import BatchSize, Device, Preset
from hrnet.cli.prediction import given, predict_paths
from hrnet.errors import nearest_name

app = App(name="predict", help="Predict on pictures, folders, globs, videos or a camera.")
app.command("hrnet.cli.predict_keypoints:pose", name="pose", help="Find the keypoints of the people in pictures.")
app.command("hrnet.cli.predict_keypoints:face", name="face", help="Find the landmarks of the faces in pictures.")
app.command("hrnet.cli.predict_classes:segment", name="segment", help="Find the class of every pixel.")
app.command("hrnet.cli.predict_classes:instances", name="instances", help="Find the instances of classes with their masks.")
app.command("hrnet.cli.predict_classes:classify", name="classify", help="Say what pictures show.")


@app.default
def several(
    paths: list[str],
    /,
    *,
    model: Annotated[list[str] | None, Parameter(negative="")] = None,
    tasks: str | None = None,
    output: Path = Path("outputs"),
    preset: Preset = "balanced",
    device: Device = "auto",
    batch_size: BatchSize = None,
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
    output
        Folder for what is written, a folder in it for each task.
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
        output,
        None,
        model=_models(model),
        tasks=tasks.split(",") if tasks else None,
        preset=preset,
        device=device,
        batch_size=batch_size,
        **given(detector=detector),
    )


def _models(values: list[str]) -> str | dict[str, str]:
    """``--model FILE``, or ``--model TASK=FILE`` for each task."""
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    if wrong := [value for value in values if "=" not in value]:
        raise CycloptsError(f"--model takes one multi-task model, or TASK=MODEL for each task; got {wrong[0]!r}")
    return dict(value.split("=", 1) for value in values)
