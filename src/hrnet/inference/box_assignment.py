"""Which boxes belong to which frame: those the user gave, those of a results file, or those a detector finds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike

from hrnet.inference.person_boxes import Boxes, find_boxes, load_boxes, validate_boxes
from hrnet.inference.person_detector import PersonDetector
from hrnet.inference.sources import Frame

GivenBoxes = Union[ArrayLike, Sequence[Union[ArrayLike, None]], str, "os.PathLike[str]", None]


def assign_boxes(boxes: GivenBoxes, detector: PersonDetector, frames: int | None) -> Callable[[Frame], Boxes]:
    """Return the function that gives the (N, 4) xyxy boxes and (N,) scores of a frame.

    Args:
        boxes: None to ask ``detector``; a COCO results file; (N, 4) or (N, 5) boxes, which are looked at in every frame; or
            one such array (or None) for each frame.
        frames: how many frames there will be, None where it is not known.

    Raises:
        ValueError: as many lists of boxes as there are not frames.
    """
    if boxes is None:
        return lambda frame: detector([_pixels(frame)])[0]
    if isinstance(boxes, (str, os.PathLike)):
        table = load_boxes(boxes)

        def from_file(frame: Frame) -> Boxes:
            found = find_boxes(table, frame.path or frame.name)
            nobody = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
            return nobody if found is None else validate_boxes(found[0], _size(frame), found[1], on_bad="drop")

        return from_file
    if not _one_list_per_frame(boxes):
        return lambda frame: validate_boxes(boxes, _size(frame))
    lists: Sequence[Any] = boxes  # pyright: ignore[reportAssignmentType]
    if frames is not None and len(lists) != frames:
        raise ValueError(f"boxes must be one list per picture: got {len(lists)} lists for {frames} pictures")

    def from_lists(frame: Frame) -> Boxes:
        if frame.index >= len(lists):
            raise ValueError(f"boxes must be one list per picture: got {len(lists)} lists, and a picture number {frame.index}")
        given = lists[frame.index]
        return detector([_pixels(frame)])[0] if given is None else validate_boxes(given, _size(frame))

    return from_lists


def _one_list_per_frame(boxes: Any) -> bool:
    """Whether this is a list of box lists rather than one list of boxes: told by how deep the numbers lie."""
    if isinstance(boxes, np.ndarray):
        return boxes.ndim == 3 or boxes.dtype == object
    return isinstance(boxes, Sequence) and any(
        entry is None or len(entry) == 0 or np.ndim(entry[0]) > 0 for entry in boxes if entry is None or np.ndim(entry) > 0
    )


def _pixels(frame: Frame) -> np.ndarray:
    assert frame.image is not None
    return frame.image


def _size(frame: Frame) -> tuple[int, int]:
    height, width = _pixels(frame).shape[:2]
    return height, width
