"""300W and whatever else comes as one ``.pts`` file for each picture.

C. Sagonas et al., "300 Faces in-the-Wild Challenge", ICCV workshops 2013. The landmarks of its files count from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.face_dataset import FaceDataset, face_record, landmark_set
from hrnet.data.datasets.text_file import numbers, read_lines
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord

_PICTURES = (".jpg", ".png", ".jpeg", ".bmp", ".JPG", ".PNG", ".JPEG")
_COMMON = (("helen", "testset"), ("lfpw", "testset"))
_TRAIN = (("afw",), ("helen", "trainset"), ("lfpw", "trainset"))
_TEST = (("01_Indoor",), ("02_Outdoor",))


def read_points(path: str | Path, one_based: bool = True) -> NDArray[np.float64]:
    """Read a ``.pts`` file: (K, 2) positions, 0-based.

    Args:
        one_based: the file counts from 1, as those of 300W do.

    Raises:
        AnnotationError: it is missing, not of this format, or has another number of points than it says.
    """
    path = Path(path)
    lines = [line.strip() for line in read_lines(path)]
    if "{" not in lines or "}" not in lines:
        raise AnnotationError(f"{path}: a .pts file has its points in curly brackets, each on a line of its own")
    start, stop = lines.index("{"), lines.index("}")
    counts = [line.split(":", 1)[1].strip() for line in lines[:start] if line.startswith("n_points")]
    points = []
    for place, line in enumerate(lines[start + 1 : stop], start=start + 2):
        if line:
            fields = line.split()
            if len(fields) != 2:
                raise AnnotationError(f"{path}, line {place}: expected x and y of a point, got {line[:60]!r}")
            points.append(numbers(path, place, fields, "x and y of a point"))
    if not points:
        raise AnnotationError(f"{path}: it holds no points")
    if counts and counts[0] != str(len(points)):
        raise AnnotationError(f"{path}: says n_points: {counts[0]}, but holds {len(points)}")
    return np.stack(points) - (1.0 if one_based else 0.0)


def load_face_points(
    folder: str | Path, images: str | Path, keypoint_set: KeypointSet | str | None = None, one_based: bool | None = None
) -> FaceDataset:
    """Read the ``.pts`` files below a folder; each belongs to the picture of the same name at the same place below ``images``.

    The files have no boxes: a face's box is that of its landmarks, see `hrnet.data.datasets.face_dataset.landmark_box`. Of 300W
    in its own folders the subsets ``train``, ``common``, ``challenging``, ``full`` (both) and ``test`` are told by the
    folders' names.

    Args:
        one_based: whether the positions count from 1; they do by default.

    Raises:
        AnnotationError: there is no such folder, no such file in it, a file is broken, has no picture, or other landmarks
            than the first.
    """
    folder, images = Path(folder), Path(images)
    if not folder.is_dir():
        raise AnnotationError(f"{folder}: expected a folder of .pts files, got {'a file' if folder.exists() else 'nothing'}")
    files = sorted(folder.rglob("*.pts"))
    if not files:
        raise AnnotationError(f"{folder}: there are no .pts files in it")
    records: list[PersonRecord] = []
    for file in files:
        place = file.relative_to(folder).with_suffix("")
        landmarks = read_points(file, one_based is not False)
        if records and len(landmarks) != len(records[0].keypoints):
            raise AnnotationError(f"{file}: has {len(landmarks)} landmarks, {files[0]} has {len(records[0].keypoints)}")
        records.append(face_record(_picture(images, place, file), place.as_posix(), place.as_posix(), landmarks))
    chosen = landmark_set(files[0], len(records[0].keypoints), keypoint_set)
    return FaceDataset(folder.name, chosen, records, folder, "pts", subsets_of_300w(records, images))


def subsets_of_300w(records: Sequence[PersonRecord], images: Path) -> dict[str, NDArray[np.int64]]:
    """The parts of 300W among records, by the folders of their pictures below ``images``; nothing where there are none."""
    folders = [record.image.relative_to(images).parts[:-1] for record in records]

    def within(*chains: tuple[str, ...]) -> NDArray[np.int64]:
        return np.array([index for index, parts in enumerate(folders) if any(_holds(parts, chain) for chain in chains)], int)

    parts = {
        "common": within(*_COMMON),
        "challenging": within(("ibug",)),
        "full": within(*_COMMON, ("ibug",)),
        "train": within(*_TRAIN),
        "test": within(*_TEST),
    }
    found = {name: indices for name, indices in parts.items() if len(indices)}
    if "common" not in found or "challenging" not in found:
        found.pop("full", None)
    return found


def _holds(parts: tuple[str, ...], chain: tuple[str, ...]) -> bool:
    lowered, wanted = [part.lower() for part in parts], [name.lower() for name in chain]
    return any(lowered[start : start + len(wanted)] == wanted for start in range(len(lowered)))


def _picture(images: Path, place: Path, file: Path) -> Path:
    for suffix in _PICTURES:
        candidate = images / f"{place}{suffix}"
        if candidate.is_file():
            return candidate
    raise AnnotationError(f"{file}: there is no picture {images / place} with one of the endings {', '.join(_PICTURES[:4])}")
