"""AFLW with its 19 landmarks, from ``AFLWinfo_release.mat``.

S. Zhu et al., "Unconstrained Face Alignment via Cascaded Compositional Learning", CVPR 2016, section 4, on the pictures of
M. Koestinger et al., "Annotated Facial Landmarks in the Wild", ICCV workshops 2011.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hrnet.data.datasets.annotation_file import require_size
from hrnet.data.datasets.face_dataset import FaceDataset, face_record
from hrnet.data.datasets.matlab_file import read_mat
from hrnet.data.keypoint_sets import keypoint_set as known_set
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord

_LANDMARKS = 19
_TRAINING_FACES = 20_000


def load_aflw(
    file: str | Path, images: str | Path, keypoint_set: KeypointSet | str | None = None, one_based: bool | None = None
) -> FaceDataset:
    """Read ``AFLWinfo_release.mat``.

    It holds ``data`` (N, 38), all x before all y; ``mask_new`` (N, 19); ``bbox`` (N, 4) as left, right, top, bottom;
    ``nameList``; and ``ra``, the order of the faces in which the first 20,000 are for training.

    The box is the square around the annotated one. Landmarks that the mask marks as not visible have visibility 1: their
    positions are annotated. The subsets are ``train``, ``full`` (the other 4,386 faces) and ``frontal`` (those of them whose
    landmarks are all visible).

    Args:
        images: the folder ``flickr`` that the names are relative to.
        one_based: whether positions count from 1; they do by default, since the file was made in MATLAB.

    Raises:
        AnnotationError: a variable is missing or of another shape.
    """
    file, images = Path(file), Path(images)
    chosen = known_set(keypoint_set or "aflw") if not isinstance(keypoint_set, KeypointSet) else keypoint_set
    require_size(file, chosen, _LANDMARKS, "AFLW")
    data = np.asarray(read_mat(file, "data"), np.float64)
    count = len(data)
    mask = np.asarray(read_mat(file, "mask_new"), np.float64)
    boxes = np.asarray(read_mat(file, "bbox"), np.float64)
    names = [_text(entry) for entry in np.asarray(read_mat(file, "nameList"), object).ravel()]
    order = np.asarray(read_mat(file, "ra")).ravel().astype(int) - 1
    for label, array, shape in (
        ("data", data, (count, 2 * _LANDMARKS)),
        ("mask_new", mask, (count, _LANDMARKS)),
        ("bbox", boxes, (count, 4)),
        ("nameList", np.empty(len(names)), (count,)),
    ):
        if array.shape != shape:
            raise AnnotationError(f"{file}: {label!r} must have shape {shape} for {count} faces, got {array.shape}")
    if sorted(order) != list(range(count)):
        raise AnnotationError(f"{file}: 'ra' must hold the numbers 1 to {count}, each once")
    if not (np.isfinite(data).all() and np.isfinite(boxes).all()):
        raise AnnotationError(f"{file}: 'data' or 'bbox' holds a number that is not finite")
    offset = 0.0 if one_based is False else 1.0
    landmarks = np.stack([data[:, :_LANDMARKS], data[:, _LANDMARKS:]], axis=-1) - offset
    records: list[PersonRecord] = []
    for index, (points, seen, (left, right, top, bottom), name) in enumerate(
        zip(landmarks, mask > 0, boxes, names, strict=True)
    ):
        center, half = np.array([left + right, top + bottom]) / 2 - offset, max(right - left, bottom - top) / 2
        if half <= 0:
            raise AnnotationError(f"{file}: face {index + 1}: the box (left, right, top, bottom) must have an area")
        box = np.concatenate([center - half, center + half])
        records.append(face_record(images / name, name, index, points, np.where(seen, 2, 1).astype(np.uint8), box))
    tested = order[_TRAINING_FACES:]
    subsets = {"train": order[:_TRAINING_FACES], "full": tested, "frontal": tested[(mask[tested] > 0).all(axis=1)]}
    return FaceDataset(file.name, chosen, records, file, "aflw", {name: part for name, part in subsets.items() if len(part)})


def _text(entry: object) -> str:
    """A MATLAB string, however deep it lies in cells."""
    while isinstance(entry, np.ndarray) and entry.size:
        entry = entry.ravel()[0]
    return str(entry).replace("\\", "/")
