"""Class maps as PNG files."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hrnet.structures.class_overlay import class_palette
from hrnet.structures.class_set import ClassSet


def encode_label_picture(classes: NDArray[np.integer], class_set: ClassSet | None = None) -> bytes:
    """Bytes of a PNG whose pixel values are those of ``classes`` (H, W).

    Up to 255 it has one byte per pixel, and the colours of ``class_set`` as palette, so that programs show them; above that
    two bytes and no colours, which PNG does not offer for so many values.

    Raises:
        ValueError: values below 0 or above 65535.
    """
    if classes.size and (classes.min() < 0 or classes.max() > 65535):
        raise ValueError(f"a label picture holds values of 0..65535, got {classes.min()}..{classes.max()}")
    if classes.size and classes.max() > 255:
        done, data = cv2.imencode(".png", classes.astype(np.uint16))
        assert done
        return data.tobytes()
    picture = Image.fromarray(classes.astype(np.uint8))
    if class_set is not None:
        palette = np.zeros((256, 3), np.uint8)
        colors = class_palette(class_set)[:256]
        palette[: len(colors)] = colors
        picture = picture.convert("L")
        picture.putpalette(palette.tobytes())
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()
