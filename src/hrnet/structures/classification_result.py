"""Which class a picture is of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hrnet.errors import nearest_name
from hrnet.structures.plain_data import plain_numbers, required
from hrnet.structures.saving import picture_to_draw_on, save_result


class RankedClass(NamedTuple):
    """A class that a picture may be of: its name, its score in 0..1 and its number."""

    name: str
    score: float
    index: int


@dataclass(eq=False)  # arrays have no single truth value to compare results by
class ClassificationResult:
    """Which class a picture is of. ``result[name]`` is the score of a class.

    Attributes:
        logits: (C,) float32 outputs of the network.
        classes: the C names.
        image_size: (height, width) of the picture.
        source: path, address or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
        named: False where nobody knows the names of the classes, and ``classes`` only numbers them.
    """

    logits: np.ndarray
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    source: str | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    named: bool = True

    def __post_init__(self) -> None:
        self.classes = tuple(self.classes)
        self.logits = np.asarray(self.logits, np.float32)
        if self.logits.shape != (len(self.classes),) or not self.classes:
            raise ValueError(f"logits must have shape (C,) for C = {len(self.classes)} classes, got {self.logits.shape}")

    def __getitem__(self, name: str) -> float:
        if name not in self.classes:
            raise KeyError(f"there is no class {name!r}; {nearest_name(name, self.classes[:200])}")
        return float(self.scores[self.classes.index(name)])

    def __str__(self) -> str:
        height, width = self.image_size
        where = f" in {self.source}" if self.source else ""
        ranked = ", ".join(f"{entry.name} {entry.score:.3f}" for entry in self.top(3))
        unnamed = "" if self.named else "; the names of the classes are not known"
        return f"{ranked}{where} ({width}x{height}){unnamed}"

    @cached_property
    def scores(self) -> np.ndarray:
        """(C,) float32 softmax of the logits, which sums to 1; NaN where a logit is."""
        powers = np.exp(self.logits.astype(np.float64) - self.logits.max())
        return (powers / powers.sum()).astype(np.float32)

    @property
    def index(self) -> int:
        """Number of the best class."""
        return int(self.logits.argmax())

    @property
    def name(self) -> str:
        """Name of the best class."""
        return self.classes[self.index]

    @property
    def score(self) -> float:
        """Score of the best class."""
        return float(self.scores[self.index])

    def top(self, count: int = 5) -> list[RankedClass]:
        """The ``count`` best classes, the best first; all of them where there are fewer."""
        order = np.argsort(-self.logits, kind="stable")[: max(0, count)]
        return [RankedClass(self.classes[number], float(self.scores[number]), int(number)) for number in order]

    def plot(self, image: np.ndarray | None = None, count: int = 3) -> np.ndarray:
        """Write the ``count`` best classes below ``image``, or below the picture that was kept.

        Args:
            image: (H, W, 3) RGB uint8 of ``image_size``.

        Returns:
            (H', W', 3) RGB uint8; higher than the picture by the text, and small pictures are enlarged.

        Raises:
            ValueError: no picture at hand, or one of another size.
        """
        from hrnet.structures.captions import captioned

        picture = picture_to_draw_on(image, self.image, self.image_size)
        return captioned(picture, [f"{entry.score:6.1%}  {entry.name}" for entry in self.top(count)], marked=0)

    def save(self, path: str | os.PathLike[str], image: np.ndarray | None = None) -> Path:
        """Write the picture with its caption (.jpg, .png, ...) or the numbers (.json), whole or not at all; the path."""
        return save_result(path, lambda: self.to_json(indent=1), lambda: self.plot(image))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the picture: ``top`` (name, score and index of the best five) for readers, and all logits.

        `from_dict` gives the result back. What is not finite becomes None.
        """
        height, width = self.image_size
        top = [{**entry._asdict(), "score": entry.score if np.isfinite(entry.score) else None} for entry in self.top()]
        return {
            "source": self.source,
            "image_size": [int(height), int(width)],
            "top": top,
            "named": self.named,
            "classes": list(self.classes),
            "logits": plain_numbers(self.logits),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ClassificationResult:
        """Build a result from what `to_dict` (or reading the JSON) gave. Raises ValueError naming a missing field."""
        classes, logits, (height, width) = (required(data, name) for name in ("classes", "logits", "image_size"))
        numbers = np.array(logits, np.float32)  # None becomes NaN
        named = bool(data.get("named", True))
        return cls(numbers, tuple(classes), (int(height), int(width)), data.get("source"), named=named)

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)
