"""``hrnet evaluate``: a model against annotations, with the prediction code that users run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from hrnet.cli.options import BatchSize, Device, Preset
from hrnet.cli.progress import ProgressBar

app = App(name="evaluate", help="Measure a model on an annotated data set.")


@app.command
def pose(
    *,
    annotations: Path,
    images: Path,
    model: str | None = None,
    boxes: Path | None = None,
    keypoint_set: str | None = None,
    head_boxes: Path | None = None,
    metrics: Annotated[list[Literal["ap", "pck", "pckh", "nme"]] | None, Parameter(negative="", consume_multiple=True)] = None,
    nms: Literal["oks", "soft", "none"] = "oks",
    sigmas: Annotated[list[float] | None, Parameter(negative="", consume_multiple=True)] = None,
    preset: Preset = "published",
    device: Device = "auto",
    batch_size: BatchSize = None,
    output: Path | None = None,
) -> int:
    """Measure keypoints: OKS AP, PCK, PCKh, with a table per keypoint.

    Parameters
    ----------
    annotations
        Annotation file: COCO keypoints, MPII or LSP.
    images
        Folder of the pictures.
    model
        Name of a model or path of a checkpoint; the bundled model when absent.
    boxes
        COCO results JSON with detections; the annotated boxes when absent.
    keypoint_set
        Name of the keypoint set, where the annotation file does not say it.
    head_boxes
        MPII's ground-truth MATLAB file with the head rectangles, for PCKh.
    metrics
        What to measure; by what the annotations allow when absent: OKS AP, PCKh, PCK.
    nms
        How repeated detections of one person are dropped before AP.
    sigmas
        OKS constants for AP, one per keypoint or one for all, where the keypoint set has none.
    output
        Folder for the numbers and the predictions; nothing is written when absent.
    """
    from hrnet.data.datasets import load_pose_dataset
    from hrnet.evaluation.pose import GROUND_TRUTH, evaluate_pose
    from hrnet.inference.predictor import load

    dataset = load_pose_dataset(annotations, images, keypoint_set=keypoint_set, head_boxes=head_boxes)
    predictor = load(model, device=device, preset=preset, batch_size=batch_size)
    with ProgressBar("evaluating") as bar:
        # How many boxes a detection file holds is known only when it has been read.
        progress = bar.counting(len(dataset) if boxes is None else None)
        result = evaluate_pose(
            predictor,
            dataset,
            GROUND_TRUTH if boxes is None else boxes,
            metrics,
            nms=None if nms == "none" else nms,
            sigmas=sigmas[0] if sigmas is not None and len(sigmas) == 1 else sigmas,
            progress=progress,
        )
    print(result.summary())
    if output is not None:
        print(f"\nwritten to {result.save(output)}")
    return 0
