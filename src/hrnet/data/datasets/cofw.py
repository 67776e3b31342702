"""COFW: 29 landmarks, each with a flag for occlusion, and the pictures themselves, in one MATLAB file for each part.

X. Burgos-Artizzu et al., "Robust face landmark estimation under occlusion", ICCV 2013.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.annotation_file import require_size
from hrnet.data.datasets.face_dataset import FaceDataset, face_record
from hrnet.data.datasets.matlab_file import mat_names, read_mat
from hrnet.data.images import write_image
from hrnet.data.keypoint_sets import keypoint_set as known_set
from hrnet.errors import AnnotationError, MissingExtraError
from hrnet.structures import KeypointSet

_LANDMARKS = 29
_HDF5 = b"\x89HDF\r\n\x1a\n"


def load_cofw(
    file: str | Path, images: str | Path, keypoint_set: KeypointSet | str | None = None, one_based: bool | None = None
) -> FaceDataset:
    """Read ``COFW_train_color.mat`` or ``COFW_test_color.mat``: ``phisTr`` or ``phisT`` (N, 87), all x, all y, all occlusions.

    Occluded landmarks have visibility 1. The box is that of the landmarks, occluded ones included, as in the published code;
    the file's own ``bboxes`` are a face detector's.

    Args:
        images: the folder that `unpack_cofw` wrote the pictures into.
        one_based: whether positions count from 1; they do by default, since the file was made in MATLAB.

    Raises:
        AnnotationError: the variable is missing or of another shape.
        MissingExtraError: the file is of MATLAB 7.3, as the published ones are, and h5py is not installed.
    """
    file, images = Path(file), Path(images)
    chosen = known_set(keypoint_set or "cofw") if not isinstance(keypoint_set, KeypointSet) else keypoint_set
    require_size(file, chosen, _LANDMARKS, "COFW")
    with _Variables(file) as variables:
        part = _part(variables)
        rows = variables.numbers(f"phis{part}")
    if rows.ndim != 2 or rows.shape[1] != 3 * _LANDMARKS or not np.isfinite(rows).all():
        raise AnnotationError(f"{file}: 'phis{part}' must hold finite numbers of shape (N, {3 * _LANDMARKS}), got {rows.shape}")
    x, y, occluded = rows[:, :_LANDMARKS], rows[:, _LANDMARKS : 2 * _LANDMARKS], rows[:, 2 * _LANDMARKS :] > 0
    landmarks = np.stack([x, y], axis=-1) - (0.0 if one_based is False else 1.0)
    records = [
        face_record(images / _picture_name(part, index), index, index, points, np.where(hidden, 1, 2).astype(np.uint8))
        for index, (points, hidden) in enumerate(zip(landmarks, occluded, strict=True))
    ]
    return FaceDataset(file.name, chosen, records, file, "cofw")


def unpack_cofw(file: str | Path, folder: str | Path) -> int:
    """Write the pictures of a COFW file as PNG into ``folder``; returns their number. Errors as of `load_cofw`, and OSError."""
    file, folder = Path(file), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with _Variables(file) as variables:
        part = _part(variables)
        for index, pixels in enumerate(variables.pictures(f"Is{part}")):
            grey = pixels.ndim == 2
            write_image(folder / _picture_name(part, index), np.repeat(pixels[..., None], 3, axis=2) if grey else pixels)
            count += 1
    return count


def _picture_name(part: str, index: int) -> str:
    return f"{'train' if part == 'Tr' else 'test'}_{index + 1:04d}.png"


def _part(variables: _Variables) -> str:
    found = [part for part in ("Tr", "T") if f"phis{part}" in variables.names]
    if not found:
        there = ", ".join(sorted(variables.names)) or "nothing"
        raise AnnotationError(f"{variables.file}: expected the variable 'phisTr' or 'phisT', the file has: {there}")
    return found[0]


class _Variables:
    """Variables of a MATLAB file of version 7 (SciPy) or 7.3, which is HDF5 with all axes reversed (h5py)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._hdf5: Any = None
        try:
            with file.open("rb") as stream:
                head = stream.read(520)
        except OSError as error:
            raise AnnotationError(f"{file}: the annotation file cannot be read ({error.strerror or error})") from error
        if head[:8] == _HDF5 or head[512:520] == _HDF5:
            try:
                import h5py  # pyright: ignore[reportMissingImports]
            except ImportError as error:
                raise MissingExtraError(f"{file} is a MATLAB 7.3 file, which needs h5py: pip install h5py") from error
            try:
                self._hdf5 = h5py.File(file, "r")
            except OSError as error:
                raise AnnotationError(f"{file}: not a readable MATLAB 7.3 file ({error})") from error
        self.names = set(self._hdf5) if self._hdf5 is not None else set(mat_names(file))

    def __enter__(self) -> _Variables:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._hdf5 is not None:
            self._hdf5.close()

    def numbers(self, name: str) -> NDArray[np.float64]:
        values = np.asarray(self._hdf5[name]).T if self._hdf5 is not None else read_mat(self.file, name)
        return np.asarray(values, np.float64)

    def pictures(self, name: str) -> Iterator[NDArray[np.uint8]]:
        if name not in self.names:
            raise AnnotationError(f"{self.file}: expected the variable {name!r} with the pictures")
        if self._hdf5 is not None:
            cells = np.asarray(self._hdf5[name]).ravel()
            yield from (np.asarray(self._hdf5[cell]).T.astype(np.uint8) for cell in cells)
        else:
            yield from (np.asarray(cell, np.uint8) for cell in read_mat(self.file, name).ravel())
