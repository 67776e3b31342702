"""The lists of the published face code: a CSV file with picture, box and landmarks of a face on every line."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from hrnet.data.datasets.annotation_file import shortened
from hrnet.data.datasets.face_dataset import FaceDataset, face_record, landmark_set
from hrnet.data.datasets.face_points_file import subsets_of_300w
from hrnet.data.datasets.text_file import numbers, read_lines
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord

_PIXELS_PER_SCALE = 200.0
_BOX = ("scale", "center_w", "center_h")


def load_face_csv(
    file: str | Path, images: str | Path, keypoint_set: KeypointSet | str | None = None, one_based: bool | None = None
) -> FaceDataset:
    """Read a list with the columns ``image_name, scale, center_w, center_h, original_0_x, original_0_y, original_1_x, ...``.

    The box is the square around the centre with sides of 200 x scale. Other columns are passed over (``box_size`` of AFLW is
    the same side); a landmark at or above row 0, counted from 1, is not labelled, as in the published code. Subsets of 300W are
    told by the folders in ``image_name``.

    Args:
        images: folder that ``image_name`` is relative to.
        one_based: whether positions and centres count from 1. The lists published with the code are taken so by it: say True
            for them. The file does not tell; by default they count from 0, as everything does here.

    Raises:
        AnnotationError: a column is missing, or a line does not fit.
    """
    file, images = Path(file), Path(images)
    rows = list(csv.reader(read_lines(file)))
    header = [name.strip() for name in rows[0]]
    columns = {name: place for place, name in enumerate(header)}
    if missing := [name for name in ("image_name", *_BOX) if name not in columns]:
        raise AnnotationError(
            f"{file}: expected the columns image_name, scale, center_w, center_h, original_0_x, original_0_y, ...; "
            f"missing: {', '.join(missing)} (there: {shortened(header[:6])})"
        )
    count = sum(re.fullmatch(r"original_\d+_x", name) is not None for name in header)
    names = [f"original_{index}_{axis}" for index in range(count) for axis in "xy"]
    if not count or (missing := [name for name in names if name not in columns]):
        raise AnnotationError(f"{file}: the columns of the landmarks must be original_0_x, original_0_y, original_1_x, ...")
    chosen = landmark_set(file, count, keypoint_set)
    offset = 1.0 if one_based else 0.0
    records: list[PersonRecord] = []
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != len(header):
            raise AnnotationError(f"{file}, line {line}: expected {len(header)} fields, got {len(row)}")
        name = row[columns["image_name"]].strip().replace("\\", "/")
        if not name:
            raise AnnotationError(f"{file}, line {line}: image_name is empty")
        scale, *center = numbers(file, line, [row[columns[name]] for name in _BOX], "a number (scale and centre)")
        if scale <= 0:
            raise AnnotationError(f"{file}, line {line}: scale must be above 0 (box side / 200), got {scale:g}")
        points = numbers(file, line, [row[columns[name]] for name in names], "a number (a landmark)").reshape(count, 2)
        half, middle = scale * _PIXELS_PER_SCALE / 2, np.array(center) - offset
        box = np.concatenate([middle - half, middle + half])
        seen = np.where(points[:, 1] > 0, 2, 0) if one_based else np.full(count, 2)
        records.append(face_record(images / name, name, line - 2, points - offset, seen.astype(np.uint8), box))
    return FaceDataset(file.name, chosen, records, file, "csv", subsets_of_300w(records, images))
