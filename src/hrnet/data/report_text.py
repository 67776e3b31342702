"""What the texts of the data set reports have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence


def some(values: Sequence[str], count: int = 3) -> str:
    """The first few, and how many more there are."""
    return ", ".join(values[:count]) + (f", ... and {len(values) - count} more" if len(values) > count else "")


def with_reasons(entries: Sequence[tuple[str, str]]) -> list[str]:
    """Files with what is wrong about each behind it."""
    return [f"{path} ({reason})" for path, reason in entries]


def counted(entries: Collection[object], one: str, many: str) -> str:
    """How many, with the words for one or for several."""
    return f"{len(entries)} {one if len(entries) == 1 else many}"


def pairs_of_files(pairs: Sequence[tuple[str | None, ...]]) -> str:
    """The first few pairs; what a tuple holds behind its two files is left out."""
    return some([f"{first} = {second}" for first, second, *_ in pairs])


def overlap(pairs: Sequence[tuple[str | None, ...]], likeness: str, parts: Iterable[str]) -> list[str]:
    """The sentence about pictures that are ``likeness`` ("the same as", say) pictures of other parts; none without pairs."""
    if not pairs:
        return []
    here = counted({pair[0] for pair in pairs}, "picture is", "pictures are")
    return [f"{here} {likeness} pictures of {', '.join(parts)}: {pairs_of_files(pairs)}"]


def comparison_notes(compared_with: Sequence[str], overlaps: bool, checked_images: bool) -> list[str]:
    """That no picture is in another part as well, or that nobody looked."""
    if not checked_images:
        return ["the pictures were not opened"]
    return [f"no picture is also in {', '.join(compared_with)}"] if compared_with and not overlaps else []


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
