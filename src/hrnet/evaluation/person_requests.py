"""From a data set, or a file of detected boxes, to the people a predictor is asked about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.errors import AnnotationError
from hrnet.inference.requests import PersonRequest
from hrnet.structures import PersonRecord, PoseDataset


@dataclass(frozen=True)
class EvaluationImages:
    """The pictures of an evaluation.

    Attributes:
        paths: text of the image id -> (id, path).
        categories: ids of the categories with keypoints; empty where the format has none.
        labelled: ids, as text, of the pictures with a person that counts.
        partial: the data set holds only some of its annotation file, so only its own pictures are evaluated.
    """

    paths: dict[str, tuple[int | str, Path]]
    categories: frozenset[int | str] = frozenset()
    labelled: frozenset[str] = field(default_factory=frozenset)
    partial: bool = False


def evaluation_images(dataset: PoseDataset) -> EvaluationImages:
    """List the pictures to evaluate: those of the annotation file (COCO), or those of the records.

    COCO scores detections in pictures without people too, so these belong in. If the data set lacks pictures in which the
    file has labelled people (it was cut to a part), only the pictures of its records are taken.
    """
    own = {str(record.image_id): (record.image_id, record.image) for record in dataset.records}
    if dataset.format != "coco":
        return EvaluationImages(own, labelled=frozenset(own))
    content = _json(dataset.annotation_file, "annotation file")
    if not isinstance(content, dict) or "images" not in content or "annotations" not in content:
        raise AnnotationError(f"{dataset.annotation_file} is no COCO annotation file with 'images' and 'annotations'")
    labelled = frozenset(
        str(a["image_id"])
        for a in content["annotations"]
        if not a.get("iscrowd", 0)
        and a.get("num_keypoints", any(v > 0 for v in a.get("keypoints", ())[2::3]))
        and "keypoints" in a
    )
    categories = frozenset(a["category_id"] for a in content["annotations"] if "keypoints" in a and "category_id" in a)
    names = {str(image["id"]): image.get("file_name") for image in content["images"]}
    partial = not labelled <= own.keys()
    folder = _image_folder(dataset.records, names)
    if partial or folder is None:
        return EvaluationImages(own, categories, labelled & own.keys(), partial)
    paths = {
        str(image["id"]): own.get(str(image["id"]), (image["id"], folder / str(image.get("file_name"))))
        for image in content["images"]
    }
    return EvaluationImages(paths, categories, labelled)


def annotated_requests(dataset: PoseDataset) -> list[PersonRequest]:
    """One request per record, keyed by its position: its own crop region where the data set gives one, else its box."""
    return [
        PersonRequest(record.image, np.asarray(record.box, np.float64), 1.0, index, record.center, record.size)
        if record.center is not None and record.size is not None
        else PersonRequest(record.image, np.asarray(record.box, np.float64), 1.0, index)
        for index, record in enumerate(dataset.records)
    ]


def detected_requests(
    path: Path, images: EvaluationImages, min_score: float = 0.0
) -> tuple[list[PersonRequest], list[str], dict[str, int]]:
    """Read a COCO results file of boxes. Boxes are not clipped to the picture.

    Args:
        path: JSON list of ``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``.
        images: pictures that count; boxes in others are left out.
        min_score: boxes below it are left out.

    Returns:
        The requests, keyed by position and sorted by picture so that each is read once; for each its image id as text;
        and counts of what was left out, by reason.

    Raises:
        AnnotationError: when the file is no such list or a box or score is not finite.
    """
    content = _json(path, "detection file")
    if not isinstance(content, list):
        raise AnnotationError(
            f"detection file {path} must hold a JSON list of boxes (COCO results), got {type(content).__name__}"
        )
    left_out = {"other categories": 0, "other pictures": 0, "empty boxes": 0, f"score below {min_score:g}": 0}
    found: list[tuple[str, np.ndarray, float]] = []
    for position, entry in enumerate(content):
        identity, box, score = _detection(entry, position, path)
        if images.categories and entry.get("category_id", next(iter(images.categories))) not in images.categories:
            left_out["other categories"] += 1
        elif identity not in images.paths:
            left_out["other pictures"] += 1
        elif not (box[2:] > box[:2]).all():
            left_out["empty boxes"] += 1
        elif score < min_score:
            left_out[f"score below {min_score:g}"] += 1
        else:
            found.append((identity, box, score))
    place = {identity: index for index, identity in enumerate(images.paths)}
    found.sort(key=lambda item: place[item[0]])
    requests = [
        PersonRequest(images.paths[identity][1], box, score, index) for index, (identity, box, score) in enumerate(found)
    ]
    return requests, [identity for identity, _, _ in found], {reason: count for reason, count in left_out.items() if count}


def _detection(entry: Any, position: int, path: Path) -> tuple[str, np.ndarray, float]:
    try:
        x, y, width, height = (float(value) for value in entry["bbox"])
        identity, score = str(entry["image_id"]), float(entry["score"])
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(
            f"entry {position} of {path} must have image_id, bbox [x, y, width, height] and score "
            f"({type(error).__name__}: {error})"
        ) from error
    box = np.asarray([x, y, x + width, y + height])
    if not (np.isfinite(box).all() and np.isfinite(score)):
        raise AnnotationError(
            f"entry {position} of {path} has a box or score that is not finite: bbox {entry['bbox']}, score {entry['score']}"
        )
    return identity, box, score


def _json(path: Path, what: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise AnnotationError(f"{what} {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise AnnotationError(f"{what} {path} is not JSON: {error}") from error


def _image_folder(records: list[PersonRecord], names: dict[str, str | None]) -> Path | None:
    """Folder that the file names of the annotation file are relative to, found by comparing them with the records' paths."""
    for record in records:
        name = names.get(str(record.image_id))
        if name:
            depth = len(Path(name).parts)
            if record.image.parts[-depth:] == Path(name).parts:
                return record.image.parents[depth - 1]
    return None
