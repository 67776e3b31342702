"""Reading annotation files and their fields, so that every complaint names the file, the entry and the field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet


def read_content(path: str | Path) -> bytes:
    """The bytes of an annotation file.

    Raises:
        AnnotationError: it is missing, a folder, or empty.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise AnnotationError(f"{path}: there is no such annotation file") from None
    except IsADirectoryError:
        raise AnnotationError(f"{path}: expected an annotation file, got a folder") from None
    except OSError as error:
        raise AnnotationError(f"{path}: the annotation file cannot be read ({error.strerror or error})") from error
    if not content.strip():
        raise AnnotationError(f"{path}: the annotation file is empty")
    return content


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        AnnotationError: it is missing, a folder, empty, cut off or not JSON.
    """
    content = read_content(path)
    try:
        return json.loads(content)
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: expected JSON text, got something else (byte {error.start} is not text)") from None
    except json.JSONDecodeError as error:
        cut = " - is the file cut off?" if error.pos >= len(error.doc.rstrip()) - 1 else ""
        raise AnnotationError(
            f"{path}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}{cut}"
        ) from None
    except RecursionError:
        raise AnnotationError(f"{path}: the JSON is nested too deeply to be an annotation file") from None


@dataclass(frozen=True)
class Entry:
    """One object of an annotation file, with what is needed to complain about it.

    Attributes:
        file: the annotation file.
        label: how messages call the object, such as ``"annotation 17"``.
        fields: the object itself.
    """

    file: Path
    label: str
    fields: Mapping[str, Any]

    def error(self, field: str, expected: str, got: Any) -> AnnotationError:
        return AnnotationError(f"{self.file}: {self.label}: field {field!r} must be {expected}, got {shortened(got)}")

    def require(self, field: str) -> Any:
        try:
            return self.fields[field]
        except KeyError:
            present = ", ".join(sorted(self.fields)) or "none"
            raise AnnotationError(f"{self.file}: {self.label}: field {field!r} is missing (fields there: {present})") from None

    def number(self, field: str, default: float | None = None) -> float:
        """A finite number; ``default`` where the field is absent, unless that is None."""
        value = self.require(field) if default is None else self.fields.get(field, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
            raise self.error(field, "a finite number", value)
        return float(value)

    def array(self, field: str, length: int, meaning: str) -> np.ndarray:
        """A flat list of ``length`` finite numbers as float64."""
        value = self.require(field)
        expected = f"{length} finite numbers ({meaning})"
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != length:
            size = f"{len(value)} values" if isinstance(value, Sequence) and not isinstance(value, str) else value
            raise self.error(field, expected, size)
        try:
            array = np.array(value, np.float64)
        except (TypeError, ValueError):
            raise self.error(field, expected, value) from None
        if array.shape != (length,) or not np.isfinite(array).all():
            raise self.error(field, expected, value)
        return array

    def matrix(self, field: str, rows: int, columns: int, meaning: str) -> np.ndarray:
        """A list of ``rows`` lists of ``columns`` finite numbers as float64."""
        value = self.require(field)
        expected = f"{rows} x {columns} finite numbers ({meaning})"
        try:
            array = np.array(value, np.float64)
        except (TypeError, ValueError):
            raise self.error(field, expected, value) from None
        if array.shape != (rows, columns):
            raise self.error(field, expected, f"shape {array.shape}")
        if not np.isfinite(array).all():
            raise self.error(field, expected, value)
        return array

    def identity(self, field: str) -> int | str:
        """An id: a whole number or a string."""
        value = self.require(field)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise self.error(field, "a whole number or a string", value)
        return value

    def text(self, field: str) -> str:
        value = self.require(field)
        if not isinstance(value, str) or not value:
            raise self.error(field, "a non-empty string", value)
        return value


def entries(file: Path, values: Any, kind: str) -> list[Entry]:
    """Wrap the objects of a list; those without an id are called by their position."""
    if not isinstance(values, list):
        raise AnnotationError(f"{file}: {kind}s must be a list, got {shortened(values)}")
    wrapped = []
    for position, value in enumerate(values):
        if not isinstance(value, dict):
            raise AnnotationError(f"{file}: {kind} number {position} (from 0) must be an object, got {shortened(value)}")
        wrapped.append(Entry(file, f"{kind} {value['id']}" if "id" in value else f"{kind} number {position} (from 0)", value))
    return wrapped


def picture_path(entry: Entry, folder: Path, field: str) -> Path:
    """Path of the picture a field names, relative to ``folder``."""
    return folder / entry.text(field).replace("\\", "/")


def require_size(file: Path, keypoint_set: KeypointSet, count: int, what: str) -> None:
    """Check that a keypoint set has as many keypoints as the file."""
    if keypoint_set.num_keypoints != count:
        raise AnnotationError(
            f"{file}: {what} has {count} keypoints, but the keypoint set {keypoint_set.name!r} has {keypoint_set.num_keypoints}"
        )


def shortened(value: Any, limit: int = 100) -> str:
    """repr for messages, cut at ``limit`` characters."""
    if isinstance(value, str) and (value.endswith(" values") or value.startswith("shape ")):
        return value
    if isinstance(value, (list, tuple)) and len(value) > 20:
        return f"a list of {len(value)}"
    if isinstance(value, dict) and len(value) > 20:
        return f"an object of {len(value)} fields"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
