"""Turning arrays and Pillow images of any kind into RGB uint8 (H, W, 3)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from hrnet.errors import ImageError

_WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")


def array_to_rgb(array: np.ndarray, bgr: bool = False) -> np.ndarray:
    """Turn an array into RGB uint8 (H, W, 3); see `hrnet.data.images.read_image` for what is taken.

    Raises:
        ImageError: shape, type or range are not those of a picture; the message says which.
    """
    what = f"array of shape {array.shape}, {array.dtype}"
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        hint = " (channels come last)" if array.ndim == 3 and array.shape[0] in (1, 3, 4) else ""
        hint = " (one picture at a time)" if array.ndim == 4 else hint
        raise ImageError(
            f"expected a picture of shape (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4), got an {what}{hint}"
        )
    if array.size == 0:
        raise ImageError(f"expected a picture, got an empty {what}")
    pixels = _to_uint8(array, what)
    channels = pixels.shape[2]
    if channels in (2, 4):
        pixels = over_white(pixels[:, :, :-1], pixels[:, :, -1])
    if channels <= 2:
        pixels = np.repeat(pixels, 3, axis=2)
    elif bgr:
        pixels = pixels[:, :, ::-1]
    return np.ascontiguousarray(pixels)


def pillow_to_rgb(image: Image.Image, name: str) -> np.ndarray:
    """Turn a Pillow image into RGB uint8 (H, W, 3); may raise what Pillow raises for broken data.

    Raises:
        ImageError: 32-bit pixels outside the ranges of 8-bit, 16-bit or 0..1 pictures.
    """
    mode = image.mode
    if mode in _WITH_ALPHA or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        return over_white(rgba[:, :, :3], rgba[:, :, 3])
    if mode == "F" or mode.startswith("I"):
        values = np.asarray(image)
        if mode == "I" and values.min() >= 0 and values.max() <= 65535:
            values = values.astype(np.uint16)  # how some Pillow versions open 16-bit files
        try:
            return array_to_rgb(values)
        except ImageError as error:
            raise ImageError(f"{name}: {error}") from None
    return np.asarray(image if mode == "RGB" else image.convert("RGB"))


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Composite uint8 (H, W, C) with alpha (H, W) on white."""
    if (alpha == 255).all():
        return pixels
    opacity = alpha[:, :, None].astype(np.uint32)
    return ((pixels * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)


def _to_uint8(array: np.ndarray, what: str) -> np.ndarray:
    kind = array.dtype
    if kind == np.uint8:
        return array
    if kind == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if kind == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if kind.kind not in "iuf":
        raise ImageError(f"expected pixels as uint8, uint16, bool or floats within 0..1, got an {what}")
    low, high = array.min(), array.max()  # NaN where any pixel is
    if kind.kind == "f":
        if not (low >= 0 and high <= 1):
            hint = "; convert 0..255 with .astype('uint8')" if 1 < high <= 255 and low >= 0 else ""
            raise ImageError(f"expected float pixels within 0..1, got an {what} with values {low:g}..{high:g}{hint}")
        return np.round(array * 255.0).astype(np.uint8)
    if low < 0 or high > 255:
        raise ImageError(f"expected whole-number pixels within 0..255 (or uint16), got an {what} with values {low}..{high}")
    return array.astype(np.uint8)
