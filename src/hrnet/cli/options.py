"""Options that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from cyclopts import CycloptsError, Parameter

Preset: TypeAlias = Annotated[
    Literal["fast", "balanced", "accurate", "published"],
    Parameter(help="Flip test, decoder and precision together; published is the convention of published scores."),
]
Device: TypeAlias = Annotated[
    str, Parameter(help="Where the network runs: cpu, cuda, cuda:N or mps; auto takes the fastest there is.")
]
BatchSize: TypeAlias = Annotated[int | None, Parameter(help="People or pictures per forward pass; by the device when absent.")]
Boxes: TypeAlias = Annotated[
    list[str] | None,
    Parameter(
        help="Where the people are: a COCO results JSON file, or x1,y1,x2,y2 in pixels (may be repeated).",
        negative="",
        allow_leading_hyphen=True,
    ),
]


Scales: TypeAlias = Annotated[tuple[float, ...] | None, Parameter(negative="", consume_multiple=True)]
Flag: TypeAlias = Annotated[bool, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class PredictionOptions:
    """What every verb of ``hrnet predict`` takes."""

    output: Annotated[Path, Parameter(help="Folder for what is written.")] = Path("outputs")
    preset: Preset = "balanced"
    device: Device = "auto"
    batch_size: BatchSize = None


@Parameter(name="*")
@dataclass(frozen=True)
class EvaluationOptions:
    """What every verb of ``hrnet evaluate`` takes."""

    preset: Preset = "published"
    device: Device = "auto"
    batch_size: BatchSize = None
    output: Annotated[
        Path | None, Parameter(help="Folder for the numbers and what belongs to them; nothing is written when absent.")
    ] = None

    @property
    def loading(self) -> dict[str, Any]:
        """For `hrnet.load`."""
        return {"preset": self.preset, "device": self.device, "batch_size": self.batch_size}


DEFAULT_PREDICTION, DEFAULT_EVALUATION = PredictionOptions(), EvaluationOptions()


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
