"""How a picture of any shape lies in the network's input, and how coordinates come back. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hrnet.geometry import CropConvention, Floats, apply_affine, crop_matrix, invert_affine

_MULTIPLE = 64
_PIXELS_PER_SCALE_UNIT = 200


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in the network's input.

    Attributes:
        input_size: (height, width) of the network's input.
        center: (x, y), the picture's pixel that comes to lie in the middle of the input.
        region: (width, height) in pixels of the picture that the input shows; what lies outside the picture is black.
        reduced: the picture is thinner than the size rule allows for, and was made smaller than the base size says.
        convention: how many units a side of n pixels counts, in the input and in maps.
    """

    input_size: tuple[int, int]
    center: tuple[float, float]
    region: tuple[float, float]
    reduced: bool = False
    convention: CropConvention = CropConvention.FULL_SIZE

    @property
    def matrix(self) -> Floats:
        """(2, 3), from pixels of the picture to pixels of the input."""
        return self.matrix_onto(self.input_size)

    @property
    def scale(self) -> tuple[float, float]:
        """`region` in the reference's units of 200 pixels."""
        return self.region[0] / _PIXELS_PER_SCALE_UNIT, self.region[1] / _PIXELS_PER_SCALE_UNIT

    def matrix_onto(self, size: tuple[int, int]) -> Floats:
        """(2, 3), from pixels of the picture to pixels of maps of ``size`` (height, width)."""
        return crop_matrix(self.center, self.region, size, convention=self.convention)

    def to_picture(self, points: np.ndarray, map_size: tuple[int, int]) -> Floats:
        """Points (..., 2) in pixels of maps of ``map_size`` (height, width) to pixels of the picture."""
        return apply_affine(invert_affine(self.matrix_onto(map_size)), np.asarray(points, np.float64))


def place_picture(
    image_size: tuple[int, int],
    base_size: int,
    scale: float = 1.0,
    smallest_scale: float = 1.0,
    longest_side: int | None = None,
    convention: CropConvention = CropConvention.FULL_SIZE,
) -> Placement:
    """Bring the short side of a picture to ``base_size``: HigherHRNet's size rule for any aspect ratio.

    At the smallest of the scales both sides are multiples of 64; the others follow from it in proportion, so that all
    scales show the same region. The long side is padded at both ends, or slightly cropped.

    Args:
        image_size: (height, width) of the picture.
        base_size: short side of the input at scale 1; 512 or 640 in the published networks.
        scale: of this pass.
        smallest_scale: the smallest scale that the picture is looked at.
        longest_side: of the input at scale 1; None for eight times ``base_size``. A picture that would need more has its
            long side brought to this, so that a strip of 10000x200 pixels costs no more than a picture of 8:1.
        convention: of the network's maps, see `AssociativeEmbeddingSpec.convention`.

    Raises:
        ValueError: an empty picture, or sizes or scales that are not positive.
    """
    height, width = _checked(image_size, base_size)
    if not 0 < smallest_scale <= scale:
        raise ValueError(f"scales must be positive and smallest_scale the smallest, got {scale} and {smallest_scale}")
    short, long = min(height, width), max(height, width)
    limit = _next_multiple(smallest_scale * (longest_side or 8 * base_size))
    short_least = _next_multiple(smallest_scale * base_size)
    long_least = _next_multiple(short_least / short * long)
    reduced = long_least > limit
    if reduced:
        short_least, long_least = _next_multiple(limit / long * short), limit
    ratio = scale / smallest_scale
    short_input, long_input = int(short_least * ratio), int(long_least * ratio)
    # The region covers the short side exactly; where that would take too large an input, the long side.
    covered = (short_input / long_input * long, float(long)) if reduced else (float(short), long_input / short_input * short)
    portrait = width < height
    input_size = (long_input, short_input) if portrait else (short_input, long_input)
    region = covered if portrait else (covered[1], covered[0])
    center = (float(int(width / 2 + 0.5)), float(int(height / 2 + 0.5)))
    return Placement(input_size, center, region, reduced, convention)


def place_square(image_size: tuple[int, int], base_size: int = 512, scale: float = 1.0) -> Placement:
    """Bring the long side of a picture to a square of ``base_size``, padded on both sides: the hourglass network's rule."""
    height, width = _checked(image_size, base_size)
    side = base_size if scale == 1 else _next_multiple(scale * base_size)
    longer = float(max(height, width))
    return Placement((side, side), (width / 2, height / 2), (longer, longer))


def _next_multiple(length: float) -> int:
    return max(_MULTIPLE, int((length + _MULTIPLE - 1) // _MULTIPLE * _MULTIPLE))


def _checked(image_size: tuple[int, int], base_size: int) -> tuple[int, int]:
    height, width = image_size
    if height < 1 or width < 1:
        raise ValueError(f"image_size must be (height, width) of at least one pixel, got {tuple(image_size)}")
    if base_size < 1:
        raise ValueError(f"base_size must be positive, got {base_size}")
    return height, width
