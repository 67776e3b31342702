"""Regions of a picture as COCO writes them, polygons, run lengths or a box, and the mask that they cover together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.annotation_file import Entry
from hrnet.errors import AnnotationError, MissingExtraError

_POLYGON_NUMBERS = 6  # three corners; COCO's tools would read two as a box
_FURTHEST = 1e5  # pixels; corners beyond are moved here, where they no longer matter


@dataclass(frozen=True)
class Region:
    """Part of a picture.

    Attributes:
        label: how messages call it, such as ``"annotations.json: annotation 17"``.
        box: (4,) float64 xyxy pixels; what counts where there is neither of the others.
        polygons: flat lists x, y, x, y, ...; pixels, the left edge of the picture at 0 as in COCO's tools.
        run_lengths: COCO's ``{"size": [height, width], "counts": list or compressed string}``.
    """

    label: str
    box: NDArray[np.float64]
    polygons: tuple[NDArray[np.float64], ...] = ()
    run_lengths: Mapping[str, Any] | None = None


def region_of_entry(entry: Entry, box: NDArray[np.float64]) -> Region:
    """Read the field ``segmentation`` of a COCO annotation; without one, or with an empty one, the box counts.

    Polygons of fewer than three corners are left out.

    Raises:
        AnnotationError: it is none of COCO's forms.
    """
    label = f"{entry.file}: {entry.label}"
    value = entry.fields.get("segmentation")
    expected = "a list of polygons x, y, x, y, ... or an object with 'size' and 'counts'"
    if isinstance(value, Mapping):
        size, counts = value.get("size"), value.get("counts")
        if not isinstance(size, (list, tuple)) or len(size) != 2 or not isinstance(counts, (list, str)):
            raise entry.error("segmentation", expected, dict(value))
        if isinstance(counts, list) and not all(isinstance(n, (int, float)) and n >= 0 and n == int(n) for n in counts):
            raise entry.error("segmentation", "run lengths that are whole numbers of at least 0", counts)
        return Region(label, box, run_lengths={"size": [int(side) for side in size], "counts": counts})
    if value is None:
        return Region(label, box)
    if not isinstance(value, list):
        raise entry.error("segmentation", expected, value)
    polygons = []
    for polygon in value:
        try:
            corners = np.array(polygon, np.float64)
        except (TypeError, ValueError):
            raise entry.error("segmentation", expected, value) from None
        if corners.ndim != 1 or len(corners) % 2 or not np.isfinite(corners).all():
            raise entry.error("segmentation", expected, polygon)
        if len(corners) >= _POLYGON_NUMBERS:
            polygons.append(corners.clip(-_FURTHEST, _FURTHEST))
    return Region(label, box, tuple(polygons))


def covered(regions: Iterable[Region], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels (H, W) that any of the regions covers, in a picture of ``size`` (height, width).

    Polygons and run lengths are drawn by COCO's own rules, so that masks equal those of its tools.

    Raises:
        AnnotationError: run lengths are broken or of a picture of another size.
        MissingExtraError: there are polygons or run lengths, and faster-coco-eval is not installed.
    """
    mask = np.zeros(size, np.bool_)
    for region in regions:
        if region.run_lengths is not None or region.polygons:
            mask |= _drawn(region, size)
        else:
            left, top, right, bottom = np.clip(np.round(region.box), 0, [*size[::-1], *size[::-1]]).astype(int)
            mask[top:bottom, left:right] = True
    return mask


def _drawn(region: Region, size: tuple[int, int]) -> NDArray[np.bool_]:
    try:
        from faster_coco_eval.core import mask as coco
    except ImportError as error:
        raise MissingExtraError(
            f"masks of polygons and run lengths need faster-coco-eval ({error}): pip install 'hrnet[train]'"
        ) from error
    if region.run_lengths is not None and tuple(region.run_lengths["size"]) != size:
        raise AnnotationError(
            f"{region.label}: its run lengths are of a picture of (height, width) {tuple(region.run_lengths['size'])}, "
            f"the picture has {size}"
        )
    try:
        if region.run_lengths is None:
            polygons = [polygon.tolist() for polygon in region.polygons]
            parts: Any = coco.frPyObjects(polygons, *size)
            return coco.decode(coco.merge(parts)).astype(np.bool_)
        runs: Any = dict(region.run_lengths)
        if isinstance(runs["counts"], list):
            runs = coco.frPyObjects({**runs, "counts": [int(count) for count in runs["counts"]]}, *size)
        return coco.decode(runs).astype(np.bool_)
    except (RuntimeError, TypeError, ValueError) as error:
        raise AnnotationError(f"{region.label}: its segmentation is broken ({error})") from error
