"""The class of every pixel of one picture."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hrnet.structures.class_outlines import Outline, outlines
from hrnet.structures.class_set import ClassSet
from hrnet.structures.plain_data import listed, tupled
from hrnet.structures.run_lengths import encode_mask
from hrnet.structures.saving import picture_to_draw_on, save_result

SaveKind = Literal["overlay", "labels", "colors"]


@dataclass(eq=False)  # arrays have no single truth value to compare results by
class SegmentationResult:
    """The class of every pixel of one picture.

    Attributes:
        class_map: (H, W) uint8 (int16 for more than 255 classes): indices of ``class_set.classes``, and its ``ignore_label``
            for pixels of no class.
        class_set: names and colours.
        image_size: (height, width) of the picture.
        scores: what the network thinks, where it was asked for: (H, W) float32 the share of the winning class in 0..1, or
            (C, H, W) the shares of all classes.
        source: path, address or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
    """

    class_map: np.ndarray
    class_set: ClassSet
    image_size: tuple[int, int]
    scores: np.ndarray | None = field(default=None, repr=False)
    source: str | None = None
    image: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.image_size = (int(self.image_size[0]), int(self.image_size[1]))
        classes = np.asarray(self.class_map)
        if classes.shape != self.image_size or classes.dtype.kind not in "iu":
            raise ValueError(f"class_map must be whole numbers of shape {self.image_size}, got {classes.dtype} {classes.shape}")
        count, ignored = self.class_set.num_classes, self.class_set.ignore_label
        odd = classes[((classes < 0) | (classes >= count)) & (classes != ignored)]
        if odd.size:
            raise ValueError(
                f"class_map must hold the classes 0..{count - 1} of {self.class_set.name!r} or {ignored}, got {odd[0]}"
            )
        self.class_map = classes.astype(class_map_dtype(self.class_set), copy=False)
        if self.scores is not None:
            self.scores = np.asarray(self.scores, np.float32)
            allowed = (self.image_size, (count, *self.image_size))
            if self.scores.shape not in allowed:
                raise ValueError(f"scores must have shape {allowed[0]} or {allowed[1]}, got {self.scores.shape}")

    @property
    def areas(self) -> np.ndarray:
        """(C,) float64 share of the picture's pixels that each class has; they add up to 1 where every pixel has a class."""
        known = self.class_map[(self.class_map >= 0) & (self.class_map < self.class_set.num_classes)]
        return np.bincount(known.ravel(), minlength=self.class_set.num_classes) / self.class_map.size

    @property
    def legend(self) -> list[tuple[str, float]]:
        """Names and shares of the classes that there are, largest first."""
        areas = self.areas
        order = np.argsort(-areas, kind="stable")
        return [(self.class_set.classes[index], float(areas[index])) for index in order if areas[index] > 0]

    def __str__(self) -> str:
        height, width = self.image_size
        where = f" in {self.source}" if self.source else ""
        legend = self.legend
        shown = ", ".join(f"{name} {100 * share:.1f} %" for name, share in legend[:4])
        more = len(legend) - 4
        return f"{shown}{f' and {more} more classes' if more > 0 else ''}{where} ({width}x{height})"

    def mask(self, name: str | int) -> np.ndarray:
        """(H, W) bool: the pixels of a class, by name or index. Raises ValueError naming the nearest for an unknown one."""
        return self.class_map == self._index(name)

    def polygons(self, name: str | int, min_area: int = 1, tolerance: float = 0.0) -> list[Outline]:
        """Outlines of the connected regions of a class, largest first; see `hrnet.structures.class_outlines.outlines`."""
        return outlines(self.mask(name), min_area, tolerance)

    def rle(self, name: str | int) -> dict[str, Any]:
        """COCO's run lengths of a class: ``size`` [height, width], and ``counts`` down the columns, outside first."""
        return {"size": list(self.image_size), "counts": encode_mask(self.mask(name)).tolist()}

    def plot(self, image: np.ndarray | None = None, opacity: float = 0.6, legend: bool = True) -> np.ndarray:
        """Draw the classes over a copy of ``image``, or of the picture that was kept; without either in plain colours.

        Args:
            image: (H, W, 3) RGB uint8 of ``image_size``.
            opacity: of the colours, 0..1.
            legend: write the names of the largest classes into a corner.

        Returns:
            (H, W, 3) RGB uint8.

        Raises:
            ValueError: a picture of another size.
        """
        from hrnet.structures.class_legend import draw_legend
        from hrnet.structures.class_overlay import color_picture, draw_classes

        if image is None and self.image is None:
            drawn = color_picture(self.class_map, self.class_set)
        else:
            picture = picture_to_draw_on(image, self.image, self.image_size)
            drawn = draw_classes(picture, self.class_map, self.class_set, opacity)
        return draw_legend(drawn, self.legend, self.class_set) if legend else drawn

    def save(
        self,
        path: str | os.PathLike[str],
        image: np.ndarray | None = None,
        kind: SaveKind = "overlay",
        label_values: Mapping[int, int] | None = None,
    ) -> Path:
        """Write a file, whole or not at all; the path is returned.

        Args:
            path: ``.json`` for the numbers, otherwise a picture; of the kinds ``labels`` and ``colors`` a ``.png``.
            image: the picture to draw over, where it was not kept.
            kind: ``overlay``, the picture with classes over it; ``labels``, the indices as pixel values, with a palette;
                ``colors``, every class in its colour.
            label_values: of the kind ``labels``: the pixel value of each class, such as the ids of a data set's own files.
        """
        from hrnet.atomic_files import write_atomically

        target = Path(path)
        suffix = target.suffix.lower()
        if kind == "overlay" or suffix == ".json":
            return save_result(target, self.to_json, lambda: self.plot(image))
        if suffix != ".png":
            raise ValueError(f"{kind} are saved as .png, which keeps every value; got {target.name!r}")
        write_atomically(target, self.label_png(label_values) if kind == "labels" else self.color_png())
        return target

    def label_png(self, values: Mapping[int, int] | None = None) -> bytes:
        """A PNG with the class indices as pixel values, shown in the classes' colours; or with other values for them.

        Raises:
            ValueError: a class of the picture has no value.
        """
        from hrnet.structures.label_pictures import encode_label_picture

        ignored = self.class_set.ignore_label
        if values is None:
            classes = self.class_map
            if ignored < 0 and (classes == ignored).any():  # no pixel can hold it
                classes = np.where(classes == ignored, self.class_set.num_classes, classes)
            return encode_label_picture(classes, self.class_set)
        mapped = np.full(self.image_size, max(ignored, 0), np.int64)
        for index in np.unique(self.class_map).tolist():
            if index != ignored and index not in values:
                raise ValueError(f"label_values have none for class {index}, {self.class_set.classes[index]!r}")
            if index in values:
                mapped[self.class_map == index] = values[index]
        return encode_label_picture(mapped)

    def color_png(self) -> bytes:
        """A PNG with every pixel in the colour of its class."""
        from hrnet.drawing import encode_picture
        from hrnet.structures.class_overlay import color_picture

        return encode_picture(color_picture(self.class_map, self.class_set), ".png")

    def to_dict(self) -> dict[str, Any]:
        """Plain data without picture and scores; `from_dict` gives the class map back.

        Layout: ``source``, ``image_size`` [height, width], ``class_set`` (all its fields), ``legend`` (name to share of the
        pixels), and ``runs``: ``values`` and ``lengths`` of the runs of equal pixels, row by row from the top left.
        """
        class_set = {name: listed(value) for name, value in asdict(self.class_set).items()}
        flat = self.class_map.ravel()
        starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]])) if flat.size else np.zeros(0, np.int64)
        lengths = np.diff(np.append(starts, flat.size))
        return {
            "source": self.source,
            "image_size": list(self.image_size),
            "class_set": class_set,
            "legend": {name: round(share, 6) for name, share in self.legend},
            "runs": {"values": flat[starts].tolist(), "lengths": lengths.tolist()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SegmentationResult:
        """Build a result from what `to_dict` (or reading the JSON) gave. Raises ValueError for what does not fit."""
        for name in ("image_size", "class_set", "runs"):
            if name not in data:
                raise ValueError(f"a saved result must have {name!r}; it has {', '.join(sorted(data))}")
        try:
            fields = {name: tupled(value) for name, value in data["class_set"].items()}
            class_set = ClassSet(**fields)
            height, width = (int(side) for side in data["image_size"])
            values, lengths = (np.array(data["runs"][name], np.int64) for name in ("values", "lengths"))
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"a saved segmentation does not fit: {error}") from error
        if values.shape != lengths.shape or (lengths < 0).any() or lengths.sum() != height * width:
            raise ValueError(
                f"the runs of a saved result must be as many values as lengths that add up to {height} x {width} pixels, got "
                f"{values.size} values and {lengths.size} lengths of {lengths.sum()} pixels"
            )
        return cls(np.repeat(values, lengths).reshape(height, width), class_set, (height, width), source=data.get("source"))

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as strict JSON (no NaN); runs stay on one line."""
        data = self.to_dict()
        if indent is None:
            return json.dumps(data, allow_nan=False)
        runs = json.dumps(data.pop("runs"), allow_nan=False)
        return json.dumps(data, indent=indent, allow_nan=False)[:-2] + f',\n{" " * indent}"runs": {runs}\n}}'

    def _index(self, name: str | int) -> int:
        if isinstance(name, str):
            return self.class_set.index(name)
        if not 0 <= name < self.class_set.num_classes:
            raise ValueError(f"class {name} is not one of 0..{self.class_set.num_classes - 1} of {self.class_set.name!r}")
        return int(name)


def class_map_dtype(class_set: ClassSet) -> type[np.uint8] | type[np.int16]:
    """Type of the class maps of a set: uint8, or int16 where a class or the ignored value does not fit."""
    return np.uint8 if 0 <= class_set.ignore_label <= 255 else np.int16  # an ignored value from 0 on is above all classes
