"""Which boxes belong to which frame: those the user gave, those of a results file, or those a detector finds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from hrnet.inference.person_boxes import Boxes, find_boxes, load_boxes, validate_boxes
from hrnet.inference.person_detector import PersonDetector
from hrnet.inference.sources import Frame

GivenBoxes: TypeAlias = "ArrayLike | Sequence[ArrayLike | None] | str | os.PathLike[str] | None"

_logger = logging.getLogger(__name__)


def assign_boxes(
    boxes: GivenBoxes,
    detector: Callable[[], PersonDetector],
    frames: int | None = None,
    announce: Callable[[str], None] | None = None,
) -> Callable[[Frame], Boxes]:
    """Return the function that gives the (N, 4) xyxy boxes and (N,) scores of a frame.

    Args:
        boxes: None to ask the detector; a COCO results file; (N, 4) or (N, 5) boxes, which are looked at in every frame; or
            one such array (or None) for each frame.
        detector: gives the detector; called only where it is needed.
        frames: how many frames there will be, None where it is not known.
        announce: called with a sentence on boxes that were left out and on the first picture that a file does not name; by
            default these are logged as warnings.

    Raises:
        FileNotFoundError, AnnotationError: the file, see `hrnet.inference.person_boxes.load_boxes`.
        ValueError: as many lists of boxes as there are not frames. The function that is returned raises it for boxes that do
            not fit their frame, which it names.
    """
    if boxes is None:
        return lambda frame: detector()([_pixels(frame)])[0]
    if isinstance(boxes, (str, os.PathLike)):
        return _from_file(boxes, announce)
    if not _one_list_per_frame(boxes):
        return lambda frame: _checked(boxes, frame)
    lists: Sequence[Any] = boxes  # pyright: ignore[reportAssignmentType]
    if frames is not None and len(lists) != frames:
        raise ValueError(f"boxes must be one list per picture: got {len(lists)} lists for {frames} pictures")

    def from_lists(frame: Frame) -> Boxes:
        if frame.index >= len(lists):
            raise ValueError(f"boxes must be one list per picture: got {len(lists)} lists, and a picture number {frame.index}")
        given = lists[frame.index]
        return detector()([_pixels(frame)])[0] if given is None else _checked(given, frame)

    return from_lists


def _from_file(file: str | os.PathLike[str], announce: Callable[[str], None] | None) -> Callable[[Frame], Boxes]:
    table = load_boxes(file)
    tell = announce or _logger.warning
    missed = False

    def from_file(frame: Frame) -> Boxes:
        nonlocal missed
        # A frame of a video may be named with its number; else boxes of the video count for all of it.
        found = find_boxes(table, frame.name)
        if found is None and frame.path is not None:
            found = find_boxes(table, frame.path)
        if found is None:
            if not missed:
                tell(f"{os.fspath(file)} does not name {frame.name}: nobody is looked for there, nor in others that it lacks")
            missed = True
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        size = _size(frame)
        return validate_boxes(found[0], size, found[1], on_bad="drop", announce=lambda said: tell(f"{frame.name}: {said}"))

    return from_file


def _checked(boxes: Any, frame: Frame) -> Boxes:
    try:
        return validate_boxes(boxes, _size(frame))
    except ValueError as error:
        raise ValueError(f"{frame.name}: {error}") from error


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
