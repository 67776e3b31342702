"""Reading annotation files that are plain text, so that every complaint names the file and the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.annotation_file import read_content, shortened
from hrnet.errors import AnnotationError


def read_lines(path: str | Path) -> list[str]:
    """Lines of a text file, without their ends.

    Raises:
        AnnotationError: it is missing, a folder, empty, or no text.
    """
    content = read_content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: expected text, got something else (byte {error.start} is not text)") from None
    if "\0" in text:
        raise AnnotationError(f"{path}: expected text, got something else (it holds zero bytes)")
    return text.splitlines()


def numbers(path: Path, line: int, fields: list[str], meaning: str) -> NDArray[np.float64]:
    """Finite numbers from the fields of a line (counted from 1). Raises AnnotationError naming the first that is none."""
    values = np.empty(len(fields))
    for position, text in enumerate(fields):
        try:
            values[position] = float(text)
        except ValueError:
            values[position] = np.nan
        if not np.isfinite(values[position]):
            raise AnnotationError(f"{path}, line {line}: expected {meaning}, got {shortened(text)}")
    return values
