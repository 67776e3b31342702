"""The class sets the toolkit knows by name, and sets read from a text file.

`class_sets.json` holds names, colours, mirror pairs, published class weights, and how label files are encoded
(`hrnet.data.label_encodings`). Colours are those of the data sets' own tables; where a data set has none the drawing chooses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures.class_set import ClassSet


def class_set(name: str) -> ClassSet:
    """Return the class set called ``name``, such as ``"cityscapes"`` or ``"ade20k"``.

    Raises:
        ValueError: there is no such set; the message names the nearest ones.
    """
    return _built(_key(name))


def list_class_sets() -> list[str]:
    """Return the names `class_set` accepts, sorted."""
    return sorted(class_table())


def class_sets_of_size(count: int) -> list[str]:
    """Return the names of the known sets with ``count`` classes: what to offer when a file does not name its classes."""
    return [name for name in class_table() if _built(name).num_classes == count]


def published_class_weights(name: str) -> tuple[float, ...] | None:
    """Weights that the loss of the classes was given in the published trainings; None where there were none.

    Raises:
        ValueError: there is no such set.
    """
    weights = class_table()[_key(name)].get("class_weights")
    return None if weights is None else tuple(weights)


def read_class_file(path: str | Path, name: str | None = None) -> ClassSet:
    """Read a class set from a text file.

    Each line is ``name``, or ``index name``, or ``index name red green blue``; an index beyond the others, such as
    ``255 void``, is the one to ignore; lines that start with ``#`` are comments. Without indices classes are counted from 0.

    Args:
        name: of the set; by default that of the file, or of its folder where it is called ``classes.txt``.

    Raises:
        AnnotationError: the file is missing or is not of that form; the message gives the line.
    """
    file = Path(path)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{file}: the class file cannot be read: {error}") from error
    rows = [
        (number, line.split()) for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    if not rows:
        raise AnnotationError(f"{file}: the class file is empty; expected one class per line")
    if not all(words[0].isdecimal() and len(words) > 1 for _, words in rows):
        entries = [(position, " ".join(words), None) for position, (_, words) in enumerate(rows)]
    else:
        entries = [_indexed_class(words, f"{file}, line {number}") for number, words in rows]
    return _from_entries(entries, file, name or (file.resolve().parent.name if file.stem == "classes" else file.stem))


def _indexed_class(words: Sequence[str], where: str) -> tuple[int, str, tuple[int, int, int] | None]:
    index, rest = int(words[0]), list(words[1:])
    color = None
    if len(rest) > 3 and all(word.isdecimal() for word in rest[-3:]):
        red, green, blue = (int(word) for word in rest[-3:])
        if max(red, green, blue) > 255:
            raise AnnotationError(f"{where}: a colour is (red, green, blue) in 0..255, got {red} {green} {blue}")
        color, rest = (red, green, blue), rest[:-3]
    return index, " ".join(rest), color


def _from_entries(entries: Sequence[tuple[int, str, tuple[int, int, int] | None]], file: Path, name: str) -> ClassSet:
    ordered = sorted(entries, key=lambda entry: entry[0])
    indices = [entry[0] for entry in ordered]
    gap = next((place for place, index in enumerate(indices) if index != place), len(indices))
    classes, beyond = ordered[:gap], ordered[gap:]
    if len(beyond) > 1 or not classes:
        raise AnnotationError(
            f"{file}: class indices must run from 0 without gaps, with one more at most for what is ignored; got {indices}"
        )
    colors = tuple(color for _, _, color in classes if color is not None)
    try:
        return ClassSet(
            name,
            tuple(title for _, title, _ in classes),
            colors if len(colors) == len(classes) else None,
            ignore_label=beyond[0][0] if beyond else 255 if len(classes) <= 255 else -1,
        )
    except ValueError as error:
        raise AnnotationError(f"{file}: {error}") from error


def _key(name: str) -> str:
    table = class_table()
    key = name if name in table else name.lower().replace("-", "_").replace(" ", "_")
    if key not in table:
        raise ValueError(f"no class set is called {name!r}; {nearest_name(key, table)}")
    return key


@lru_cache(maxsize=1)
def class_table() -> Mapping[str, Mapping[str, Any]]:
    """The content of `class_sets.json`."""
    return json.loads(resources.files("hrnet.data").joinpath("class_sets.json").read_text(encoding="utf-8"))


@cache
def _built(name: str) -> ClassSet:
    entry = class_table()[name]
    return ClassSet(
        name=name,
        classes=tuple(entry["classes"]),
        colors=tuple((red, green, blue) for red, green, blue in entry["colors"]) if "colors" in entry else None,
        flip_pairs=tuple((first, second) for first, second in entry.get("flip_pairs", ())),
    )
