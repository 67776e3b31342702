"""What the values in label files mean: raw ids of a data set, or colours, to classes and pixels that count nowhere.

Label maps inside the toolkit hold classes 0..C-1, and `ClassSet.ignore_label` where nothing counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.data.class_sets import class_table
from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures.class_set import ClassSet

LabelMap = NDArray[np.integer]
"""(H, W) classes; see `label_dtype`."""

_UNKNOWN = -2
_LARGEST_VALUE = 65535


def label_dtype(class_set: ClassSet) -> type[np.uint8] | type[np.int32]:
    """Type of label maps: uint8, or int32 where the ignored value or a class does not fit into 8 bits."""
    fits = 0 <= class_set.ignore_label <= 255 and class_set.num_classes <= 256
    return np.uint8 if fits else np.int32


@dataclass(frozen=True)
class LabelEncoding:
    """The values that label files hold.

    Attributes:
        name: ``"classes"`` where files hold the classes themselves, otherwise one of `list_encodings`.
        class_set: what they are decoded to.
        values: by value in a file its class, or None where it counts nowhere. The ignored value is always known.
    """

    name: str
    class_set: ClassSet
    values: Mapping[int, int | None] = field(repr=False)

    def decode(self, values: NDArray[np.integer], where: str = "label map") -> LabelMap:
        """Classes (H, W) of the values (H, W) of a file.

        Raises:
            AnnotationError: there are values that mean nothing; the message says how many, and what they could mean.
        """
        table = self._table
        if values.size and (int(values.max()) >= len(table) or int(values.min()) < 0):
            known = np.where((values >= 0) & (values < len(table)), values, len(table) - 1)
            classes = np.where(known == values, table[known], _UNKNOWN)
        else:
            classes = table[values]
        unknown = classes == _UNKNOWN
        if self.class_set.ignore_label < 0:  # of files that can hold it
            ignored = values == self.class_set.ignore_label
            classes, unknown = np.where(ignored, self.class_set.ignore_label, classes), unknown & ~ignored
        if unknown.any():
            raise AnnotationError(f"{where}: {self.describe_unknown(values[unknown])}")
        return classes.astype(label_dtype(self.class_set))

    def unknown_values(self, counts: Mapping[int, int]) -> dict[int, int]:
        """Of pixel counts by value those that mean nothing here."""
        table, ignored = self._table, self.class_set.ignore_label
        return {v: n for v, n in counts.items() if v != ignored and (not 0 <= v < len(table) or table[v] == _UNKNOWN)}

    def describe_unknown(self, values: NDArray[np.integer]) -> str:
        """A sentence about values that mean nothing here, with the encoding they would fit where there is one."""
        found, counts = np.unique(values, return_counts=True)
        shown = ", ".join(f"{value} ({count:,} pixels)" for value, count in zip(found[:6], counts[:6], strict=True))
        last = self.class_set.num_classes - 1
        expected = f"0..{last} and {self.class_set.ignore_label}" if self.name == "classes" else f"those of {self.name!r}"
        others = [label_encoding(self.class_set, name) for name in list_encodings(self.class_set) if name != self.name]
        known = [one for one in others if isinstance(one, LabelEncoding)]
        fitting = [one.name for one in known if not one.unknown_values(dict.fromkeys(found.tolist(), 1))]
        hint = f"; encoding {' or '.join(map(repr, fitting))} knows them" if fitting else ""
        return f"expected the values {expected} for {self.class_set.name!r}, got {shown}{hint}"

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        table = np.full(max([255, self.class_set.ignore_label, *self.values]) + 1, _UNKNOWN, np.int32)
        ignored = self.class_set.ignore_label
        if ignored >= 0:
            table[ignored] = ignored
        for value, index in self.values.items():
            table[value] = ignored if index is None else index
        return table


@dataclass(frozen=True)
class ColorEncoding:
    """Label files that are pictures, each class in its colour; the colours of ``ignored`` count nowhere."""

    class_set: ClassSet
    ignored: tuple[tuple[int, int, int], ...] = ((0, 0, 0),)
    name: str = "colors"

    def __post_init__(self) -> None:
        if self.class_set.colors is None:
            raise ValueError(f"class set {self.class_set.name!r} has no colours, so labels cannot be read by colour")
        if len(set(self.class_set.colors)) != self.class_set.num_classes:
            raise ValueError(f"class set {self.class_set.name!r} has a colour twice, so labels cannot be read by colour")

    def decode(self, values: NDArray[np.integer], where: str = "label map") -> LabelMap:
        """Classes (H, W) of the colours (H, W, 3) of a picture. Raises AnnotationError for colours that mean nothing."""
        packed = _pack(values)
        colors = self.class_set.colors or ()
        ignored = [color for color in self.ignored if color not in colors]
        keys = _pack(np.array([*colors, *ignored]))
        classes = np.array([*range(len(colors)), *(self.class_set.ignore_label for _ in ignored)])
        order = np.argsort(keys)
        place = np.minimum(np.searchsorted(keys, packed, sorter=order), len(keys) - 1)
        chosen = order[place]
        unknown = keys[chosen] != packed
        if unknown.any():
            odd = np.unique(values[unknown], axis=0)[:4].tolist()
            raise AnnotationError(
                f"{where}: {int(unknown.sum()):,} pixels have colours of no class of {self.class_set.name!r}, such as {odd}"
            )
        return classes[chosen].astype(label_dtype(self.class_set))


def list_encodings(class_set: ClassSet) -> list[str]:
    """Names `label_encoding` takes for a class set: ``"classes"``, those its data set is published in, and ``"colors"``."""
    return ["classes", *_published(class_set), *(["colors"] if class_set.colors else [])]


def label_encoding(class_set: ClassSet, name: str = "classes") -> LabelEncoding | ColorEncoding:
    """How the label files of ``class_set`` are encoded.

    Raises:
        ValueError: there is no such encoding; the message names the nearest.
    """
    if name == "classes":
        return LabelEncoding(name, class_set, {index: index for index in range(class_set.num_classes)})
    known = list_encodings(class_set)
    if name not in known:
        raise ValueError(f"labels of {class_set.name!r} have no encoding {name!r}; {nearest_name(name, known)}")
    if name == "colors":
        return ColorEncoding(class_set)
    entry = _published(class_set)[name]
    values: dict[int, int | None] = {}
    if "others" in entry:
        first, last, others = entry["others"]
        values.update(dict.fromkeys(range(first, last + 1), others))
    values.update({value: index for index, value in enumerate(entry["values"])})
    values.update(dict.fromkeys(entry.get("ignored", ())))
    return LabelEncoding(name, class_set, values)


def encode_labels(encoding: LabelEncoding, labels: LabelMap) -> NDArray[np.integer]:
    """Values of a file for a label map, the reverse of decoding; ignored pixels become the class set's ignored value."""
    ignored = encoding.class_set.ignore_label
    of_class = {index: value for value, index in reversed(list(encoding.values.items())) if index is not None}
    result = np.full(labels.shape, ignored, np.int32)
    for index, value in of_class.items():
        result[labels == index] = value
    fits = result.size == 0 or (result.min() >= 0 and result.max() <= 255)
    return result.astype(np.uint8) if fits else result


def _published(class_set: ClassSet) -> Mapping[str, Any]:
    """Encodings of the data set's own files; a set that only has the name of a known one has none."""
    entry = class_table().get(class_set.name, {})
    return entry.get("encodings", {}) if tuple(entry.get("classes", ())) == class_set.classes else {}


def _pack(colors: NDArray[np.integer] | Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """One number for each colour (..., 3)."""
    return np.asarray(colors, np.int64) @ np.array([65536, 256, 1])
