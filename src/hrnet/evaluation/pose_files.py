"""Evaluate poses from files: which way of evaluating goes with a predictor and with what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hrnet.data.datasets import load_pose_dataset
from hrnet.evaluation.multi_person import evaluate_multi_person, is_top_down
from hrnet.evaluation.person_requests import evaluation_images
from hrnet.evaluation.picture_people import load_people
from hrnet.evaluation.pose import GROUND_TRUTH, evaluate_pose
from hrnet.evaluation.result import PoseEvaluation
from hrnet.metrics.multi_person_average_precision import AbsentJoints

Counter: TypeAlias = Callable[[int], None]


def evaluate_pose_files(
    predictor: Any,
    annotations: str | Path,
    images: str | Path,
    *,
    whole_pictures: bool = False,
    boxes: str | Path | None = None,
    keypoint_set: str | None = None,
    head_boxes: str | Path | None = None,
    crowdpose: bool | None = None,
    metrics: Sequence[str] | None = None,
    nms: Literal["auto", "oks", "soft"] | None = "auto",
    absent: AbsentJoints = "nowhere",
    error_score: float = 0.0,
    sigmas: float | Sequence[float] | None = None,
    begin: Callable[[int | None], Counter] | None = None,
) -> PoseEvaluation:
    """Measure a predictor on an annotated data set.

    Bottom-up predictors look at whole pictures (`evaluate_multi_person`); top-down ones at the annotated people, or at those of
    ``boxes`` (`evaluate_pose`), unless ``whole_pictures`` asks for their detector.

    Args:
        annotations, images: file and folder of pictures.
        whole_pictures: let the predictor find the people, and measure that too.
        boxes: COCO results file of detections for a top-down predictor.
        keypoint_set, head_boxes: where the file does not say them; see `load_pose_dataset`.
        crowdpose: CrowdPose's evaluation; None to go by the crowd indices of the file's images.
        metrics: of whole pictures ``ap``, ``crowd_ap``, ``errors``; otherwise ``ap``, ``pck``, ``pckh``, ``nme``. None for
            those that suit the data set.
        nms, absent, error_score, sigmas: see `evaluate_multi_person`; with given boxes ``"auto"`` is ``"oks"``.
        begin: called with the number of pictures, or of people, that are to be done (None where it is not known); gives the
            function that is called with the number done since the last call.

    Raises:
        ValueError: options that do not go together; and whatever the two ways of evaluating raise.
    """
    begin = begin or (lambda _: lambda _: None)
    if whole_pictures or not is_top_down(predictor):
        why = "this model finds people in whole pictures by itself" if not is_top_down(predictor) else "the detector is asked"
        for name, value in (("boxes", boxes), ("head_boxes", head_boxes)):
            if value is not None:
                raise ValueError(f"{name} are for top-down models that are asked about given boxes, and {why}")
        dataset = load_people(annotations, images, keypoint_set, crowdpose)
        if metrics is None and crowdpose is not None:
            metrics = ("crowd_ap" if crowdpose else "ap", "errors")
        return evaluate_multi_person(
            predictor,
            dataset,
            metrics,
            absent=absent,
            nms=nms,
            error_score=error_score,
            sigmas=sigmas,
            progress=begin(len(evaluation_images(dataset).paths)),
        )
    if crowdpose:
        raise ValueError("CrowdPose's evaluation is of whole pictures: a top-down model needs a detector for it")
    if head_boxes is not None:
        dataset = load_pose_dataset(annotations, images, keypoint_set=keypoint_set, head_boxes=head_boxes)
    else:
        dataset = load_people(annotations, images, keypoint_set, crowdpose)
    return evaluate_pose(
        predictor,
        dataset,
        GROUND_TRUTH if boxes is None else boxes,
        metrics,
        nms="oks" if nms == "auto" else nms,
        sigmas=sigmas,
        progress=begin(len(dataset) if boxes is None else None),
    )
