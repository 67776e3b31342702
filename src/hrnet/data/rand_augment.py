"""RandAugment: a few random operations of one strength (Cubuk et al., "RandAugment", 2020), on Pillow pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from hrnet.data.augmentation import Draws

MAX_MAGNITUDE = 10.0
_FILL = (124, 116, 104)  # ImageNet's mean colour: black corners would be something to learn

Operation = Callable[[Image.Image, float, bool], Image.Image]


def rand_augment(image: NDArray[np.uint8], operations: int, magnitude: float, draws: Draws) -> NDArray[np.uint8]:
    """Apply ``operations`` of the fourteen, drawn with repetition.

    Args:
        image: (H, W, 3) RGB uint8.
        magnitude: 0..10; 10 turns by 30 degrees, shifts by 0.45 of the side and changes colours by a factor of 1.9.
        draws: two numbers are taken for each operation, whichever it is.
    """
    picture = Image.fromarray(image)
    strength = magnitude / MAX_MAGNITUDE
    for _ in range(operations):
        chosen, negative = int(draws.random() * len(OPERATIONS)), draws.random() < 0.5
        picture = _BY_NUMBER[chosen](picture, strength, negative)
    return np.array(picture)


def _signed(value: float, negative: bool) -> float:
    return -value if negative else value


def _mapped(picture: Image.Image, a: float, b: float, c: float, d: float, e: float, f: float) -> Image.Image:
    matrix = (a, b, c, d, e, f)
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=_FILL)


def _rotated(picture: Image.Image, strength: float, negative: bool) -> Image.Image:
    return picture.rotate(_signed(30 * strength, negative), Image.Resampling.BILINEAR, fillcolor=_FILL)


def _sheared_across(picture: Image.Image, strength: float, negative: bool) -> Image.Image:
    shear = _signed(0.3 * strength, negative)
    return _mapped(picture, 1, shear, -shear * picture.height / 2, 0, 1, 0)


def _sheared_down(picture: Image.Image, strength: float, negative: bool) -> Image.Image:
    shear = _signed(0.3 * strength, negative)
    return _mapped(picture, 1, 0, 0, shear, 1, -shear * picture.width / 2)


def _shifted_across(picture: Image.Image, strength: float, negative: bool) -> Image.Image:
    return _mapped(picture, 1, 0, _signed(0.45 * strength, negative) * picture.width, 0, 1, 0)


def _shifted_down(picture: Image.Image, strength: float, negative: bool) -> Image.Image:
    return _mapped(picture, 1, 0, 0, 0, 1, _signed(0.45 * strength, negative) * picture.height)


def _enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Operation:
    return lambda picture, strength, negative: kind(picture).enhance(1 + _signed(0.9 * strength, negative))


OPERATIONS: dict[str, Operation] = {
    "identity": lambda picture, strength, negative: picture,
    "autocontrast": lambda picture, strength, negative: ImageOps.autocontrast(picture),
    "equalize": lambda picture, strength, negative: ImageOps.equalize(picture),
    "rotate": _rotated,
    "shear_across": _sheared_across,
    "shear_down": _sheared_down,
    "shift_across": _shifted_across,
    "shift_down": _shifted_down,
    "solarize": lambda picture, strength, negative: ImageOps.solarize(picture, round(256 * (1 - strength))),
    "posterize": lambda picture, strength, negative: ImageOps.posterize(picture, 8 - round(4 * strength)),
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
}
"""By name: a picture, a strength in 0..1 and a sign to a picture of the same size."""

_BY_NUMBER = list(OPERATIONS.values())
