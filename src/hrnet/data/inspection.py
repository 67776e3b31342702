"""Is a pose data set sound, and what is in it: counts, faults, duplicates across splits, and a sheet to look at."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import cv2
import numpy as np

from hrnet.data.dataset_report import DatasetReport, JointCount
from hrnet.data.datasets import load_pose_dataset
from hrnet.data.datasets.annotation_file import read_json
from hrnet.data.images import read_image, write_image
from hrnet.data.picture_check import PictureFacts, examine_pictures, find_duplicates, find_repeats, size_quantiles
from hrnet.errors import AnnotationError, ImageError
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

Location: TypeAlias = "str | os.PathLike[str]"
Split: TypeAlias = "Location | tuple[Location, Location | None]"


def inspect_pose_dataset(
    annotations: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    format: str = "auto",
    against: Split | Sequence[Split] | None = None,
    check_images: bool = True,
    *,
    keypoint_set: KeypointSet | str | None = None,
    sheet: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DatasetReport:
    """Check a pose data set; every picture is opened once (about 5,000 small pictures in a few seconds).

    Args:
        annotations: annotation file, as for `hrnet.data.datasets.load_pose_dataset`.
        images: folder of the pictures; looked for beside the annotation file where it is not given.
        format: ``"coco"``, ``"mpii"``, ``"lsp"`` or ``"auto"``.
        against: other splits, to look for the same pictures in: an annotation file, a pair (annotation file,
            folder), or a list of these.
        check_images: False to look at the annotations only.
        keypoint_set: set or name, where the file does not say it.
        sheet: picture file to write `draw_sheet` to.
        progress: called with (done, all) pictures.

    Raises:
        AnnotationError: the annotation file itself is broken; what is wrong with pictures and boxes goes into the report.
        OSError: the sheet cannot be written.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        dataset = _load((annotations, images), format, keypoint_set)
    told = [str(entry.message) for entry in caught if issubclass(entry.category, UserWarning)]
    report = _count(dataset, told)
    boxes = _written_boxes(dataset)
    others: list[tuple[str, PoseDataset]] = []
    for split in _splits(against):
        others.append((Path(split[0]).name, _load(split, "auto", keypoint_set)))
    if check_images:
        facts = examine_pictures(_pictures(dataset), progress=progress)
        _judge_pictures(report, facts)
        _judge_places(report, dataset, boxes, facts)
        for name, other in others:
            same, alike = find_duplicates(facts, examine_pictures(_pictures(other), progress=progress))
            report.same_pictures += [(str(one), str(two)) for one, two in same]
            report.similar_pictures += [(str(one), str(two)) for one, two in alike]
            report.compared_with.append(name)
    if sheet is not None:
        write_image(sheet, draw_sheet(dataset))
    return report


def find_image_folder(annotations: str | os.PathLike[str]) -> Path:
    """Guess the folder of the pictures from where data sets keep it: beside the annotations, or in ``images/[split]``."""
    file = Path(annotations)
    home = file.parent
    split = next((word for word in reversed(file.stem.split("_")) if word), file.stem)
    candidates = [home, home / "images", home / "images" / split, home.parent / "images" / split, home.parent / "images"]
    candidates += [home.parent / split, home / split, home.parent]
    wanted = _first_picture(file)
    for folder in candidates:
        if wanted is not None and (folder / wanted).exists():
            return folder
    looked = ", ".join(str(folder) for folder in candidates)
    raise AnnotationError(f"{file}: its pictures ({wanted}, ...) were not found; give their folder (looked in {looked})")


def draw_sheet(
    dataset: PoseDataset, count: int = 24, columns: int = 6, cell: tuple[int, int] = (256, 256), seed: int = 0
) -> np.ndarray:
    """Draw people of a data set with their keypoints and boxes: cut out, with 30 % around the box, on one sheet.

    Args:
        dataset: the data set.
        count: people drawn, spread evenly over the file (``seed`` shifts the choice).
        columns: people per row.
        cell: (height, width) of each in pixels.

    Returns:
        RGB uint8 picture. People whose picture cannot be read are passed over.

    Raises:
        ImageError: no picture could be read.
    """
    from hrnet.drawing import contact_sheet

    people = dataset.records
    stride = max(1, len(people) // max(1, count))
    order = sorted(range(len(people)), key=lambda index: ((index - seed) % stride, index))
    cells, captions = [], []
    first_error: ImageError | None = None
    for index in order:
        if len(cells) == count:
            break
        try:
            cells.append(_draw_person(people[index], dataset.keypoint_set, cell))
            captions.append(f"{people[index].image.name} #{people[index].annotation_id}")
        except ImageError as error:
            first_error = first_error or error
    if not cells:
        raise first_error or ImageError(f"{dataset.annotation_file}: the data set has no people to draw")
    return contact_sheet(cells, columns, cell, captions)


def _draw_person(person: PersonRecord, keypoints: KeypointSet, cell: tuple[int, int]) -> np.ndarray:
    from hrnet.drawing import draw_poses

    picture = read_image(person.image)
    labelled = person.visibility > 0
    corners = np.concatenate((person.box.reshape(2, 2), person.keypoints[labelled]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.3 * float(np.max(person.box[2:] - person.box[:2]))
    x1, y1 = np.maximum(np.floor(low - margin), 0).astype(int)
    x2, y2 = np.minimum(np.ceil(high + margin) + 1, picture.shape[1::-1]).astype(int)
    if x2 <= x1 or y2 <= y1:  # the person lies outside: show the whole picture
        x1, y1, y2, x2 = 0, 0, *picture.shape[:2]
    cut = np.ascontiguousarray(picture[y1:y2, x1:x2])
    # Scaled before drawing, so that lines are as thick in every cell. (x + 0.5) keeps pixel centres where they belong.
    scale = min(cell[0] / cut.shape[0], cell[1] / cut.shape[1])
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    cut = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    points = (person.keypoints - (x1, y1) + 0.5) * scale - 0.5
    box = (person.box - (x1, y1, x1, y1) + 0.5) * scale - 0.5
    return draw_poses(cut, points[None], labelled[None].astype(np.float32), keypoints, boxes=box[None])


def _load(split: tuple[Location, Location | None], format: str, keypoints: KeypointSet | str | None) -> PoseDataset:
    annotations, images = split
    folder = find_image_folder(annotations) if images is None else Path(images)
    return load_pose_dataset(Path(annotations), folder, format, keypoints)


def _splits(against: Split | Sequence[Split] | None) -> list[tuple[Location, Location | None]]:
    if against is None:
        return []
    if isinstance(against, (str, os.PathLike)):
        return [(against, None)]
    if isinstance(against, tuple):  # a pair is one split; a list of two is two
        annotations, images = against
        return [(cast(Location, annotations), cast("Location | None", images))]
    return [pair for split in against for pair in _splits(split)]


def _first_picture(file: Path) -> str | None:
    if file.suffix.lower() == ".mat":
        return "im0001.jpg" if (file.parent / "images" / "im0001.jpg").exists() else "im00001.jpg"
    content = read_json(file)
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(content, dict) and isinstance(content.get("images"), list) and content["images"]:
        first = content["images"][0]
    name = first.get("file_name", first.get("image")) if isinstance(first, dict) else None
    return name if isinstance(name, str) else None


def _pictures(dataset: PoseDataset) -> list[Path]:
    return list(dict.fromkeys(record.image for record in dataset.records))


def _count(dataset: PoseDataset, told: list[str]) -> DatasetReport:
    chosen = dataset.keypoint_set
    flags = np.array([record.visibility for record in dataset.records], np.uint8).reshape(-1, chosen.num_keypoints)
    labelled, visible = (flags > 0).sum(axis=0), (flags == 2).sum(axis=0)
    return DatasetReport(
        name=dataset.name,
        format=dataset.format,
        keypoint_set=chosen.name,
        people=len(dataset.records),
        pictures=len(_pictures(dataset)),
        keypoints=[JointCount(name, int(labelled[k]), int(visible[k])) for k, name in enumerate(chosen.keypoints)],
        flip_pairs=[(chosen.keypoints[k], chosen.keypoints[m]) for k, m in enumerate(chosen.flip_indices) if k < m],
        skeleton=[(chosen.keypoints[one], chosen.keypoints[two]) for one, two in chosen.skeleton],
        has_sigmas=chosen.sigmas is not None,
        warnings=told,
    )


def _written_boxes(dataset: PoseDataset) -> dict[Any, np.ndarray]:
    """xyxy boxes as the file has them, by annotation id: those of COCO records were clipped by the parser."""
    if dataset.format != "coco":
        return {record.annotation_id: record.box for record in dataset.records}
    kept = {record.annotation_id for record in dataset.records}
    people = (entry for entry in read_json(dataset.annotation_file)["annotations"] if entry["id"] in kept)
    return {entry["id"]: np.array(entry["bbox"], np.float64) @ _XYWH_TO_XYXY for entry in people}


_XYWH_TO_XYXY = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]], np.float64)


def _judge_pictures(report: DatasetReport, facts: list[PictureFacts]) -> None:
    report.missing_pictures = [str(entry.path) for entry in facts if entry.missing]
    report.unreadable_pictures = [(str(entry.path), str(entry.error)) for entry in facts if entry.error and not entry.missing]
    report.image_heights, report.image_widths = size_quantiles(facts)
    report.repeated_pictures = [(str(one), str(two)) for one, two in find_repeats(facts)]
    report.checked_images = True


def _judge_places(report: DatasetReport, dataset: PoseDataset, boxes: dict[Any, np.ndarray], facts: list[PictureFacts]) -> None:
    """Compare boxes and keypoints with the true sizes of the pictures."""
    sizes = {entry.path: entry.size for entry in facts}
    for record in dataset.records:
        size = sizes[record.image]
        if size is None:
            continue
        height, width = size
        x1, y1, x2, y2 = boxes[record.annotation_id].tolist()
        degenerate = not (x2 > x1 and y2 > y1)
        outside = x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height
        report.degenerate_boxes += degenerate
        report.boxes_outside += outside
        # half a pixel: rounded annotations touch the border
        report.boxes_sticking_out += not (degenerate or outside) and (
            min(x1, y1) < -0.5 or x2 > width + 0.5 or y2 > height + 0.5
        )
        points = record.keypoints[record.visibility > 0]
        beyond = (points < -0.5).any(axis=1) | (points > (width - 0.5, height - 0.5)).any(axis=1)
        report.keypoints_outside += int(beyond.sum())
        report.people_with_keypoints_outside += bool(beyond.any())
    _judge_sizes(report, dataset, sizes)


def _judge_sizes(report: DatasetReport, dataset: PoseDataset, sizes: dict[Path, tuple[int, int] | None]) -> None:
    """COCO files give the size of each picture: a difference means other pictures, or an EXIF turn that was overlooked."""
    if dataset.format != "coco":
        return
    listed = {entry["id"]: entry for entry in read_json(dataset.annotation_file)["images"]}
    for image_id, path in {record.image_id: record.image for record in dataset.records}.items():
        size, entry = sizes[path], listed[image_id]
        if size is not None and not all(map(math.isclose, size, (entry["height"], entry["width"]))):
            said = f"{entry['width']} x {entry['height']} in the file, {size[1]} x {size[0]} in truth"
            report.wrong_sizes.append((str(path), said))
