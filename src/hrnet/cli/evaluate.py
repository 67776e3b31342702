"""``hrnet evaluate``: a model against annotations, with the prediction code that users run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from hrnet.cli.options import DEFAULT_EVALUATION, EvaluationOptions, Flag
from hrnet.cli.progress import ProgressBar

app = App(name="evaluate", help="Measure a model on an annotated data set.")


@app.command
def pose(
    *,
    annotations: Path,
    images: Path,
    model: str | None = None,
    boxes: Path | None = None,
    detector: str | None = None,
    keypoint_set: str | None = None,
    head_boxes: Path | None = None,
    crowdpose: bool | None = None,
    metrics: Annotated[
        list[Literal["ap", "crowd_ap", "errors", "pck", "pckh", "nme"]] | None, Parameter(negative="", consume_multiple=True)
    ] = None,
    nms: Literal["auto", "oks", "soft", "none"] = "auto",
    absent: Literal["nowhere", "published"] = "nowhere",
    error_score: float = 0.0,
    sigmas: Annotated[list[float] | None, Parameter(negative="", consume_multiple=True)] = None,
    run: EvaluationOptions = DEFAULT_EVALUATION,
) -> int:
    """Measure keypoints: OKS AP and counts of errors, PCK, PCKh, with a table per keypoint.

    Bottom-up models look at whole pictures. Top-down ones look at the annotated people, at those of --boxes, or, with
    --detector, at whoever that finds.

    Parameters
    ----------
    annotations
        Annotation file: COCO or CrowdPose keypoints, MPII or LSP.
    images
        Folder of the pictures.
    model
        Name of a model or path of a checkpoint; the bundled model when absent.
    boxes
        COCO results JSON with detections; the annotated boxes when absent.
    detector
        Who finds people for a top-down model: auto, none (the whole picture is one person) or a file of detector weights.
    keypoint_set
        Name of the keypoint set, where the annotation file does not say it.
    head_boxes
        MPII's ground-truth MATLAB file with the head rectangles, for PCKh.
    crowdpose
        Measure whole pictures as CrowdPose does, with easy, medium and hard ones; by the file's crowd indices when absent.
    metrics
        What to measure. Whole pictures: ap, crowd_ap, errors. Given people: ap, pck, pckh, nme. By what the annotations allow
        when absent.
    nms
        How repeated detections of one person are dropped before AP; auto: by OKS for top-down models, not for bottom-up ones.
    absent
        Joints that a detection of a whole picture lacks: nowhere, or at (0, 0) as in published results.
    error_score
        People who score less are not among the errors.
    sigmas
        OKS constants for AP, one per keypoint or one for all, where the keypoint set has none.
    """
    from hrnet.evaluation.pose_files import evaluate_pose_files
    from hrnet.inference.loading import load

    options: dict[str, Any] = {} if detector is None else {"detector": detector}
    predictor = load(model, task="pose", **run.loading, **options)
    with ProgressBar("evaluating") as bar:
        result = evaluate_pose_files(
            predictor,
            annotations,
            images,
            whole_pictures=detector is not None,
            boxes=boxes,
            keypoint_set=keypoint_set,
            head_boxes=head_boxes,
            crowdpose=crowdpose,
            metrics=metrics,
            nms=None if nms == "none" else nms,
            absent=absent,
            error_score=error_score,
            sigmas=sigmas[0] if sigmas is not None and len(sigmas) == 1 else sigmas,
            begin=bar.counting,
        )
    return _told(result, run.output)


@app.command
def face(
    *,
    annotations: Path,
    images: Path,
    model: str | None = None,
    format: str = "auto",
    one_based: bool | None = None,
    keypoint_set: str | None = None,
    normalizer: Literal["inter_ocular", "inter_pupil", "box"] | None = None,
    subsets: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    run: EvaluationOptions = DEFAULT_EVALUATION,
) -> int:
    """Measure facial landmarks in annotated boxes: normalised mean error, failure rates, and the error curve of each subset.

    Parameters
    ----------
    annotations
        COCO keypoint file, CSV list of the published face code, folder of .pts (300W) or LaPa files, WFLW's list, or a .mat
        file of COFW or AFLW.
    images
        Folder of the pictures.
    model
        Name of a model or path of a checkpoint; the bundled face model when absent.
    format
        Of the annotations; by the file when auto.
    one_based
        Pixel positions of the file count from 1; by the format when absent.
    keypoint_set
        Name of the landmarks, where the annotation file does not say it.
    normalizer
        What errors are divided by; that of published scores when absent.
    subsets
        Of the data set, such as common and challenging of 300W; all when absent.
    """
    from hrnet.data.datasets.faces import load_face_dataset
    from hrnet.evaluation.faces import evaluate_faces
    from hrnet.inference.loading import load
    from hrnet.weights.bundle import DEFAULT_FACE_MODEL

    dataset = load_face_dataset(annotations, images, format, keypoint_set, one_based)  # pyright: ignore[reportArgumentType]
    predictor = load(model or DEFAULT_FACE_MODEL, task="face", **run.loading)
    with ProgressBar("evaluating") as bar:
        result = evaluate_faces(predictor, dataset, normalizer, subsets=subsets, progress=bar.counting(len(dataset)))
    return _told(result, run.output)


@app.command
def segment(
    *,
    images: Path,
    labels: Path,
    model: str,
    format: str = "folders",
    classes: str | None = None,
    names: Path | None = None,
    boundary: Flag = False,
    run: EvaluationOptions = DEFAULT_EVALUATION,
) -> int:
    """Measure segmentation: mean IoU, IoU and accuracy of every class, and how well outlines are met.

    Parameters
    ----------
    images
        Folder of the pictures.
    labels
        Folder of the label files.
    model
        Name of a model or path of a checkpoint.
    format
        How files are named and labels are written: folders (files of the same name), cityscapes, camvid, voc, ade20k ...
    classes
        Name of a class set or a file with the classes, where the format does not say them.
    names
        Text file with the names of the pictures to take.
    boundary
        Measure the outlines as well, which takes its time.
    """
    from hrnet.data.datasets.segmentation import load_segmentation_dataset
    from hrnet.evaluation.segmentation import evaluate_segmentation
    from hrnet.inference.loading import load

    dataset = load_segmentation_dataset(images, labels, format, classes, names=names)
    predictor = load(model, task="segment", **run.loading)
    with ProgressBar("evaluating") as bar:
        result = evaluate_segmentation(predictor, dataset, boundary=boundary, progress=bar.counting(len(dataset)))
    return _told(result, run.output)


@app.command
def classify(
    *,
    images: Path,
    model: str,
    listing: Path | None = None,
    run: EvaluationOptions = DEFAULT_EVALUATION,
) -> int:
    """Measure classification: top-1 and top-5, precision and recall of every class, and the confusion matrix.

    Parameters
    ----------
    images
        Folder with a folder of pictures for each class.
    model
        Name of a model or path of a checkpoint.
    listing
        Text file with a path and a class on each line, for pictures that lie in one folder.
    """
    from hrnet.data.datasets.class_folders import load_class_folders
    from hrnet.evaluation.classification import evaluate_classification
    from hrnet.inference.loading import load

    predictor = load(model, task="classify", **run.loading)
    dataset = load_class_folders(images, listing=listing)
    with ProgressBar("evaluating") as bar:
        result = evaluate_classification(predictor, dataset, progress=bar.counting(len(dataset)))
    return _told(result, run.output)


def _told(result: Any, output: Path | None) -> int:
    print(result.summary())
    if output is not None:
        print(f"\nwritten to {result.save(output)}")
    return 0
