"""``hrnet predict segment``, ``instances`` and ``classify``: what pictures, pixels and regions are."""

from __future__ import annotations

from typing import Literal

from hrnet.cli.options import DEFAULT_PREDICTION, Flag, PredictionOptions, Scales
from hrnet.cli.prediction import predict_paths


def segment(
    paths: list[str],
    /,
    *,
    model: str,
    run: PredictionOptions = DEFAULT_PREDICTION,
    scales: Scales = None,
    resolution: Literal["trained", "own"] | None = None,
    colors: Flag = False,
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
        run,
        model=model,
        colors=colors,
        encoding=encoding,
        opacity=opacity,
        scales=scales,
        resolution=resolution,
    )


def instances(
    paths: list[str],
    /,
    *,
    model: str,
    run: PredictionOptions = DEFAULT_PREDICTION,
    min_score: float = 0.0,
) -> int:
    """Find the instances of classes with their masks; write pictures or video, and JSON.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint with an embedding for every pixel.
    min_score
        Instances that score less are left out.
    """
    from hrnet.inference.instance_prediction import predict_instances

    return predict_paths(
        predict_instances,
        paths,
        run,
        ("instance", "instances"),
        model=model,
        min_score=min_score,
    )


def classify(
    paths: list[str],
    /,
    *,
    model: str,
    run: PredictionOptions = DEFAULT_PREDICTION,
    top: int = 5,
) -> int:
    """Say what pictures show; write them with their classes, JSON with all scores, and a table.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint.
    top
        So many classes of each picture are told.
    """
    from hrnet.inference.classification_prediction import predict_classes

    return predict_paths(
        predict_classes,
        paths,
        run,
        model=model,
        top=top,
    )
