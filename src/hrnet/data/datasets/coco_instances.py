"""Instance masks in COCO's format: polygons and run lengths, crowds kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.annotation_file import Entry, entries, picture_path, read_json, shortened
from hrnet.data.region_masks import Region, region_of_entry
from hrnet.errors import AnnotationError, nearest_name
from hrnet.geometry import box_xywh_to_xyxy
from hrnet.structures.class_set import ClassSet


@dataclass(frozen=True, eq=False)
class InstancePicture:
    """A picture and its annotated instances.

    Attributes:
        image: path.
        image_id: as in the file.
        image_size: (height, width), as the file says.
        regions, class_ids: of the N instances; class_ids (N,) int64 are places in the data set's classes.
        crowds, crowd_class_ids: regions of many instances that are not told apart.
    """

    image: Path
    image_id: int | str
    image_size: tuple[int, int]
    regions: tuple[Region, ...]
    class_ids: NDArray[np.int64]
    crowds: tuple[Region, ...]
    crowd_class_ids: NDArray[np.int64]


@dataclass(frozen=True)
class CocoInstances:
    """The pictures of a data set, in file order.

    Attributes:
        class_set: the classes, in the order of the file or as asked for.
        category_ids: the file's number of each class.
        without_mask: instances that were left out because nothing says where they are but a box.
    """

    name: str
    class_set: ClassSet
    category_ids: tuple[int | str, ...]
    pictures: list[InstancePicture]
    annotation_file: Path
    without_mask: int = 0

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def instances(self) -> int:
        """All instances of all pictures; crowds are none."""
        return sum(len(picture.regions) for picture in self.pictures)


def load_coco_instances(
    annotations: str | Path,
    images: str | Path,
    classes: Sequence[str] | None = None,
    empty_pictures: bool = False,
) -> CocoInstances:
    """Read instance masks.

    Args:
        annotations: JSON with ``images``, ``annotations`` and ``categories``.
        images: folder that ``file_name`` is relative to.
        classes: names of the categories to find, all others being background; None for all, in the order of the file.
        empty_pictures: keep pictures without an instance of these.

    Raises:
        ValueError: the file has no such category (the message names the nearest), or one is asked for twice.
        AnnotationError: the file is missing or broken, or no picture is left; the message names file, entry and field.
    """
    file, folder = Path(annotations), Path(images)
    content = read_json(file)
    missing = [key for key in ("images", "annotations", "categories") if not isinstance(content, dict) or key not in content]
    if missing:
        raise AnnotationError(
            f"{file}: expected an object with 'images', 'annotations' and 'categories', {missing[0]!r} is missing"
        )
    categories = {entry.text("name"): entry.identity("id") for entry in entries(file, content["categories"], "category")}
    names = list(categories) if classes is None else list(classes)
    for name in names:
        if name not in categories:
            raise ValueError(f"{file} has no category {name!r}; {nearest_name(name, categories)}")
    class_set = ClassSet(file.stem, tuple(names))
    numbers = {categories[name]: place for place, name in enumerate(names)}

    listed = entries(file, content["images"], "image")
    annotated = {entry.identity("id"): _Annotated() for entry in listed}
    without_mask = 0
    for entry in entries(file, content["annotations"], "annotation"):
        image_id, category = entry.identity("image_id"), entry.identity("category_id")
        if image_id not in annotated:
            raise entry.error("image_id", "the id of a picture of the file", image_id)
        if category not in categories.values():
            raise entry.error("category_id", f"one of {shortened(sorted(map(str, categories.values())))}", category)
        if category not in numbers:
            continue
        region = _region(entry)
        if region.polygons or region.run_lengths is not None:
            annotated[image_id].add(region, numbers[category], bool(entry.fields.get("iscrowd", 0)))
        else:
            without_mask += 1
    pictures = [_picture(entry, folder, annotated[entry.identity("id")]) for entry in listed]
    pictures = [picture for picture in pictures if picture.regions or empty_pictures]
    if not pictures:
        raise AnnotationError(f"{file}: no picture with a mask of {', '.join(names[:5])}")
    return CocoInstances(file.stem, class_set, tuple(numbers), pictures, file, without_mask)


class _Annotated:
    """What was read of a picture so far."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.class_ids: list[int] = []
        self.crowds: list[Region] = []
        self.crowd_class_ids: list[int] = []

    def add(self, region: Region, class_id: int, crowd: bool) -> None:
        (self.crowds if crowd else self.regions).append(region)
        (self.crowd_class_ids if crowd else self.class_ids).append(class_id)


def _picture(entry: Entry, folder: Path, annotated: _Annotated) -> InstancePicture:
    return InstancePicture(
        picture_path(entry, folder, "file_name"),
        entry.identity("id"),
        (int(entry.number("height")), int(entry.number("width"))),
        tuple(annotated.regions),
        np.array(annotated.class_ids, np.int64),
        tuple(annotated.crowds),
        np.array(annotated.crowd_class_ids, np.int64),
    )


def _region(entry: Entry) -> Region:
    if "bbox" not in entry.fields:
        return region_of_entry(entry, np.zeros(4))
    return region_of_entry(entry, box_xywh_to_xyxy(entry.array("bbox", 4, "x, y, width, height")))
