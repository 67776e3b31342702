"""Outlines of the regions of a mask as polygons."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Outline:
    """A connected region (pixels that touch at a corner are connected).

    Attributes:
        points: (N, 2) x and y: centres of the pixels at its outer border, in order.
        holes: (M, 2) each: centres of the pixels at the border of what is not of the region, seen from inside the hole.
        area: pixels, without the holes.
    """

    points: NDArray[np.float32]
    holes: tuple[NDArray[np.float32], ...]
    area: int


def outlines(mask: NDArray[np.bool_], min_area: int = 1, tolerance: float = 0.0) -> list[Outline]:
    """The regions of a mask (H, W), largest first.

    Filling all ``points`` and clearing the ``holes`` of each region in turn, borders included, gives the mask again, if
    nothing was left out or simplified.

    Args:
        min_area: smaller regions, and smaller holes, are left out.
        tolerance: pixels by which an outline may be off so that it needs fewer points.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask, np.uint8), connectivity=8)
    found = []
    for index in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[index])
        if area < min_area:
            continue
        region = (labels[top : top + height, left : left + width] == index).astype(np.uint8)
        corner = np.array([left, top], np.float32)
        points = _contour(region)
        filled = cv2.fillPoly(np.zeros_like(region), [points], [1])
        holes = _holes(np.asarray(filled, np.uint8) - region, min_area)
        found.append(
            Outline(
                _simplified(points, tolerance) + corner,
                tuple(_simplified(hole, tolerance) + corner for hole in holes),
                area,
            )
        )
    return sorted(found, key=lambda outline: -outline.area)


def _holes(missing: NDArray[np.uint8], min_area: int) -> list[NDArray[np.int32]]:
    # Holes that touch at a corner are two: a region that is connected over corners passes between them.
    count, labels, stats, _ = cv2.connectedComponentsWithStats(missing, connectivity=4)
    holes = []
    for index in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[index])
        if area >= min_area:
            hole = (labels[top : top + height, left : left + width] == index).astype(np.uint8)
            holes.append(_contour(hole) + np.array([left, top], np.int32))
    return holes


def _contour(region: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The outer border of a region that is in one piece."""
    return np.asarray(cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0][0], np.int32)


def _simplified(points: NDArray[np.int32], tolerance: float) -> NDArray[np.float32]:
    kept = cv2.approxPolyDP(points, tolerance, closed=True) if tolerance > 0 else points
    return np.asarray(kept, np.float32).reshape(-1, 2)
