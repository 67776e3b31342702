"""Facial landmarks of any format the toolkit knows: `load_face_dataset` finds out which."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.aflw import load_aflw
from hrnet.data.datasets.annotation_file import entries, read_json, shortened
from hrnet.data.datasets.coco_keypoints import parse_coco_keypoints
from hrnet.data.datasets.cofw import load_cofw
from hrnet.data.datasets.face_csv import load_face_csv
from hrnet.data.datasets.face_dataset import FaceDataset, landmark_set
from hrnet.data.datasets.face_points_file import load_face_points, subsets_of_300w
from hrnet.data.datasets.lapa import load_lapa
from hrnet.data.datasets.matlab_file import mat_names
from hrnet.data.datasets.wflw import load_wflw
from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures import KeypointSet

FaceFormat = Literal["auto", "coco", "csv", "pts", "wflw", "cofw", "aflw", "lapa"]

_PIXELS_PER_SCALE = 200.0

_LOADERS: dict[str, Callable[..., FaceDataset]] = {
    "csv": load_face_csv,
    "pts": load_face_points,
    "wflw": load_wflw,
    "cofw": load_cofw,
    "aflw": load_aflw,
    "lapa": load_lapa,
}


def load_face_dataset(
    annotations: str | Path,
    images: str | Path,
    format: FaceFormat = "auto",
    keypoint_set: KeypointSet | str | None = None,
    one_based: bool | None = None,
) -> FaceDataset:
    """Read annotated faces.

    Args:
        annotations: a COCO keypoint JSON; a CSV list of the published face code; a folder of ``.pts`` files (300W) or of LaPa's
            ``.txt`` files; WFLW's ``list_98pt_rect_attr_*.txt``; a ``.mat`` file of COFW or AFLW.
        images: folder of the pictures.
        format: ``"auto"`` to go by the file.
        keypoint_set: set or name; by default the usual one of so many landmarks (68, 98, 29, 19 or 106), where the file does
            not name them otherwise.
        one_based: whether the file's pixel positions count from 1; by default as its format does, see each loader. COCO files
            count from 0.

    Returns:
        the faces, positions 0-based, with the subsets that scores are published for.

    Raises:
        ValueError: there is no such format or keypoint set.
        AnnotationError: the file is broken, or none of these formats.
    """
    formats = get_args(FaceFormat)
    if format not in formats:
        raise ValueError(f"no format of facial landmarks is called {format!r}; {nearest_name(format, formats)}")
    path, folder = Path(annotations), Path(images)
    found = format if format != "auto" else _recognise(path)
    if found != "coco":
        return _LOADERS[found](path, folder, keypoint_set, one_based)
    if one_based:
        raise ValueError(f"{path}: positions of COCO files count from 0; one_based is for the other formats")
    return load_coco_faces(path, folder, keypoint_set)


def load_coco_faces(file: Path, images: Path, keypoint_set: KeypointSet | str | None = None) -> FaceDataset:
    """Read faces from a COCO keypoint file; see `hrnet.data.datasets.coco_keypoints.load_coco_keypoints`.

    Landmarks that have no names but numbers, as in most such files, are those of the usual set of their size. Where annotations
    have a ``center`` and a ``scale`` (box side / 200), as those of 300W and WFLW made for OpenMMLab's code do, the square that
    these describe is the box: their ``bbox`` is wider than the one that published scores are for.
    """
    content = read_json(file)
    if keypoint_set is None and (count := _unnamed_landmarks(content)):
        keypoint_set = landmark_set(file, count)
    with warnings.catch_warnings():
        # The skeletons of some published files belong to other sets; faces are drawn without.
        warnings.filterwarnings("ignore", message=".*skeleton refers to keypoints.*")
        data = parse_coco_keypoints(content, file, images, keypoint_set)
    squares = _squares(file, content)
    records = [replace(record, box=squares.get(record.annotation_id, record.box)) for record in data.records]
    return FaceDataset(data.name, data.keypoint_set, records, file, "coco", subsets_of_300w(records, images))


def _squares(file: Path, content: Any) -> dict[int | str, NDArray[np.float64]]:
    """By annotation id the square (4,) xyxy of its centre and scale, where it has both."""
    squares = {}
    for entry in entries(file, content["annotations"], "annotation"):
        if entry.fields.get("center") is not None and entry.fields.get("scale") is not None:
            center, scale = entry.array("center", 2, "x, y of the face's centre"), entry.number("scale")
            if scale <= 0:
                raise entry.error("scale", "above 0 (box side / 200)", scale)
            half = scale * _PIXELS_PER_SCALE / 2
            squares[entry.identity("id")] = np.concatenate([center - half, center + half])
    return squares


def _unnamed_landmarks(content: Any) -> int:
    """How many landmarks a COCO file has whose categories do not name them; 0 where they do, or where it is not to be seen."""
    if not isinstance(content, dict):
        return 0
    for category in content.get("categories") or ():
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and names:
            numbered = all(isinstance(name, str) and name.removeprefix("kpt-").isdecimal() for name in names)
            return len(names) if numbered else 0
    for entry in content.get("annotations") or ():
        values = entry.get("keypoints") if isinstance(entry, dict) else None
        if isinstance(values, list) and values:
            return len(values) // 3
    return 0


def _recognise(path: Path) -> str:
    known = "known are COCO JSON, CSV, folders of .pts or LaPa's .txt, WFLW's list, .mat of COFW and AFLW"
    if path.is_dir():
        if next(path.rglob("*.pts"), None) is not None:
            return "pts"
        if next(path.glob("*.txt"), None) is not None:
            return "lapa"
        raise AnnotationError(f"{path}: a folder without .pts or .txt files is no set of facial landmarks; {known}")
    if not path.exists():
        raise AnnotationError(f"{path}: there is no such annotation file or folder")
    suffix = path.suffix.lower()
    if suffix in (".json", ".csv"):
        return "coco" if suffix == ".json" else "csv"
    if suffix == ".txt":
        return "wflw"
    if suffix == ".pts":
        raise AnnotationError(f"{path}: give the folder of the .pts files, not one of them")
    if suffix == ".mat":
        with path.open("rb") as stream:
            if b"MATLAB 7.3" in stream.read(32):
                return "cofw"  # AFLW's file is of an older version
        names = mat_names(path)
        if "phisTr" in names or "phisT" in names:
            return "cofw"
        if "nameList" in names and "mask_new" in names:
            return "aflw"
        raise AnnotationError(f"{path}: neither COFW's nor AFLW's file; its variables: {shortened(names)}")
    raise AnnotationError(f"{path}: {suffix or 'no'} ending tells no format of facial landmarks; {known}")
