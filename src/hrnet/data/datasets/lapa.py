"""LaPa: 106 landmarks in one text file for each picture.

Y. Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.annotation_file import require_size
from hrnet.data.datasets.face_dataset import FaceDataset, face_record
from hrnet.data.datasets.text_file import numbers, read_lines
from hrnet.data.keypoint_sets import keypoint_set as known_set
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord


def load_lapa(
    folder: str | Path, images: str | Path, keypoint_set: KeypointSet | str | None = None, one_based: bool | None = None
) -> FaceDataset:
    """Read the ``.txt`` files of a folder ``landmarks``: the number of landmarks, then x and y of each on its line.

    The picture of ``NAME.txt`` is ``NAME.jpg`` in the folder ``images``. A face's box is that of its landmarks.

    Args:
        one_based: whether positions count from 1; by default from 0, the files do not tell.

    Raises:
        AnnotationError: there is no such folder or file, or a file is broken.
    """
    folder, images = Path(folder), Path(images)
    chosen = known_set(keypoint_set or "lapa") if not isinstance(keypoint_set, KeypointSet) else keypoint_set
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    if not files:
        raise AnnotationError(f"{folder}: expected a folder with .txt files of landmarks")
    offset = 1.0 if one_based else 0.0
    records: list[PersonRecord] = []
    for file in files:
        points = _read(file)
        require_size(file, chosen, len(points), "the file")
        records.append(face_record(images / f"{file.stem}.jpg", file.stem, file.stem, points - offset))
    return FaceDataset(folder.name, chosen, records, folder, "lapa")


def _read(file: Path) -> NDArray[np.float64]:
    first, *rest = (line.split() for line in read_lines(file))
    if len(first) != 1 or not first[0].isdecimal():
        raise AnnotationError(f"{file}, line 1: expected the number of landmarks, got {' '.join(first)[:60]!r}")
    points = [numbers(file, line, fields, "x and y of a landmark") for line, fields in enumerate(rest, start=2) if fields]
    if len(points) != int(first[0]) or any(len(point) != 2 for point in points):
        raise AnnotationError(f"{file}: says {first[0]} landmarks, each with x and y on a line, but holds {len(points)} lines")
    return np.stack(points) if points else np.zeros((0, 2))
