"""Pose data sets picture by picture: all labelled people of each, and what of the picture must not be learnt from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets import load_pose_dataset
from hrnet.data.datasets.annotation_file import Entry, entries, read_json
from hrnet.data.datasets.coco_keypoints import parse_coco_keypoints
from hrnet.data.region_masks import Region, region_of_entry
from hrnet.errors import AnnotationError
from hrnet.geometry import box_xywh_to_xyxy
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

Ignored = Literal["crowd", "unlabelled"]


@dataclass(frozen=True)
class PeoplePicture:
    """One picture of a pose data set with its P labelled people.

    Attributes:
        image: path of the picture.
        image_id: its identity in the annotation file.
        image_size: (height, width) that the file states, None where it states none.
        keypoints: (P, K, 2) float64 pixels; meaningless where visibility is 0.
        visibility: (P, K) uint8: 0 not labelled, 1 labelled but hidden, 2 visible.
        boxes: (P, 4) float64 xyxy pixels, as annotated, not clipped.
        ignored: regions with people in them whose keypoints are not labelled.
        crowd_index: of CrowdPose, 0..1; None elsewhere.
    """

    image: Path
    image_id: int | str
    image_size: tuple[int, int] | None
    keypoints: NDArray[np.float64]
    visibility: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    ignored: tuple[Region, ...] = ()
    crowd_index: float | None = None

    def __len__(self) -> int:
        return len(self.keypoints)


@dataclass(frozen=True)
class MultiPersonDataset:
    """The pictures of a pose data set, in file order; the other fields are those of `PoseDataset`."""

    name: str
    keypoint_set: KeypointSet
    pictures: list[PeoplePicture]
    annotation_file: Path
    format: str = "coco"

    def __len__(self) -> int:
        return len(self.pictures)


def load_multi_person(
    annotations: str | Path,
    images: str | Path,
    format: str = "auto",
    keypoint_set: KeypointSet | str | None = None,
    ignored: Collection[Ignored] = ("crowd", "unlabelled"),
    without_people: bool = False,
) -> MultiPersonDataset:
    """Read a pose data set of any format of `load_pose_dataset`, picture by picture.

    People without a labelled keypoint are no people to learn: in COCO files their regions are ignored, or their boxes where no
    region is annotated.

    Args:
        annotations, images, format, keypoint_set: as of `load_pose_dataset`.
        ignored: what the loss must not count: ``"crowd"`` regions, and people whose keypoints are ``"unlabelled"`` (and those
            whose box is unusable). HigherHRNet ignores both on COCO and nothing on CrowdPose, the associative embedding
            hourglass crowds only.
        without_people: keep pictures without a labelled person.

    Raises:
        ValueError: there is no such format, keypoint set or kind of ignored region.
        AnnotationError: the file is broken, or no picture is left.
    """
    if unknown := set(ignored) - {"crowd", "unlabelled"}:
        raise ValueError(f"ignored may hold 'crowd' and 'unlabelled', got {', '.join(map(repr, sorted(unknown)))}")
    file, folder = Path(annotations), Path(images)
    content = None if format in ("mpii", "lsp") or file.suffix.lower() == ".mat" else read_json(file)
    if format == "coco" or (format == "auto" and isinstance(content, dict) and "annotations" in content):
        found = parse_coco_keypoints(content, file, folder, keypoint_set)
        pictures = _coco_pictures(content, found, folder, frozenset(ignored))
    else:
        found = load_pose_dataset(file, folder, format=format, keypoint_set=keypoint_set)
        pictures = _pictures(found)
    if not without_people:
        pictures = [picture for picture in pictures if len(picture)]
    if not pictures:
        raise AnnotationError(f"{file}: no picture with a labelled person (of {len(found.records)} usable annotations)")
    return MultiPersonDataset(found.name, found.keypoint_set, pictures, file, found.format)


def _pictures(dataset: PoseDataset) -> list[PeoplePicture]:
    """Records of one picture put together, in the order of their first."""
    grouped: dict[int | str, list[PersonRecord]] = {}
    for record in dataset.records:
        grouped.setdefault(record.image_id, []).append(record)
    return [_picture(records[0].image, image_id, None, records, dataset.keypoint_set) for image_id, records in grouped.items()]


def _picture(
    image: Path, image_id: int | str, size: tuple[int, int] | None, records: list[PersonRecord], keypoint_set: KeypointSet
) -> PeoplePicture:
    count = keypoint_set.num_keypoints
    labelled = [record for record in records if (record.visibility > 0).any()]
    return PeoplePicture(
        image,
        image_id,
        size,
        np.array([record.keypoints for record in labelled], np.float64).reshape(-1, count, 2),
        np.array([record.visibility for record in labelled], np.uint8).reshape(-1, count),
        np.array([record.box for record in labelled], np.float64).reshape(-1, 4),
    )


def _coco_pictures(content: Any, dataset: PoseDataset, folder: Path, ignored: frozenset[Ignored]) -> list[PeoplePicture]:
    """Pictures of a COCO file that `parse_coco_keypoints` found sound, with boxes as annotated and with ignored regions."""
    file = dataset.annotation_file
    usable = {record.annotation_id: record for record in dataset.records if (record.visibility > 0).any()}
    people: dict[int | str, list[PersonRecord]] = {}
    regions: dict[int | str, list[Region]] = {}
    posed = _posed_categories(content)
    for entry in entries(file, content["annotations"], "annotation"):
        if entry.fields["category_id"] not in posed:
            continue
        image_id, annotation_id = entry.fields["image_id"], entry.fields["id"]
        crowd = bool(entry.fields.get("iscrowd", 0))
        if not crowd and annotation_id in usable:
            box = box_xywh_to_xyxy(entry.array("bbox", 4, "x, y, width, height"))
            people.setdefault(image_id, []).append(replace(usable[annotation_id], box=box))
        elif ("crowd" if crowd else "unlabelled") in ignored:
            regions.setdefault(image_id, []).append(_ignored_region(entry))
    pictures = []
    for entry in entries(file, content["images"], "image"):
        image_id = entry.fields["id"]
        size = int(entry.number("height")), int(entry.number("width"))
        path = folder / entry.text("file_name").replace("\\", "/")
        picture = _picture(path, image_id, size, people.get(image_id, []), dataset.keypoint_set)
        index = entry.number("crowdIndex") if "crowdIndex" in entry.fields else None
        pictures.append(replace(picture, ignored=tuple(regions.get(image_id, ())), crowd_index=index))
    return pictures


def _posed_categories(content: Any) -> set[int | str]:
    """Categories that list keypoints; all, where none does."""
    named = {category["id"] for category in content["categories"] if category.get("keypoints")}
    return named or {category["id"] for category in content["categories"]}


def _ignored_region(entry: Entry) -> Region:
    segmented = bool(entry.fields.get("segmentation"))
    if segmented and "bbox" not in entry.fields:
        return region_of_entry(entry, np.zeros(4))
    return region_of_entry(entry, box_xywh_to_xyxy(entry.array("bbox", 4, "x, y, width, height")))
