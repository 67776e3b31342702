"""WFLW: 98 landmarks, a box and six attributes of a face on every line of a text file.

W. Wu et al., "Look at Boundary: A Boundary-Aware Face Alignment Algorithm", CVPR 2018, section 4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from hrnet.data.datasets.annotation_file import require_size
from hrnet.data.datasets.face_dataset import FaceDataset, face_record
from hrnet.data.datasets.text_file import numbers, read_lines
from hrnet.data.keypoint_sets import keypoint_set as known_set
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord

ATTRIBUTES = ("pose", "expression", "illumination", "makeup", "occlusion", "blur")
"""In the order of their columns; each is 0 or 1, and 1 means a large pose, an exaggerated expression and so on."""

_LANDMARKS = 98
_FIELDS = 2 * _LANDMARKS + 4 + len(ATTRIBUTES)


def load_wflw(
    file: str | Path,
    images: str | Path,
    keypoint_set: KeypointSet | str | None = None,
    one_based: bool | None = None,
    boxes: Literal["landmarks", "annotated"] = "landmarks",
) -> FaceDataset:
    """Read ``list_98pt_rect_attr_train.txt`` or ``..._test.txt``: 196 coordinates, box, attributes and file name.

    The subsets are ``full`` and one for each attribute, the seven that scores are published for.

    Args:
        images: the folder ``WFLW_images``.
        one_based: whether positions count from 1; by default from 0, the files do not tell.
        boxes: ``"landmarks"``, the square around the landmarks, which published scores are for; or ``"annotated"``, the
            file's own rectangles, which are a face detector's.

    Raises:
        AnnotationError: a line has other fields, or a number that is none.
    """
    if boxes not in ("landmarks", "annotated"):
        raise ValueError(f"boxes must be 'landmarks' or 'annotated', got {boxes!r}")
    file, images = Path(file), Path(images)
    chosen = known_set(keypoint_set or "wflw") if not isinstance(keypoint_set, KeypointSet) else keypoint_set
    require_size(file, chosen, _LANDMARKS, "WFLW")
    offset = 1.0 if one_based else 0.0
    records: list[PersonRecord] = []
    flags: list[np.ndarray] = []
    for line, text in enumerate(read_lines(file), start=1):
        fields = text.split(maxsplit=_FIELDS)
        if not fields:
            continue
        if len(fields) != _FIELDS + 1:
            raise AnnotationError(
                f"{file}, line {line}: expected {_FIELDS} numbers (196 coordinates, x1 y1 x2 y2 of a box, 6 attributes) and a "
                f"file name, got {len(fields)} fields"
            )
        values = numbers(file, line, fields[:_FIELDS], "a number")
        points, box = values[: 2 * _LANDMARKS].reshape(_LANDMARKS, 2) - offset, values[2 * _LANDMARKS :][:4] - offset
        if (box[2:] <= box[:2]).any() and boxes == "annotated":
            raise AnnotationError(f"{file}, line {line}: the box must be x1 y1 x2 y2 with an area, got {box.tolist()}")
        attributes = values[-len(ATTRIBUTES) :]
        if not np.isin(attributes, (0, 1)).all():
            raise AnnotationError(f"{file}, line {line}: the six attributes must be 0 or 1, got {attributes.tolist()}")
        name = fields[_FIELDS].strip().replace("\\", "/")
        flags.append(attributes > 0)
        records.append(face_record(images / name, name, len(records), points, box=box if boxes == "annotated" else None))
    marked = np.array(flags).reshape(-1, len(ATTRIBUTES))
    subsets = {"full": np.arange(len(records))}
    subsets |= {name: np.flatnonzero(marked[:, column]) for column, name in enumerate(ATTRIBUTES)}
    return FaceDataset(file.name, chosen, records, file, "wflw", subsets)
