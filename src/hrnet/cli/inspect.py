"""``hrnet inspect``: is this data set or this checkpoint sound, and what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import CycloptsError, Parameter

from hrnet.cli.progress import ProgressBar

CHECKPOINT_SUFFIXES = {".safetensors", ".pth", ".pt", ".ckpt", ".tar", ".bin"}


def inspect(
    path: Path,
    /,
    *,
    images: Path | None = None,
    labels: Path | None = None,
    format: str | None = None,
    classes: str | None = None,
    sheet: Path | None = None,
    against: Annotated[list[Path] | None, Parameter(negative="")] = None,
    against_labels: Path | None = None,
    keypoint_set: str | None = None,
) -> int:
    """Look into a data set or a checkpoint and report what is in it and what is wrong with it.

    Parameters
    ----------
    path
        Annotation file of keypoints; a folder with a folder of pictures for each class; with --labels the folder of the
        pictures of a segmentation set; a checkpoint (.safetensors, .pth, .pt, .ckpt, .tar, .bin), or the name of bundled or
        published weights, which are downloaded.
    images
        Folder of the pictures of an annotation file; beside the file when absent.
    labels
        Folder of the label files of a segmentation set.
    format
        Of a segmentation set: folders (files of the same name, as when absent), cityscapes, camvid, voc, ade20k ...
    classes
        Of a segmentation set: name of a class set, or a file with the classes.
    sheet
        Picture to write: some of the data set with its labels drawn.
    against
        Another split, as PATH is given, to look for pictures in both (annotation files and class folders: may be repeated).
    against_labels
        Folder of the label files that belong to --against.
    keypoint_set
        Name of the keypoint set, where the annotation file does not say it.
    """
    if labels is not None:
        others = [*(against or [])]
        if len(others) > 1:
            raise CycloptsError("--against takes one folder where --labels is given")
        return _inspect_segmentation(path, labels, format, classes, sheet, others[0] if others else None, against_labels)
    for name, value in (("--format", format), ("--classes", classes), ("--against-labels", against_labels)):
        if value is not None:
            raise CycloptsError(f"{name} belongs to segmentation sets, whose label files are given with --labels")
    if path.suffix.lower() in CHECKPOINT_SUFFIXES or _is_name_of_weights(path):
        if images or sheet or against:
            raise CycloptsError(f"--images, --sheet and --against belong to data sets, and {path.name} is a checkpoint")
        from hrnet.weights import inspect_checkpoint

        print(inspect_checkpoint(str(path)))
        return 0
    if path.is_dir():
        if images or sheet or keypoint_set:
            raise CycloptsError(f"--images, --sheet and --keypoint-set belong to annotation files, and {path} is a folder")
        from hrnet.data.class_folder_inspection import inspect_class_folders

        with ProgressBar("reading pictures") as progress:
            return _told(inspect_class_folders(path, [*(against or [])], progress=progress), None)
    from hrnet.data.inspection import inspect_pose_dataset

    with ProgressBar("reading pictures") as progress:
        report = inspect_pose_dataset(
            path, images, against=[*(against or [])], keypoint_set=keypoint_set, sheet=sheet, progress=progress
        )
    return _told(report, sheet)


def _inspect_segmentation(
    images: Path,
    labels: Path,
    format: str | None,
    classes: str | None,
    sheet: Path | None,
    against: Path | None,
    against_labels: Path | None,
) -> int:
    from hrnet.data.datasets.segmentation import load_segmentation_dataset
    from hrnet.data.segmentation_inspection import inspect_segmentation_dataset

    if (against is None) != (against_labels is None):
        raise CycloptsError("--against and --against-labels go together: pictures and labels of the other split")
    kind = format or "folders"
    dataset = load_segmentation_dataset(images, labels, kind, classes, allow_unpaired=True)
    others = []
    if against is not None and against_labels is not None:
        others = [load_segmentation_dataset(against, against_labels, kind, classes, allow_unpaired=True)]
    with ProgressBar("reading pictures") as progress:
        report = inspect_segmentation_dataset(dataset, against=others, sheet=sheet, progress=progress)
    return _told(report, sheet)


def _told(report: Any, sheet: Path | None) -> int:
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
