"""The annotated people of an evaluation, picture by picture, and how crowded the pictures are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets import load_pose_dataset
from hrnet.data.datasets.annotation_file import read_json
from hrnet.data.datasets.crowdpose import crowding
from hrnet.errors import AnnotationError
from hrnet.evaluation.person_requests import EvaluationImages
from hrnet.metrics.coco_ground_truth import CocoGroundTruth, ground_truth_from_file, ground_truth_from_records
from hrnet.structures import KeypointSet, PoseDataset

_CROWDPOSE = "crowdpose"


@dataclass(frozen=True)
class PicturePeople:
    """Annotated people of one picture.

    Attributes:
        keypoints, visibility: (M, K, 2) pixels and (M, K) of those who count.
        areas: (M,) square pixels.
        ignored_boxes: (R, 4) xyxy of crowds and of people without labelled keypoints.
    """

    keypoints: NDArray[np.float64]
    visibility: NDArray[np.float64]
    areas: NDArray[np.float64]
    ignored_boxes: NDArray[np.float64]


def load_people(
    annotations: str | Path, images: str | Path, keypoint_set: KeypointSet | str | None = None, crowdpose: bool | None = None
) -> PoseDataset:
    """Read a data set to evaluate on, of any format of `load_pose_dataset`.

    Args:
        crowdpose: a CrowdPose file, whose categories carry the skeleton of another set, so that its keypoints are taken from
            their name; None to go by the crowd indices of its images.

    Raises:
        AnnotationError: the file is broken, or is to be CrowdPose's and has images without crowd index.
    """
    file = Path(annotations)
    if crowdpose is None:
        crowdpose = file.suffix.lower() == ".json" and crowd_splits(file) is not None
    elif crowdpose and crowd_splits(file) is None:
        raise AnnotationError(f"{file} is no CrowdPose file: not all of its images have a 'crowdIndex'")
    return load_pose_dataset(file, images, keypoint_set=(keypoint_set or _CROWDPOSE) if crowdpose else keypoint_set)


def crowd_splits(annotation_file: Path) -> dict[str, str] | None:
    """CrowdPose's split of each picture, by the text of its id; None where not every image has a ``crowdIndex``.

    Raises:
        AnnotationError: an index is no number within 0..1, or the file cannot be read.
    """
    content = read_json(annotation_file)
    images: Any = content.get("images") if isinstance(content, dict) else None
    if not images or not all(isinstance(image, dict) and "crowdIndex" in image and "id" in image for image in images):
        return None
    for image in images:
        index = image["crowdIndex"]
        if isinstance(index, bool) or not isinstance(index, (int, float)) or not 0 <= index <= 1:
            raise AnnotationError(
                f"{annotation_file}: image {image['id']}: field 'crowdIndex' must be a number within 0..1, got {index!r}"
            )
    return {str(image["id"]): crowding(image["crowdIndex"]) for image in images}


def ground_truth(dataset: PoseDataset, images: EvaluationImages) -> CocoGroundTruth:
    """Everybody in the pictures to evaluate; of COCO files the crowds and unlabelled people as well."""
    count = dataset.keypoint_set.num_keypoints
    if dataset.format == "coco":
        return ground_truth_from_file(dataset.annotation_file, count, list(images.paths))
    return ground_truth_from_records(dataset.records, count)


def people_by_picture(truth: CocoGroundTruth, num_keypoints: int) -> dict[str, PicturePeople]:
    """By the text of the picture's id; pictures without anybody included."""
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in truth.annotations:
        annotations.setdefault(annotation["image_id"], []).append(annotation)
    return {name: _people(annotations.get(number, []), num_keypoints) for name, number in truth.image_ids.items()}


def _people(annotations: list[dict[str, Any]], count: int) -> PicturePeople:
    triples = np.array([a["keypoints"] for a in annotations], np.float64).reshape(-1, count, 3)
    boxes = np.array([a["bbox"] for a in annotations], np.float64).reshape(-1, 4)
    # A file may say that somebody has keypoints whose flags are all 0, or the reverse.
    counted = np.array([not a["iscrowd"] and a["num_keypoints"] > 0 for a in annotations], bool)
    counted &= (triples[..., 2] > 0).any(axis=1)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return PicturePeople(
        keypoints=triples[counted, :, :2],
        visibility=triples[counted, :, 2],
        areas=np.array([a["area"] for a in annotations], np.float64)[counted],
        ignored_boxes=corners[~counted],
    )
