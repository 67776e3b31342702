"""Where a segmentation network looks: pictures at several sizes, windows in them, and tiles of what is too large for one pass.

Sizes are (height, width). The rules of windows are those of the published tests (Wang et al., TPAMI 2020, section 5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hrnet.weights.segmentation_card import SegmentationTest

LARGEST_VIEW = 2**25
"""Pixels of a picture that is brought to the network; a picture whose size rule asks for more is brought to fewer."""

TILE_STEP = 32
"""Tiles begin at multiples of the stride of the coarsest branch, so that all of them are sampled alike."""


class Window(NamedTuple):
    """A part of a resized picture that the network sees in one pass.

    Attributes:
        top, left, height, width: of the part.
        padded: size of the input, which the part fills from its top left corner.
    """

    top: int
    left: int
    height: int
    width: int
    padded: tuple[int, int]


class View(NamedTuple):
    """A picture at one scale.

    Attributes:
        size: that it is resized to.
        windows: that cover it.
        pad_with_mean: what windows reach beyond the picture is the mean colour and not black.
    """

    size: tuple[int, int]
    windows: tuple[Window, ...]
    pad_with_mean: bool = False

    @property
    def is_whole(self) -> bool:
        """The network sees the picture and nothing else."""
        return self.windows[0].padded == self.size


class Tile(NamedTuple):
    """A stretch of one axis: where it begins and ends, and over how many pixels it fades at either end."""

    start: int
    stop: int
    fade_in: int
    fade_out: int


def view_of(image_size: tuple[int, int], test: SegmentationTest, scale: float, crop_size: tuple[int, int]) -> View:
    """How a picture of ``image_size`` is looked at under the protocol ``test`` at one of its scales."""
    size = resized(image_size, test, scale, crop_size)
    window = test.window_size or crop_size
    if test.windows == "two_thirds":
        return View(size, tuple(_windows_at_two_thirds(size, window)))
    if test.windows == "two_thirds_inside":
        return View(size, tuple(_windows_inside(size, window, (int(window[0] * 2 / 3), int(window[1] * 2 / 3)))))
    if test.windows == "shifted" and scale > 1:
        return View(size, tuple(_windows_inside(size, window, window)))
    return whole_view(size, test.pad_multiple)


def whole_view(size: tuple[int, int], multiple: int = 1) -> View:
    """All of a picture in one pass, padded with the mean colour until both sides are multiples of ``multiple``."""
    padded = (math.ceil(size[0] / multiple) * multiple, math.ceil(size[1] / multiple) * multiple)
    return View(size, (Window(0, 0, *size, padded),), pad_with_mean=True)


def resized(image_size: tuple[int, int], test: SegmentationTest, scale: float, crop_size: tuple[int, int]) -> tuple[int, int]:
    """The size a picture is brought to at ``scale``: at least a pixel, at most `LARGEST_VIEW` of them in its proportions."""
    height, width = wanted_size(image_size, test, scale, crop_size)
    shrunk = math.sqrt(max(1.0, height * width / LARGEST_VIEW))
    return max(1, int(height / shrunk + 0.5)), max(1, int(width / shrunk + 0.5))


def wanted_size(
    image_size: tuple[int, int], test: SegmentationTest, scale: float, crop_size: tuple[int, int]
) -> tuple[float, float]:
    """The size that the rule of ``test`` asks for, however large."""
    height, width = image_size
    if test.size_rule == "stretch":
        return crop_size[0] * scale, crop_size[1] * scale
    if test.size_rule == "own":
        return height * scale, width * scale
    side = max(image_size) if test.size_rule == "long_side" else min(image_size)
    target = int(test.base_size * scale + 0.5)
    return height * target / side, width * target / side


def _windows_at_two_thirds(size: tuple[int, int], crop: tuple[int, int]) -> list[Window]:
    """Windows at every two thirds of the crop, the last ones cut off at the border and padded."""
    if max(size) <= min(crop):
        return [Window(0, 0, *size, crop)]
    tops, lefts = (
        [index * int(side * 2 / 3) for index in range(max(1, math.ceil((length - side) / int(side * 2 / 3)) + 1))]
        for length, side in zip(size, crop, strict=True)
    )
    return [
        Window(top, left, min(crop[0], size[0] - top), min(crop[1], size[1] - left), crop) for top in tops for left in lefts
    ]


def _windows_inside(size: tuple[int, int], window: tuple[int, int], steps: tuple[int, int]) -> list[Window]:
    """Windows at these steps, the last ones moved back inside; as large as the picture where that is smaller."""
    tops, lefts = (
        # The first that reaches the end is the last.
        [max(0, min(start, length - side)) for start in range(0, max(1, length - side + step), step)]
        for length, side, step in zip(size, window, steps, strict=True)
    )
    height, width = min(window[0], size[0]), min(window[1], size[1])
    return [Window(top, left, height, width, (height, width)) for top in tops for left in lefts]


def tile_grid(size: tuple[int, int], limit: int, overlap: int) -> tuple[list[Tile], list[Tile]]:
    """Rows and columns of tiles that cover a picture, none with many more than ``limit`` pixels; one where it fits.

    Neighbours share at least ``overlap`` pixels. Of these the outer quarters at either side count for nothing, and over the
    half between one tile fades into the other: what lies at the border of a tile was seen without its surroundings.
    """
    grids = []
    for rows in range(1, 65):
        height = _tile_length(size[0], rows, overlap)
        columns = _count_within(size[1], limit / height, overlap)
        tile = height * _tile_length(size[1], columns, overlap)
        grids.append((max(0, tile - limit), rows * columns * tile, rows, columns))
        if columns == 1:
            break
    _, _, rows, columns = min(grids)  # those that keep to the limit, and among them the least work
    return _tiles(size[0], rows, overlap), _tiles(size[1], columns, overlap)


def _count_within(length: int, longest: float, overlap: int) -> int:
    """How many tiles an axis needs, none longer than ``longest`` where that leaves room for two overlaps."""
    if length <= longest:
        return 1
    shared = _shared(overlap)
    step = max(shared, int((longest - shared) / TILE_STEP) * TILE_STEP)
    return max(2, math.ceil((length - shared) / step))


def _tile_length(length: int, count: int, overlap: int) -> int:
    """Pixels of each of ``count`` overlapping tiles, so that their beginnings are multiples of `TILE_STEP`."""
    if count == 1:
        return length
    shared = _shared(overlap)
    # At least an overlap from one beginning to the next, so that no more than two tiles lie above each other.
    return shared + max(shared, math.ceil((length - shared) / count / TILE_STEP) * TILE_STEP)


def _tiles(length: int, count: int, overlap: int) -> list[Tile]:
    side, shared = _tile_length(length, count, overlap), _shared(overlap)
    starts = range(0, max(1, length - shared), side - shared) if count > 1 else range(1)
    return [
        Tile(start, min(length, start + side), shared if start else 0, shared if start != starts[-1] else 0) for start in starts
    ]


def _shared(overlap: int) -> int:
    return math.ceil(overlap / TILE_STEP) * TILE_STEP
