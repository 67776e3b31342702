"""The sizes that pictures are brought to before segmentation."""

from __future__ import annotations

from typing import Literal

SizeRule = Literal["long_side", "short_side", "stretch", "own"]
"""``long_side`` or ``short_side``: that side gets a given length, the other keeps the proportions; ``stretch``: both sides
get theirs; ``own``: the picture keeps its size."""


def scaled_size(
    image_size: tuple[int, int],
    rule: SizeRule,
    base_size: int,
    scale: float = 1.0,
    stretch_to: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """(height, width) of a picture at a scale, each side at least 1; halves are rounded up.

    Args:
        image_size: (height, width) of the picture.
        rule: which side has ``base_size * scale`` pixels.
        stretch_to: (height, width) at scale 1 for the rule ``stretch``; by default a square of ``base_size``.
    """
    height, width = image_size
    if rule == "own":
        return _rounded(height * scale), _rounded(width * scale)
    if rule == "stretch":
        rows, columns = stretch_to or (base_size, base_size)
        return _rounded(rows * scale), _rounded(columns * scale)
    length = _rounded(base_size * scale)
    portrait = height > width
    if (rule == "long_side") == portrait:  # the height is what gets the length
        return length, _rounded(width * length / height)
    return _rounded(height * length / width), length


def padding_to_multiple(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Rows and columns that are missing below and to the right until both sides are multiples."""
    return -size[0] % multiple, -size[1] % multiple


def _rounded(length: float) -> int:
    return max(1, int(length + 0.5))
