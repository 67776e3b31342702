"""Turn `PoseResult` into plain data and back: our own JSON, COCO's results format and the files of PoseTrack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet.structures.keypoint_set import KeypointSet
from hrnet.structures.plain_data import listed, plain_numbers, required, tupled

if TYPE_CHECKING:
    from hrnet.structures.pose_result import PoseResult


def result_to_dict(result: PoseResult) -> dict[str, Any]:
    """Plain data of one picture that JSON can hold: what is not finite becomes None, float32 values survive exactly.

    Layout: ``source``, ``image_size`` [height, width], ``keypoint_set`` (all its fields), and ``people``: per person
    ``score``, ``box`` [x1, y1, x2, y2], ``box_score``, ``keypoints``, K triples [x, y, score], and ``track_id`` where people
    were tracked.
    """
    triples = np.concatenate([result.keypoints, result.keypoint_scores[..., None]], axis=2)
    columns = [plain_numbers(values) for values in (result.scores, result.boxes, result.box_scores, triples)]
    people = [dict(zip(("score", "box", "box_score", "keypoints"), row, strict=True)) for row in zip(*columns, strict=True)]
    if result.track_ids is not None:
        people = [{"track_id": number, **person} for number, person in zip(result.track_ids.tolist(), people, strict=True)]
    keypoint_set = {name: listed(value) for name, value in asdict(result.keypoint_set).items()}
    size = [int(side) for side in result.image_size]
    return {"source": result.source, "image_size": size, "keypoint_set": keypoint_set, "people": people}


def fields_from_dict(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `PoseResult` from what `result_to_dict` gave; None becomes NaN.

    Raises:
        ValueError: a field is missing, or does not hold what it should.
    """
    keypoint_set = required(data, "keypoint_set")
    fields = {name: tupled(value) for name, value in keypoint_set.items()}
    try:
        names = KeypointSet(**fields)
    except TypeError as error:
        raise ValueError(f"'keypoint_set' of a saved result does not fit: {error}") from error
    people = required(data, "people")
    where = [f"person {index} of a saved result" for index in range(len(people))]

    def column(name: str, shape: tuple[int, ...]) -> np.ndarray:
        values = [required(person, name, label) for person, label in zip(people, where, strict=True)]
        try:
            return np.array(values, np.float32).reshape(len(people), *shape)  # None becomes NaN
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name!r} of a saved result must hold numbers of shape {shape} per person: {error}") from error

    triples = column("keypoints", (names.num_keypoints, 3))
    height, width = required(data, "image_size")
    return {
        "keypoints": triples[..., :2].copy(),
        "keypoint_scores": triples[..., 2].copy(),
        "boxes": column("box", (4,)),
        "box_scores": column("box_score", ()),
        "scores": column("score", ()),
        "keypoint_set": names,
        "image_size": (int(height), int(width)),
        "source": data.get("source"),
        "track_ids": _track_ids(people),
    }


def result_to_coco(result: PoseResult, image_id: int | str, category_id: int = 1) -> list[dict[str, Any]]:
    """One entry per person in COCO's results format: flat x, y, score triples; person score; box as x, y, width, height.

    A keypoint that is not finite is written as 0, 0 with score 0, since COCO's tools cannot read NaN. Tracked people have a
    ``track_id`` as well, which COCO's tools pass over.
    """
    triples = np.concatenate([result.keypoints, result.keypoint_scores[..., None]], axis=2)
    triples = np.where(np.isfinite(triples).all(axis=2, keepdims=True), triples, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        boxes = np.nan_to_num(np.concatenate([result.boxes[:, :2], result.boxes[:, 2:] - result.boxes[:, :2]], axis=1))
    flat = plain_numbers(triples.reshape(len(result), 3 * triples.shape[1]))
    scores = plain_numbers(np.nan_to_num(result.scores))
    rows = [
        {"image_id": image_id, "category_id": category_id, "keypoints": keypoints, "score": score, "bbox": box}
        for keypoints, score, box in zip(flat, scores, plain_numbers(boxes), strict=True)
    ]
    if result.track_ids is not None:
        rows = [{**row, "track_id": number} for row, number in zip(rows, result.track_ids.tolist(), strict=True)]
    return rows


def results_to_posetrack(results: Iterable[tuple[int, PoseResult]], name: str) -> dict[str, Any]:
    """The tracked people of one video in the layout of PoseTrack 2018: ``images``, ``annotations`` and ``categories``.

    Each annotation has ``image_id`` (the number of the frame), ``track_id``, ``keypoints`` (flat x, y, score triples, as the
    benchmark's predictions have them), ``scores`` (K), ``score`` and ``bbox`` (x, y, width, height). People without a track
    are left out. The keypoints are those of the results; PoseTrack's own fifteen need a network that was trained on them.

    Args:
        results: (number of the frame, result), in order.
        name: name of the video.

    Raises:
        ValueError: a result that was not tracked, or another keypoint set than in the frame before.
    """
    images, annotations = [], []
    names = None
    for number, result in results:
        if result.track_ids is None and len(result):
            raise ValueError(f"frame {number} of {name} was not tracked, and PoseTrack's files are of tracks")
        if names is not None and names != result.keypoint_set:
            raise ValueError(
                f"frame {number} of {name} has the keypoint set {result.keypoint_set.name!r}, others {names.name!r}"
            )
        names = result.keypoint_set
        height, width = (int(side) for side in result.image_size)
        file_name = result.source or f"{name}#{number}"
        images.append({"id": number, "frame_id": number, "file_name": file_name, "width": width, "height": height})
        tracked = result if result.track_ids is None else result[result.track_ids >= 0]
        for row in tracked.to_coco(number):
            annotations.append({"id": len(annotations) + 1, **row, "scores": row["keypoints"][2::3]})
    category = {"id": 1, "name": "person", "supercategory": "person"}
    if names is not None:
        skeleton = [[a + 1, b + 1] for a, b in names.skeleton]  # counted from 1, as in COCO's files
        category |= {"keypoints": list(names.keypoints), "skeleton": skeleton}
    return {"video": name, "images": images, "annotations": annotations, "categories": [category]}


def _track_ids(people: list[Mapping[str, Any]]) -> np.ndarray | None:
    """(N,) numbers of saved people, None where nobody has one; who has none among those that do gets -1."""
    given = [person.get("track_id") for person in people]
    if all(number is None for number in given):
        return None
    numbers = [-1 if number is None else number for number in given]
    if not all(isinstance(number, int) for number in numbers):
        raise ValueError(f"'track_id' of a saved result must be a whole number, got {numbers}")
    return np.array(numbers, np.int64)
