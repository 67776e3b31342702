"""Options that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import CycloptsError, Parameter

Preset: TypeAlias = Annotated[
    Literal["fast", "balanced", "accurate", "published"],
    Parameter(help="Flip test, decoder and precision together; published is the convention of published scores."),
]
Device: TypeAlias = Annotated[
    str, Parameter(help="Where the network runs: cpu, cuda, cuda:N or mps; auto takes the fastest there is.")
]
BatchSize: TypeAlias = Annotated[int | None, Parameter(help="People per forward pass; chosen by device when absent.")]
Boxes: TypeAlias = Annotated[
    list[str] | None,
    Parameter(
        help="Where the people are: a COCO results JSON file, or x1,y1,x2,y2 in pixels (may be repeated).",
        negative="",
        allow_leading_hyphen=True,
    ),
]


def parse_boxes(values: list[str] | None) -> Path | list[list[float]] | None:
    """Read ``--boxes``: one path of a JSON file, or any number of ``x1,y1,x2,y2``.

    Returns:
        None where nothing was given, the path, or a list of xyxy boxes in pixels of the picture.

    Raises:
        CycloptsError: the text is neither, or both kinds are mixed.
    """
    if not values:
        return None
    if len(values) == 1 and values[0].lower().endswith(".json"):
        return Path(values[0])
    boxes = []
    for text in values:
        try:
            box = [float(number) for number in text.split(",")]
        except ValueError:
            box = []
        if len(box) != 4:
            raise CycloptsError(f"--boxes needs one .json file or four numbers x1,y1,x2,y2, got {text!r}")
        boxes.append(box)
    return boxes
