"""Where people are: boxes from a file or from the user, checked, or the whole picture."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import numpy as np

from hrnet.errors import AnnotationError

Boxes: TypeAlias = tuple[np.ndarray, np.ndarray]  # (N, 4) float32 xyxy pixels and (N,) float32 scores
_logger = logging.getLogger(__name__)


def whole_picture_box(image_size: tuple[int, int]) -> np.ndarray:
    """(1, 4) float32 xyxy box around a picture of (height, width): from (0, 0) to (width, height), as COCO would write it."""
    height, width = image_size
    return np.array([[0, 0, width, height]], np.float32)


def validate_boxes(
    boxes: Any,
    image_size: tuple[int, int],
    scores: Any = None,
    on_bad: str = "raise",
    announce: Callable[[str], None] | None = None,
) -> Boxes:
    """Check boxes against the picture they are for.

    Args:
        boxes: (N, 4) xyxy pixels, or (N, 5) with a score; one box of 4 or 5 numbers; or nothing ([] or (0, 4)). Boxes may
            reach over the picture's edges and are not cut.
        image_size: (height, width) of the picture.
        scores: (N,) scores, if ``boxes`` has none; 1 by default.
        on_bad: ``"raise"``, or ``"drop"`` to leave bad rows out and announce them (for a detector's output).
        announce: called with a sentence about dropped rows; by default it is logged as a warning.

    Returns:
        (N, 4) float32 boxes and (N,) float32 scores.

    Raises:
        ValueError: a shape that does not fit, or a row with NaN, with its corners reversed, without area, or entirely outside
            the picture; the message gives row and values.
    """
    if on_bad not in ("raise", "drop"):
        raise ValueError(f"on_bad must be 'raise' or 'drop', got {on_bad!r}")
    try:
        array = np.asarray(boxes, np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"boxes must be numbers of shape (N, 4) or (N, 5): {error}") from error
    if array.size == 0:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    if array.ndim == 1 and array.size in (4, 5):
        array = array[None]
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise ValueError(f"boxes must have shape (N, 4) as x1, y1, x2, y2, or (N, 5) with a score, got {array.shape}")
    if array.shape[1] == 5 and scores is not None:
        raise ValueError("scores are given twice: as the fifth column of boxes and on their own")
    if array.shape[1] == 5:
        confidence = array[:, 4]
    else:
        confidence = np.ones(len(array)) if scores is None else np.asarray(scores, np.float64)
    if confidence.shape != (len(array),):
        raise ValueError(f"scores must have shape ({len(array)},) like the boxes, got {confidence.shape}")

    faults = [_fault(box, score, image_size) for box, score in zip(array[:, :4], confidence, strict=True)]
    keep = np.array([fault is None for fault in faults])
    if not keep.all():
        first = int(np.flatnonzero(~keep)[0])
        values = ", ".join(f"{value:g}" for value in array[first, :4])
        message = f"box {first} ({values}) {faults[first]}"
        if on_bad == "raise":
            raise ValueError(message)
        (announce or _logger.warning)(f"left out {int((~keep).sum())} of {len(keep)} boxes; the first: {message}")
    return array[keep, :4].astype(np.float32), confidence[keep].astype(np.float32)


def _fault(box: np.ndarray, score: float, image_size: tuple[int, int]) -> str | None:
    height, width = image_size
    with np.errstate(over="ignore"):
        box = box.astype(np.float32)  # in which it goes on: large values overflow, slivers may lose their area
    left, top, right, bottom = box
    if not np.isfinite(box).all():
        return "holds NaN or infinity"
    if not np.isfinite(score):
        return f"has the score {score}"
    if right < left or bottom < top:
        hint = "; is it x, y, width, height?" if right > 0 and bottom > 0 else ""
        return f"has its corners reversed: x1, y1, x2, y2 with x1 <= x2 and y1 <= y2 is wanted{hint}"
    if right == left or bottom == top:
        return "is empty (no width or no height)"
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return f"lies entirely outside the picture of {width} x {height} pixels"
    return None


def load_boxes(path: str | os.PathLike[str], category_id: int | None = 1) -> dict[str, Boxes]:
    """Read the boxes of a COCO results file (a list with scores) or annotation file (``images`` and ``annotations``).

    Args:
        path: JSON file with boxes as x, y, width, height.
        category_id: only this category; None for all. Crowd regions are left out.

    Returns:
        For each picture its boxes (xyxy) and scores, by file name where the file gives it and by image id (as text)
        otherwise. Pictures that an annotation file lists without boxes have zero boxes. Look up with `find_boxes`, and check
        with `validate_boxes`, since files may hold boxes outside the picture.

    Raises:
        FileNotFoundError: no such file.
        AnnotationError: no JSON, another layout, or a row without what is needed; the message names it.
    """
    file = Path(path)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{file} is no JSON: {error}") from error
    names: dict[str, str] = {}
    if isinstance(data, dict):
        if "annotations" not in data:
            raise AnnotationError(f"{file} lacks 'annotations'; it has {', '.join(map(str, data)) or 'nothing'}")
        rows = data["annotations"]
        for index, image in enumerate(data.get("images", [])):
            if not isinstance(image, dict) or "id" not in image:
                raise AnnotationError(f"{file}: images[{index}] lacks 'id'")
            names[str(image["id"])] = str(image.get("file_name", image["id"]))
    else:
        rows = data
    if not isinstance(rows, list):
        raise AnnotationError(f"{file}: expected a list of boxes or an annotation file, got {type(rows).__name__}")
    collected: dict[str, list[list[float]]] = {name: [] for name in names.values()}
    for index, row in enumerate(rows):
        box = _read_row(row, f"{file}: entry {index}")
        if row.get("iscrowd") or (category_id is not None and row.get("category_id", category_id) != category_id):
            continue
        key = str(row["image_id"])
        collected.setdefault(names.get(key, key), []).append(box)
    return {key: _as_boxes(values) for key, values in collected.items()}


def find_boxes(table: Mapping[str, Boxes], name: str | os.PathLike[str]) -> Boxes | None:
    """Look up a picture in what `load_boxes` gave; None if it is not in there.

    Tried in this order: the path as given, its ends (``val/7.jpg``, then ``7.jpg``), the stem, and the stem as a number
    (``000000000139.jpg`` is the image id 139).
    """
    text = os.fspath(name)
    parts = PurePosixPath(text.replace("\\", "/")).parts
    stem = Path(parts[-1]).stem if parts else text
    keys = [text, *("/".join(parts[start:]) for start in range(len(parts))), stem]
    if stem.isascii() and stem.isdigit():
        keys.append(str(int(stem)))
    return next((table[key] for key in keys if key in table), None)


def _read_row(row: Any, where: str) -> list[float]:
    """x1, y1, x2, y2, score of one entry."""
    if not isinstance(row, dict):
        raise AnnotationError(f"{where} must be an object with 'image_id' and 'bbox', got {type(row).__name__}")
    for field in ("image_id", "bbox"):
        if field not in row:
            raise AnnotationError(f"{where} lacks {field!r}; it has {', '.join(map(str, row)) or 'nothing'}")
    try:
        x, y, width, height = (float(value) for value in row["bbox"])
        score = float(row.get("score", 1.0))
    except (TypeError, ValueError) as error:
        raise AnnotationError(f"{where}: 'bbox' must be x, y, width, height and 'score' a number ({error})") from error
    return [x, y, x + width, y + height, score]


def _as_boxes(values: list[list[float]]) -> Boxes:
    array = np.array(values, np.float32).reshape(-1, 5)
    return array[:, :4].copy(), array[:, 4].copy()
