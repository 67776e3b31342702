"""What the texts of the data set reports have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def some(values: Sequence[str], count: int = 3) -> str:
    """The first few, and how many more there are."""
    return ", ".join(values[:count]) + (f", ... and {len(values) - count} more" if len(values) > count else "")


def with_reasons(entries: Sequence[tuple[str, str]]) -> list[str]:
    """Files with what is wrong about each behind it."""
    return [f"{path} ({reason})" for path, reason in entries]


def size_lines(heights: Mapping[str, float], widths: Mapping[str, float]) -> list[str]:
    """Lines with the quantiles of the pictures' sizes; none where no picture was opened."""
    named = (("picture heights", heights), ("picture widths", widths))
    return [
        f"  {what:<18} " + "  ".join(f"{name} {value:g}" for name, value in values.items()) for what, values in named if values
    ]


def closing_lines(notes: Sequence[str], problems: Sequence[str]) -> list[str]:
    """The end of every summary."""
    found = [f"  PROBLEM: {problem}" for problem in problems] or ["  no problems found"]
    return [f"  note: {note}" for note in notes] + found
