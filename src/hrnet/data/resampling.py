"""Parts of pictures, resized with an anti-aliased filter: what classifiers are trained and tested on.

Pillow's filters are used because the published networks saw pictures through them: reducing with OpenCV's bilinear sampling
skips pixels and costs accuracy. Sizes are (height, width).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hrnet.errors import nearest_name

Interpolation: TypeAlias = Literal["bilinear", "bicubic"]

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def resize_region(
    image: NDArray[np.uint8],
    region: tuple[float, float, float, float],
    size: tuple[int, int],
    interpolation: Interpolation = "bilinear",
) -> NDArray[np.uint8]:
    """Resize a rectangle of a picture to (height, width).

    Only what the rectangle needs is computed, so that a thin, long picture costs no more than another.

    Args:
        image: (H, W, 3) RGB uint8.
        region: left, top, right, bottom as edges, not centres, of pixels: the whole picture is (0, 0, W, H). Fractions count.
        interpolation: a triangle filter or a cubic one, both widened where the picture is reduced.

    Raises:
        ValueError: an unknown interpolation, or a region outside the picture.
    """
    if interpolation not in _FILTERS:
        raise ValueError(f"there is no interpolation {interpolation!r}; {nearest_name(str(interpolation), _FILTERS)}")
    height, width = size
    return np.array(Image.fromarray(image).resize((width, height), _FILTERS[interpolation], box=region))


def covering_size(image_size: tuple[int, int], input_size: tuple[int, int], crop_share: float) -> tuple[int, int]:
    """(height, width) that a picture is resized to before its middle is cropped: for squares, short side = side / share.

    The side that need not fit exactly is cut down to whole pixels: 256 and int(256 long / short) for 224 and 0.875.
    """
    wanted_height, wanted_width = (int(side / crop_share + 1e-6) for side in input_size)  # 1e-6: 0.95 is not 0.95 exactly
    height, width = image_size
    if width * wanted_height >= height * wanted_width:
        return wanted_height, wanted_height * width // height
    return wanted_width * height // width, wanted_width


def center_crop(
    image: NDArray[np.uint8],
    input_size: tuple[int, int] = (224, 224),
    crop_share: float = 0.875,
    interpolation: Interpolation = "bilinear",
) -> NDArray[np.uint8]:
    """The middle of a picture as the input of a classifier: resized until it covers the input, then cropped.

    Args:
        image: (H, W, 3) RGB uint8.
        input_size: (height, width) of what comes out.
        crop_share: share of the shorter side that is kept: 0.875 resizes to 256 pixels for an input of 224.
    """
    height, width = image.shape[:2]
    covered = covering_size((height, width), input_size, crop_share)
    # Python rounds halves to even, as the reference does.
    top, left = (round((whole - part) / 2) for whole, part in zip(covered, input_size, strict=True))
    down, across = height / covered[0], width / covered[1]
    region = (left * across, top * down, (left + input_size[1]) * across, (top + input_size[0]) * down)
    inside = (max(0.0, region[0]), max(0.0, region[1]), min(float(width), region[2]), min(float(height), region[3]))
    return resize_region(image, inside, input_size, interpolation)
