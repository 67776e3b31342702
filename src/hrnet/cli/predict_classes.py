"""``hrnet predict segment``, ``instances`` and ``classify``: what pictures, pixels and regions are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hrnet.cli.options import BatchSize, Device, Preset
from hrnet.cli.prediction import given, predict_paths


def segment(
    paths: list[str],
    /,
    *,
    model: str,
    output: Path = Path("outputs"),
    preset: Preset = "balanced",
    device: Device = "auto",
    batch_size: BatchSize = None,
    scales: Annotated[list[float] | None, Parameter(negative="", consume_multiple=True)] = None,
    resolution: Literal["trained", "own"] | None = None,
    colors: Annotated[bool, Parameter(negative="")] = False,
    encoding: str = "classes",
    opacity: float = 0.6,
) -> int:
    """Find the class of every pixel; write annotated pictures or video, class maps as PNG, and JSON.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint.
    output
        Folder for what is written.
    scales
        Sizes to look at the picture in and average; those of the checkpoint's protocol or 1, by the preset, when absent.
    resolution
        trained: pictures are brought to the size that the checkpoint was trained for (as when absent); own: they stay as
        they are.
    colors
        Write every class in its colour as well.
    encoding
        Of the values in class maps: classes, or one of the data set's own, such as label_ids of Cityscapes.
    opacity
        Of the colours on annotated pictures, 0 to 1.
    """
    from hrnet.inference.segmentation_prediction import predict_segmentation

    return predict_paths(
        predict_segmentation,
        paths,
        output,
        None,
        model=model,
        preset=preset,
        device=device,
        batch_size=batch_size,
        colors=colors,
        encoding=encoding,
        opacity=opacity,
        **given(scales=None if scales is None else tuple(scales), resolution=resolution),
    )


def instances(
    paths: list[str],
    /,
    *,
    model: str,
    output: Path = Path("outputs"),
    preset: Preset = "balanced",
    device: Device = "auto",
    batch_size: BatchSize = None,
    min_score: float = 0.0,
) -> int:
    """Find the instances of classes with their masks; write pictures or video, and JSON.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint with an embedding for every pixel.
    output
        Folder for what is written.
    min_score
        Instances that score less are left out.
    """
    from hrnet.inference.instance_prediction import predict_instances

    return predict_paths(
        predict_instances,
        paths,
        output,
        ("instance", "instances"),
        model=model,
        preset=preset,
        device=device,
        batch_size=batch_size,
        min_score=min_score,
    )


def classify(
    paths: list[str],
    /,
    *,
    model: str,
    output: Path = Path("outputs"),
    preset: Preset = "balanced",
    device: Device = "auto",
    batch_size: BatchSize = None,
    top: int = 5,
) -> int:
    """Say what pictures show; write them with their classes, JSON with all scores, and a table.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint.
    output
        Folder for what is written.
    top
        So many classes of each picture are told.
    """
    from hrnet.inference.classification_prediction import predict_classes

    return predict_paths(
        predict_classes,
        paths,
        output,
        None,
        model=model,
        preset=preset,
        device=device,
        batch_size=batch_size,
        top=top,
    )
