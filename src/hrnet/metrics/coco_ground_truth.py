"""Ground truth of average precision, from an annotation file or from records, with ids made plain integers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.errors import AnnotationError
from hrnet.structures import PersonRecord

CATEGORY = 1
_BOX_TO_AREA = 0.53  # CrowdPose's rule for data without segment areas


@dataclass(frozen=True)
class CocoGroundTruth:
    """Annotated people as COCO evaluation wants them.

    Attributes:
        image_ids: text of an image id -> the integer it has here. Ids are compared as text, so 785 and "785" are one.
        annotations: COCO annotations, their ids counted from 1 (0 would read as "unmatched").
        estimated_areas: how many people have no annotated area; theirs is 0.53 times the box area.
        source: for messages.
    """

    image_ids: dict[str, int]
    annotations: list[dict[str, Any]]
    estimated_areas: int
    source: str

    @property
    def people(self) -> int:
        """People that count: not crowd and with at least one labelled keypoint."""
        return sum(1 for a in self.annotations if not a["iscrowd"] and a["num_keypoints"] > 0)

    def to_coco(self) -> dict[str, Any]:
        return {
            "images": [{"id": number} for number in self.image_ids.values()],
            "annotations": self.annotations,
            "categories": [{"id": CATEGORY, "name": "person"}],
        }


def ground_truth_from_file(
    path: Path | str, num_keypoints: int, image_ids: Collection[int | str] | None = None
) -> CocoGroundTruth:
    """Read a COCO keypoint annotation file: all its people, crowds and people without labels (both ignored) included.

    Args:
        path: JSON with ``images`` and ``annotations``; annotations without ``keypoints`` are of other categories and skipped.
        num_keypoints: K.
        image_ids: evaluate only these pictures; None for all.

    Raises:
        AnnotationError: when the file is no such JSON or an annotation contradicts itself.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images, annotations = content["images"], content["annotations"]
        everything = [str(image["id"]) for image in images]
        annotated = [annotation for annotation in annotations if "keypoints" in annotation]
    except FileNotFoundError as error:
        raise AnnotationError(f"annotation file {path} does not exist") from error
    except (ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{path} is no COCO annotation file with 'images' and 'annotations': {error}") from error
    wanted = None if image_ids is None else {str(image_id) for image_id in image_ids}
    numbers = _numbered(identity for identity in everything if wanted is None or identity in wanted)
    people, estimated = [], 0
    for annotation in annotated:
        identity = str(annotation.get("image_id"))
        if identity not in numbers:
            continue
        name = f"annotation {annotation.get('id')!r} of {path}"
        points = np.asarray(annotation["keypoints"], np.float64)
        box = np.asarray(annotation.get("bbox", ()), np.float64)
        if points.shape != (3 * num_keypoints,):
            raise AnnotationError(
                f"{name} must have {num_keypoints} keypoints as {3 * num_keypoints} numbers, got {points.size}"
            )
        if box.shape != (4,):
            raise AnnotationError(f"{name} must have a 'bbox' of 4 numbers")
        if not (np.isfinite(points).all() and np.isfinite(box).all()):
            raise AnnotationError(f"{name} has a keypoint or box that is not finite")
        area = float(annotation.get("area") or 0.0)
        estimated += area <= 0
        count = int(annotation.get("num_keypoints", int((points[2::3] > 0).sum())))
        people.append(
            _annotation(len(people) + 1, numbers[identity], points, box, area, count, int(annotation.get("iscrowd", 0)))
        )
    return CocoGroundTruth(numbers, people, estimated, str(path))


def ground_truth_from_records(records: Sequence[PersonRecord], num_keypoints: int) -> CocoGroundTruth:
    """Take people as a parser gives them. Crowds, unlabelled people and pictures without anybody are unknown here."""
    numbers = _numbered(str(record.image_id) for record in records)
    people, estimated = [], 0
    for record in records:
        labelled = np.asarray(record.visibility) > 0
        points = np.zeros((num_keypoints, 3))
        points[labelled, :2], points[:, 2] = np.asarray(record.keypoints)[labelled], record.visibility
        box = np.asarray([*record.box[:2], *(record.box[2:] - record.box[:2])], np.float64)
        estimated += record.area <= 0
        people.append(
            _annotation(
                len(people) + 1, numbers[str(record.image_id)], points.ravel(), box, record.area, int(labelled.sum()), 0
            )
        )
    return CocoGroundTruth(numbers, people, estimated, f"{len(records)} records")


def _annotation(
    number: int, image: int, points: np.ndarray, box: np.ndarray, area: float, num_keypoints: int, iscrowd: int
) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORY,
        "keypoints": points.tolist(),
        "num_keypoints": num_keypoints,
        "bbox": box.tolist(),
        "area": float(area) if area > 0 else float(_BOX_TO_AREA * box[2] * box[3]),
        "iscrowd": iscrowd,
    }


def _numbered(identities: Iterable[str]) -> dict[str, int]:
    return {identity: number for number, identity in enumerate(dict.fromkeys(identities), start=1)}
