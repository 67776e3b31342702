"""COCO keypoint files with any K keypoints: COCO itself, CrowdPose, OCHuman, PoseTrack18, AP-10K, own data, ...

Source of the record rules: the COCO part of the top-down reference (Xiao et al. 2018, Sun et al. 2019).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.data.datasets.annotation_file import Entry, entries, picture_path, read_json, require_size, shortened
from hrnet.data.keypoint_sets import keypoint_set, keypoint_set_from_category, known_sets_with, sets_of_size
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

AREA_OF_BOX = 0.53  # person area over box area where no segment area is annotated, as in the CrowdPose evaluation


def load_coco_keypoints(
    annotation_file: str | Path, image_folder: str | Path, keypoint_set: KeypointSet | str | None = None
) -> PoseDataset:
    """Read a COCO keypoint file.

    Kept are people that are no crowd, have an area above 0 and at least one keypoint number other than 0. Their box is clipped
    to the picture in whole-pixel terms: x1 = max(0, x), x2 = min(W - 1, x1 + max(0, w - 1)), so it is one pixel narrower than
    annotated; the same for y. A box that is empty, reversed or outside the picture is left out, with one warning for the file.
    An ``area`` that is not given counts as 0.53 of the box, as in CrowdPose. Pictures are not opened.

    Args:
        annotation_file: the JSON file.
        image_folder: the folder that the ``file_name`` of each image is relative to.
        keypoint_set: the set, or its name, where the file's categories do not say it or say it wrong (CrowdPose's skeleton);
            by default it is read from the category that lists keypoints.

    Raises:
        AnnotationError: a field is missing or wrong, an id is unknown or used twice, or the number of keypoints does not fit.
    """
    return parse_coco_keypoints(read_json(annotation_file), Path(annotation_file), Path(image_folder), keypoint_set)


def parse_coco_keypoints(
    content: Any, file: Path, image_folder: Path, keypoints: KeypointSet | str | None = None
) -> PoseDataset:
    """As `load_coco_keypoints`, with the JSON already read from ``file``."""
    if not isinstance(content, dict):
        expected = "an object with 'images', 'annotations' and 'categories'"
        raise AnnotationError(f"{file}: a COCO file is {expected}, got {shortened(content)}")
    whole = Entry(file, "top level", content)
    images = _images(entries(file, whole.require("images"), "image"), image_folder)
    people = entries(file, whole.require("annotations"), "annotation")
    categories = _by_id(entries(file, whole.require("categories"), "category"))
    chosen = keypoint_set(keypoints) if isinstance(keypoints, str) else keypoints
    posed, chosen = _posed_categories(file, categories, chosen, people)

    records: list[PersonRecord] = []
    seen: set[int | str] = set()
    misplaced: list[int | str] = []
    for entry in people:
        annotation_id = entry.identity("id")
        if annotation_id in seen:
            raise AnnotationError(f"{file}: annotation id {annotation_id!r} is used twice; ids must be unique")
        seen.add(annotation_id)
        image_id = entry.identity("image_id")
        if image_id not in images:
            raise entry.error("image_id", "the id of an image of the file", image_id)
        category = entry.identity("category_id")
        if category not in categories:
            known = shortened(sorted(categories, key=str))
            raise entry.error("category_id", f"the id of a category of the file ({known})", category)
        if category not in posed or entry.fields.get("iscrowd", 0):
            continue
        triples = _keypoints(entry, chosen)
        box = entry.array("bbox", 4, "x, y, width, height")
        width, height = np.maximum(box[2:], 0.0)
        area = entry.number("area", default=float(AREA_OF_BOX * width * height))
        if (area <= 0 and "area" in entry.fields) or not triples.any():
            continue
        picture, image_width, image_height = images[image_id]
        clipped = clip_box(box, image_width, image_height)
        extent = clipped[2:] - clipped[:2]
        # The rule moves the start of a box to 0 but keeps its length, which would bring one from outside into the picture.
        before_start = (box[:2] + box[2:]).min() <= 0
        if min(width, height) <= 0 or before_start or extent.min() < 0 or extent.max() <= 0:
            misplaced.append(annotation_id)
            continue
        records.append(
            PersonRecord(
                image=picture,
                image_id=image_id,
                annotation_id=annotation_id,
                box=clipped,
                keypoints=triples[:, :2].copy(),
                visibility=triples[:, 2].astype(np.uint8),
                area=area,
            )
        )
    if misplaced:
        warnings.warn(
            f"{file}: left out {len(misplaced)} of {len(people)} people whose box is empty, reversed or outside the picture "
            f"(annotation ids {shortened(misplaced[:10])})",
            stacklevel=3,
        )
    return PoseDataset(file.name, chosen, records, file, "coco")


def clip_box(box_xywh: np.ndarray, image_width: float, image_height: float) -> np.ndarray:
    """Clip a box to a picture in whole-pixel terms: (x, y, width, height) -> (x1, y1, x2, y2) with x2 at most W - 1."""
    x, y, width, height = box_xywh
    x1, y1 = max(0.0, x), max(0.0, y)
    x2 = min(image_width - 1.0, x1 + max(0.0, width - 1))
    y2 = min(image_height - 1.0, y1 + max(0.0, height - 1))
    return np.array([x1, y1, x2, y2], np.float64)


def _images(listed: list[Entry], folder: Path) -> dict[int | str, tuple[Path, float, float]]:
    images: dict[int | str, tuple[Path, float, float]] = {}
    for entry in listed:
        image_id = entry.identity("id")
        if image_id in images:
            raise AnnotationError(f"{entry.file}: image id {image_id!r} is used twice; ids must be unique")
        width, height = entry.number("width"), entry.number("height")
        if width < 1 or height < 1:
            raise entry.error("width" if width < 1 else "height", "at least 1", width if width < 1 else height)
        images[image_id] = (picture_path(entry, folder, "file_name"), width, height)
    return images


def _by_id(listed: list[Entry]) -> dict[int | str, Entry]:
    found: dict[int | str, Entry] = {}
    for entry in listed:
        identity = entry.identity("id")
        if identity in found:
            raise AnnotationError(f"{entry.file}: category id {identity!r} is used twice; ids must be unique")
        found[identity] = entry
    return found


def _posed_categories(
    file: Path, categories: dict[int | str, Entry], chosen: KeypointSet | None, people: list[Entry]
) -> tuple[set[int | str], KeypointSet]:
    """The categories whose annotations are read, and the set of keypoints that they share."""
    listing = {identity: entry for identity, entry in categories.items() if entry.fields.get("keypoints")}
    named = {identity: tuple(entry.fields["keypoints"]) for identity, entry in listing.items()}
    if not named:
        if chosen is None:
            lengths = (len(entry.fields["keypoints"]) for entry in people if isinstance(entry.fields.get("keypoints"), list))
            count = next(lengths, 0) // 3
            fitting = ", ".join(sets_of_size(count))
            hint = f" ({count} keypoints as in: {fitting})" if fitting else f" of {count} keypoints" if count else ""
            raise AnnotationError(f"{file}: no category names its keypoints (field 'keypoints'); give a keypoint set{hint}")
        return set(categories), chosen
    layouts = set(named.values())
    if chosen is None:
        if len(layouts) > 1:
            listed = ", ".join(f"{listing[identity].fields.get('name')!r} ({len(names)})" for identity, names in named.items())
            raise AnnotationError(f"{file}: its categories list different keypoints ({listed}); split the file by category")
        first = next(iter(named))
        try:
            chosen = keypoint_set_from_category(categories[first].fields)
        except AnnotationError as error:
            raise AnnotationError(f"{file}: {error}") from None
        return set(named), chosen
    posed = {identity for identity, names in named.items() if len(names) == chosen.num_keypoints}
    if not posed:
        identity, names = next(iter(named.items()))
        require_size(file, chosen, len(names), f"category {categories[identity].fields.get('name', identity)!r}")
    for identity in posed:
        if named[identity] != chosen.keypoints and sorted(named[identity]) == sorted(chosen.keypoints):
            fitting = known_sets_with(named[identity])
            hint = f"; {fitting[0]!r} has the file's order" if fitting else ""
            raise AnnotationError(f"{file}: lists its keypoints in another order than the keypoint set {chosen.name!r}{hint}")
    return posed, chosen


def _keypoints(entry: Entry, chosen: KeypointSet) -> np.ndarray:
    """(K, 3) x, y and flag of one annotation."""
    count = chosen.num_keypoints
    value = entry.require("keypoints")
    if isinstance(value, list) and len(value) != 3 * count and len(value) % 3 == 0 and value:
        fitting = ", ".join(sets_of_size(len(value) // 3)[:5])
        raise AnnotationError(
            f"{entry.file}: {entry.label}: field 'keypoints' has {len(value)} numbers, that is {len(value) // 3} keypoints, "
            f"but the keypoint set {chosen.name!r} has {count}" + (f" (sets of that size: {fitting})" if fitting else "")
        )
    triples = entry.array("keypoints", 3 * count, f"x, y, v of {count} keypoints").reshape(count, 3)
    flags = triples[:, 2]
    known = (flags == 0) | (flags == 1) | (flags == 2)
    if not known.all():
        raise entry.error("keypoints", "triples x, y, v with v = 0, 1 or 2", f"v = {flags[~known][0]:g}")
    return triples
