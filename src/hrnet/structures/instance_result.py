"""The instances found in one picture: a mask, a class and a score for each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.structures.choosing import chosen_places
from hrnet.structures.plain_data import plain_numbers
from hrnet.structures.run_lengths import (
    Runs,
    area_of_runs,
    box_of_runs,
    checked_runs,
    compress_runs,
    decode_mask,
    encode_labels,
    encode_mask,
    expand_runs,
)
from hrnet.structures.saving import picture_to_draw_on, save_result


@dataclass(eq=False)  # arrays have no single truth value to compare results by
class InstanceResult:
    """The instances found in one picture.

    ``len(result)`` counts them; ``result[i]``, a slice, a mask or an array of indices gives a result with those instances.
    Masks are kept as run lengths, so that the results of a long video fit into memory; ``masks`` gives pixels.

    Attributes:
        runs: N masks; see `hrnet.structures.run_lengths`. `from_masks` and `from_labels` take pixels.
        scores: (N,) float32, 0..1.
        class_ids: (N,) int64, places in ``class_names``.
        class_names: of the C classes.
        image_size: (height, width) of the picture.
        source: path, address or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
    """

    runs: tuple[Runs, ...]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    source: str | None = None
    image: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        count = len(self.runs)
        self.runs = tuple(checked_runs(runs, self.image_size) for runs in self.runs)
        self.scores = np.asarray(self.scores, np.float32)
        ids = np.asarray(self.class_ids)
        if ids.size and ids.dtype.kind not in "iu":
            raise ValueError(f"class_ids must be whole numbers, got {ids.dtype}")
        self.class_ids = ids.astype(np.int64)
        for name in ("scores", "class_ids"):
            if getattr(self, name).shape != (count,):
                raise ValueError(f"{name} must have shape ({count},) for {count} masks, got {getattr(self, name).shape}")
        if count and not (self.class_ids.min() >= 0 and self.class_ids.max() < len(self.class_names)):
            raise ValueError(f"class_ids must lie within 0..{len(self.class_names) - 1}, got {self.class_ids.tolist()}")

    @classmethod
    def from_masks(cls, masks: np.ndarray, scores: Any, class_ids: Any, class_names: Sequence[str]) -> InstanceResult:
        """From masks (N, H, W) of booleans, which may overlap."""
        given = np.asarray(masks)
        if given.ndim != 3 or given.dtype != np.bool_:
            raise ValueError(f"masks must be (N, H, W) booleans, got {given.dtype} {given.shape}")
        size = given.shape[1], given.shape[2]
        return cls(tuple(map(encode_mask, given)), scores, class_ids, tuple(class_names), size)

    @classmethod
    def from_labels(cls, labels: np.ndarray, scores: Any, class_ids: Any, class_names: Sequence[str]) -> InstanceResult:
        """From a map (H, W) that says n where instance n is, counted from 1."""
        size = labels.shape[0], labels.shape[1]
        return cls(tuple(encode_labels(labels, len(scores))), scores, class_ids, tuple(class_names), size)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: int | slice | np.ndarray | list[int] | list[bool]) -> InstanceResult:
        chosen = chosen_places(index, len(self), "instance", "instances")
        runs = tuple(self.runs[place] for place in chosen)
        return replace(self, runs=runs, scores=self.scores[chosen], class_ids=self.class_ids[chosen])

    def __iter__(self) -> Iterator[InstanceResult]:
        return (self[index] for index in range(len(self)))

    def __str__(self) -> str:
        counts = np.bincount(self.class_ids, minlength=len(self.class_names))
        named = [f"{count} {name}" for name, count in zip(self.class_names, counts, strict=True) if count]
        height, width = self.image_size
        where = f" in {self.source}" if self.source else ""
        return f"{', '.join(named) or 'no instance'}{where} ({width}x{height})"

    @property
    def masks(self) -> NDArray[np.bool_]:
        """(N, H, W) booleans."""
        masks = [decode_mask(runs, self.image_size) for runs in self.runs]
        return np.stack(masks) if masks else np.zeros((0, *self.image_size), np.bool_)

    @property
    def areas(self) -> NDArray[np.int64]:
        """(N,) pixels."""
        return np.array([area_of_runs(runs) for runs in self.runs], np.int64)

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(N, 4) xyxy: centres of the outermost pixels of each mask."""
        boxes = [box_of_runs(runs, self.image_size[0]) for runs in self.runs]
        return np.stack(boxes) if boxes else np.zeros((0, 4), np.float32)

    def plot(self, image: np.ndarray | None = None, threshold: float = 0.0) -> np.ndarray:
        """Draw the instances on a copy of ``image`` (H, W, 3) RGB uint8, or of the picture that was kept.

        Args:
            threshold: smallest score that is drawn.

        Raises:
            ValueError: no picture at hand, or one of another size.
        """
        from hrnet.structures.instance_drawing import draw_instances

        picture = picture_to_draw_on(image, self.image, self.image_size)
        shown = self[self.scores >= threshold]
        return draw_instances(picture, shown.masks, [self.class_names[number] for number in shown.class_ids], shown.scores)

    def save(self, path: str | os.PathLike[str], image: np.ndarray | None = None) -> Path:
        """Write the annotated picture (.jpg, .png, ...) or the numbers (.json), whole or not at all. Returns the path."""
        return save_result(path, lambda: self.to_json(indent=1), lambda: self.plot(image))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the picture; `from_dict` gives the result back.

        Layout: ``source``, ``image_size`` [height, width], ``classes``, and ``instances``: per instance ``class``, ``score``,
        ``box`` [x1, y1, x2, y2], ``area`` in pixels, and ``segmentation``, COCO's compressed run lengths.
        """
        rows = zip(self.class_ids, plain_numbers(self.scores), self.boxes, self.areas, self._segmentations(), strict=True)
        instances = [
            {
                "class": self.class_names[number],
                "score": score,
                "box": box.tolist(),
                "area": int(area),
                "segmentation": segmentation,
            }
            for number, score, box, area, segmentation in rows
        ]
        size = [int(side) for side in self.image_size]
        return {"source": self.source, "image_size": size, "classes": list(self.class_names), "instances": instances}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InstanceResult:
        """Build a result from what `to_dict` (or reading the JSON) gave. Raises ValueError naming what is wrong."""
        try:
            names = tuple(data["classes"])
            height, width = data["image_size"]
            instances = data["instances"]
            runs = tuple(expand_runs(instance["segmentation"]["counts"]) for instance in instances)
            ids = [names.index(instance["class"]) for instance in instances]
            scores = [instance["score"] for instance in instances]
        except KeyError as error:
            raise ValueError(f"a saved result lacks the field {error}") from None
        except TypeError as error:
            raise ValueError(f"a saved result does not hold what it should: {error}") from None
        return cls(runs, np.array(scores), np.array(ids, np.int64), names, (int(height), int(width)), data.get("source"))

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as strict JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_coco(self, image_id: int | str, category_ids: Sequence[int | str] | None = None) -> list[dict[str, Any]]:
        """One entry per instance in COCO's results format: ``segmentation`` as compressed run lengths, ``bbox`` x, y, w, h.

        Args:
            category_ids: of each class; counted from 1 where it is not given.
        """
        numbers = list(range(1, len(self.class_names) + 1)) if category_ids is None else list(category_ids)
        if len(numbers) != len(self.class_names):
            raise ValueError(f"category_ids must name all {len(self.class_names)} classes, got {len(numbers)}")
        rows = zip(self.class_ids, plain_numbers(self.scores), self.boxes, self.areas, self._segmentations(), strict=True)
        return [
            {
                "image_id": image_id,
                "category_id": numbers[number],
                "segmentation": segmentation,
                # COCO's boxes reach from the first to behind the last pixel.
                "bbox": [*box[:2].tolist(), *(box[2:] - box[:2] + (area > 0)).tolist()],
                "area": int(area),
                "score": score,
            }
            for number, score, box, area, segmentation in rows
        ]

    def _segmentations(self) -> list[dict[str, Any]]:
        size = [int(side) for side in self.image_size]
        return [{"size": size, "counts": compress_runs(runs)} for runs in self.runs]
