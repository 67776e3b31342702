"""``hrnet inspect``: is this data set or this checkpoint sound, and what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Parameter

from hrnet.cli.progress import ProgressBar

CHECKPOINT_SUFFIXES = {".safetensors", ".pth", ".pt", ".ckpt", ".tar", ".bin"}


def inspect(
    path: Path,
    /,
    *,
    images: Path | None = None,
    sheet: Path | None = None,
    against: Annotated[list[Path] | None, Parameter(negative="")] = None,
    keypoint_set: str | None = None,
) -> int:
    """Look into an annotation file or a checkpoint and report what is in it and what is wrong with it.

    Parameters
    ----------
    path
        Annotation file, a checkpoint (.safetensors, .pth, .pt, .ckpt, .tar, .bin), or the name of bundled or published weights,
        which are downloaded.
    images
        Folder of the pictures of a data set; beside the annotation file when absent.
    sheet
        Picture to write: people of the data set with their keypoints drawn.
    against
        Annotation file of another split, to look for pictures in both (may be repeated).
    keypoint_set
        Name of the keypoint set, where the annotation file does not say it.
    """
    if path.suffix.lower() in CHECKPOINT_SUFFIXES or _is_name_of_weights(path):
        if images or sheet or against:
            raise CycloptsError(f"--images, --sheet and --against belong to data sets, and {path.name} is a checkpoint")
        from hrnet.weights import inspect_checkpoint

        print(inspect_checkpoint(str(path)))
        return 0
    from hrnet.data.inspection import inspect_pose_dataset

    with ProgressBar("reading pictures") as progress:
        report = inspect_pose_dataset(
            path, images, against=[*(against or [])], keypoint_set=keypoint_set, sheet=sheet, progress=progress
        )
    print(report.summary())
    if sheet is not None:
        print(f"sheet written to {sheet}")
    return 1 if report.problems else 0


def _is_name_of_weights(path: Path) -> bool:
    if path.exists() or path.parent != Path() or path.suffix.lower() in (".json", ".mat"):
        return False
    from hrnet.weights import bundled_models
    from hrnet.weights.zoo import zoo_entries

    return path.name in bundled_models() or path.name in zoo_entries()
