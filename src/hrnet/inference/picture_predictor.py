"""What every predictor does with what it is given, whatever it looks for; the base of those that look at whole pictures."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from hrnet.inference.sources import Frame, Source, open_source


class Result(Protocol):
    """What was found in one picture.

    Attributes:
        image_size: (height, width) of the picture.
        source: path or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
    """

    image_size: tuple[int, int]
    source: str | None
    image: np.ndarray | None

    def plot(self, image: np.ndarray | None = None) -> np.ndarray: ...

    def save(self, path: str | os.PathLike[str], image: np.ndarray | None = None) -> Path: ...

    def to_dict(self) -> dict[str, Any]: ...

    def to_json(self, indent: int | None = None) -> str: ...


ResultT = TypeVar("ResultT")
Stream = Callable[[Source], Iterator[tuple[Frame, "ResultT | None"]]]


class PicturePredictor(ABC, Generic[ResultT]):
    """A predictor that looks at whole pictures.

    Args:
        name: of the model, for summaries.
        batch_size: pictures that are handed to `predict_pictures` together.
    """

    def __init__(self, name: str, batch_size: int = 1) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.name = name
        self.batch_size = batch_size

    @abstractmethod
    def predict_pictures(self, images: Sequence[np.ndarray]) -> list[ResultT]:
        """Results of pictures (H, W, 3) RGB uint8 of any sizes, in order; `stream` fills in ``source`` and ``image``."""

    def __call__(self, images: Any, *, bgr: bool = False) -> ResultT | list[ResultT]:
        """Predict in pictures.

        Args:
            images: a path, array (H, W, 3) uint8 RGB, PIL image, video, folder, glob, or a list or batch of these.
            bgr: arrays are BGR, as OpenCV reads them.

        Returns:
            one result for one picture, otherwise a list, in order. Frames of videos are not kept in their results; for a
            camera, a long video or a very large folder see `stream`, which holds only a few pictures at a time.

        Raises:
            ImageError: a picture cannot be read.
            ValueError: a camera, which has no end.
        """
        return collect(images, bgr, self.stream)

    def stream(self, frames: Source | Iterable[Frame]) -> Iterator[tuple[Frame, ResultT | None]]:
        """Yield each frame with its result, in order; None for a frame that could not be read.

        Results may come up to a batch of frames late; those of a camera come at once.
        """
        patience = 1 if isinstance(frames, Source) and frames.is_live else self.batch_size
        waiting: list[Frame] = []
        for frame in frames:
            waiting.append(frame)
            if len(waiting) == patience:
                yield from self._finish(waiting)
                waiting = []
        yield from self._finish(waiting)

    def _finish(self, frames: list[Frame]) -> Iterator[tuple[Frame, ResultT | None]]:
        images = [frame.image for frame in frames if frame.image is not None]
        found = iter(self.predict_pictures(images) if images else ())
        for frame in frames:
            if frame.image is None:
                yield frame, None
            else:
                kept = frame.image if frame.video is None else None
                yield frame, replace(next(found), source=frame.name, image=kept)  # pyright: ignore[reportArgumentType]


def collect(images: Any, bgr: bool, stream: Stream[ResultT]) -> ResultT | list[ResultT]:
    """Results of whatever was given: one for a single picture, else a list. Errors as of `PicturePredictor.__call__`."""
    source = open_source(images, bgr=bgr)
    if source.is_live:
        raise ValueError("a camera has no end: loop over predictor.stream(open_source(...)), see hrnet.inference.sources")
    results = []
    for frame, result in stream(source):
        if frame.error is not None or result is None:
            raise frame.error or ValueError(f"{frame.name} could not be read")
        results.append(result)
    single = source.count == 1 and not source.is_video and _is_single(images)
    return results[0] if single else results


def _is_single(images: Any) -> bool:
    """Whether one picture was given as such, and not a list, batch or folder of one."""
    if isinstance(images, (str, os.PathLike)):
        return Path(images).expanduser().is_file()
    return not isinstance(images, (list, tuple)) and getattr(images, "ndim", 3) < 4
