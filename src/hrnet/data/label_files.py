"""Reading label maps: PNG and other pictures without loss, palettes as their indices, and MATLAB files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hrnet.data.datasets.matlab_file import mat_names, read_mat
from hrnet.data.images import DEFAULT_MAX_PIXELS
from hrnet.data.label_encodings import ColorEncoding, LabelEncoding, LabelMap
from hrnet.errors import AnnotationError

LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".mat", ".webp")
"""Kinds of files a label map can be kept in; JPEG is none, it changes values."""

_MATLAB_VARIABLES = ("LabelMap", "S", "labels", "label")  # PASCAL-Context, COCO-Stuff 10k


def read_label_values(path: str | os.PathLike[str], max_pixels: int = DEFAULT_MAX_PIXELS) -> NDArray[np.integer]:
    """The values of a label file as they are stored.

    Returns:
        (H, W) integers; of palette files the indices, of true colour files (H, W, 3) colours.

    Raises:
        AnnotationError: the file is missing, broken, too large, or of a kind that label maps cannot be kept in.
    """
    file = Path(path)
    if file.suffix.lower() == ".mat":
        return _read_matlab(file)
    if file.suffix.lower() in (".jpg", ".jpeg"):
        raise AnnotationError(f"{file}: JPEG changes values, so a label map cannot be kept in it; use PNG")
    try:
        # The plain decoders alone; a palette must stay what it is, which OpenCV would turn into colours.
        with Image.open(file, formats=("PNG", "BMP", "TIFF", "GIF", "WEBP")) as opened:
            if opened.width * opened.height > max_pixels:
                raise AnnotationError(f"{file}: {opened.width} x {opened.height} pixels are more than {max_pixels:,}")
            if opened.mode in ("RGBA", "LA", "PA"):
                opened = opened.convert({"RGBA": "RGB", "LA": "L", "PA": "P"}[opened.mode])
            values = np.asarray(opened)
    except AnnotationError:
        raise
    except FileNotFoundError:
        raise AnnotationError(f"{file}: there is no such label file") from None
    except Exception as error:  # broken files make Pillow's decoders raise nearly anything
        raise AnnotationError(f"{file}: not a readable label file ({type(error).__name__}: {error})") from error
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if values.dtype.kind not in "ui":
        raise AnnotationError(f"{file}: expected whole numbers, the file holds {values.dtype}")
    return values


def read_label(path: str | os.PathLike[str], encoding: LabelEncoding | ColorEncoding) -> LabelMap:
    """A label map (H, W) of classes, `ClassSet.ignore_label` where nothing counts.

    Raises:
        AnnotationError: as `read_label_values`, or the file holds colours where classes are expected, or values that mean
            nothing.
    """
    values = read_label_values(path)
    colored = values.ndim == 3
    if colored and isinstance(encoding, LabelEncoding):
        if not ((values[..., 0] == values[..., 1]) & (values[..., 1] == values[..., 2])).all():
            hint = "; encoding 'colors' reads them" if encoding.class_set.colors else ""
            raise AnnotationError(f"{os.fspath(path)}: expected one value for each pixel, the file holds colours{hint}")
        values, colored = values[..., 0], False  # a grey picture stored as three channels
    if not colored and isinstance(encoding, ColorEncoding):
        raise AnnotationError(f"{os.fspath(path)}: expected colours, the file holds one value for each pixel")
    return encoding.decode(values, os.fspath(path))


def _read_matlab(file: Path) -> NDArray[np.integer]:
    names = mat_names(file)
    variable = next((name for name in _MATLAB_VARIABLES if name in names), None)
    if variable is None:
        raise AnnotationError(f"{file}: expected a variable {' or '.join(_MATLAB_VARIABLES)}, the file has: {', '.join(names)}")
    values = np.asarray(read_mat(file, variable))
    if values.ndim != 2 or values.dtype.kind not in "ui":
        raise AnnotationError(f"{file}: {variable} must be (H, W) whole numbers, got {values.dtype} {values.shape}")
    return values
