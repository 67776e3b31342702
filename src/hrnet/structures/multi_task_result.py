"""What several tasks found in one picture."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.structures.saving import picture_to_draw_on, save_result


@dataclass(eq=False)
class MultiTaskResult:
    """What several tasks found in one picture: ``result["pose"]`` is what the task of that name found.

    Attributes:
        parts: the results of the tasks by name.
        image_size: (height, width) of the picture.
        source: path, address or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
    """

    parts: Mapping[str, Any]
    image_size: tuple[int, int]
    source: str | None = None
    image: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, part in self.parts.items():
            if tuple(part.image_size) != tuple(self.image_size):
                raise ValueError(f"{name} is for a picture of {tuple(part.image_size)}, the others for {self.image_size}")

    def __getitem__(self, name: str) -> Any:
        if name not in self.parts:
            raise KeyError(f"there is no result of {name!r}, only of {', '.join(self.parts)}")
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def plot(self, image: np.ndarray | None = None) -> np.ndarray:
        """Draw every task's result over those before it; what only writes captions comes last, one copy for each.

        Args:
            image: (H, W, 3) RGB uint8 of ``image_size``; the picture that was kept where it is not given.

        Returns:
            (H', W', 3) RGB uint8; of the picture's size unless there are captions.

        Raises:
            ValueError: no picture at hand, or one of another size.
        """
        picture = picture_to_draw_on(image, self.image, self.image_size)
        captions = []
        for part in self.parts.values():
            drawn = part.plot(picture)
            if drawn.shape == picture.shape:
                picture = drawn
            else:
                captions.append(part)
        return _side_by_side([part.plot(picture) for part in captions]) if captions else picture

    def save(self, path: str | os.PathLike[str], image: np.ndarray | None = None) -> Path:
        """Write the annotated picture (.jpg, .png, ...) or the numbers (.json), whole or not at all; the path."""
        return save_result(path, lambda: self.to_json(indent=1), lambda: self.plot(image))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the picture; ``parts`` has what the results' own ``to_dict`` give."""
        height, width = self.image_size
        parts = {name: part.to_dict() for name, part in self.parts.items()}
        return {"source": self.source, "image_size": [int(height), int(width)], "parts": parts}

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)


def _side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    height = max(picture.shape[0] for picture in pictures)
    padded = [np.pad(one, ((0, height - one.shape[0]), (0, 0), (0, 0)), constant_values=255) for one in pictures]
    return np.concatenate(padded, axis=1)
