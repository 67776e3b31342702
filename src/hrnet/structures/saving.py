"""What results of every task have in common: the picture that they are drawn on, and the file that they are saved in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np


def picture_to_draw_on(given: np.ndarray | None, kept: np.ndarray | None, image_size: tuple[int, int]) -> np.ndarray:
    """``given``, or else the picture that a result kept. Raises ValueError for neither, and for one of another size."""
    picture = kept if given is None else given
    if picture is None:
        raise ValueError("this result did not keep its picture: pass it as plot(image)")
    if picture.shape[:2] != tuple(image_size):
        raise ValueError(f"the result is for a picture of (height, width) {image_size}, got {picture.shape[:2]}")
    return picture


def save_result(path: str | os.PathLike[str], text: Callable[[], str], drawn: Callable[[], np.ndarray]) -> Path:
    """Write the ``text`` of a result (.json) or the picture ``drawn`` (.jpg, .png, ...), whole or not at all; the path."""
    from hrnet.atomic_files import write_atomically
    from hrnet.drawing import PICTURE_SUFFIXES, encode_picture  # which imports this package

    target = Path(path)
    if target.suffix.lower() == ".json":
        write_atomically(target, text() + "\n")
    elif target.suffix.lower() in PICTURE_SUFFIXES:
        write_atomically(target, encode_picture(drawn(), target.suffix))
    else:
        raise ValueError(f"cannot save as {target.name!r}: use .json or one of {', '.join(PICTURE_SUFFIXES)}")
    return target
