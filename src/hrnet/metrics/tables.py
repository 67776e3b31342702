"""Plain text tables, CSV and JSON numbers of metric results."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any


def text_table(header: Sequence[str], rows: Sequence[Sequence[str | int | float]], digits: int = 1) -> str:
    """Return aligned columns: the first to the left, the others to the right; NaN is shown as a dash."""
    cells = [list(header), *([_cell(value, digits) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def csv_text(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return the text of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def json_number(value: float) -> float | None:
    """Return a plain float, or None for NaN, which JSON cannot hold."""
    return None if math.isnan(value) else float(value)


def plural(count: int, one: str, many: str) -> str:
    """Return ``"1 person"`` or ``"2 people"``."""
    return f"{count} {one if count == 1 else many}"


def _cell(value: str | int | float, digits: int) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.{digits}f}"
    return str(value)
