"""Masks as run lengths, column by column as in COCO's files: a hundredth of the memory of the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Runs = NDArray[np.int64]
"""Lengths of the runs of one mask, pixels in column-major order, the first run being outside of the mask (it may be 0 long)."""


def encode_mask(mask: NDArray[np.bool_]) -> Runs:
    """Runs of a mask (H, W)."""
    return encode_labels(np.asarray(mask, np.bool_), 1)[0]


def encode_labels(labels: NDArray[np.generic], count: int) -> list[Runs]:
    """Runs of the masks ``labels == 1``, ..., ``labels == count`` of a map (H, W), in one pass over the pixels."""
    flat = np.asarray(labels).T.ravel().astype(np.int64)
    bounds = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [len(flat)]]) if len(flat) else np.zeros(1, int)
    starts, ends, values = bounds[:-1], bounds[1:], flat[bounds[:-1]]
    order = np.argsort(values, kind="stable")
    first = np.searchsorted(values[order], np.arange(1, count + 2))
    masks = []
    for begin, end in pairwise(first.tolist()):
        chosen = order[begin:end]
        edges = np.stack([starts[chosen], ends[chosen]], axis=1).ravel()
        ended = edges.size > 0 and edges[-1] == len(flat)  # COCO's tools write no empty run at the end
        masks.append(np.diff(np.concatenate([[0], edges, [] if ended else [len(flat)]]).astype(np.int64)))
    return masks


def decode_mask(runs: Runs, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (H, W) of runs. Raises ValueError where they do not fill a picture of ``size`` (height, width)."""
    checked = checked_runs(runs, size)
    inside = np.arange(len(checked)) % 2 == 1
    return np.ascontiguousarray(np.repeat(inside, checked).reshape(size[1], size[0]).T)


def checked_runs(runs: Runs | Sequence[int], size: tuple[int, int]) -> Runs:
    """The runs as an array. Raises ValueError where they do not fill a picture of ``size`` (height, width)."""
    array = np.asarray(runs)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu") or (array < 0).any():
        raise ValueError(f"run lengths must be a flat list of whole numbers of at least 0, got {array.dtype} {array.shape}")
    if array.sum() != size[0] * size[1]:
        raise ValueError(f"run lengths must add up to the {size[0]} x {size[1]} pixels of the picture, got {array.sum()}")
    return array.astype(np.int64)


def area_of_runs(runs: Runs) -> int:
    """Pixels of a mask."""
    return int(runs[1::2].sum())


def box_of_runs(runs: Runs, height: int) -> NDArray[np.float32]:
    """Box (4,) of a mask of pictures ``height`` pixels high: xyxy, centres of its outermost pixels; 0 for an empty one."""
    ends = np.cumsum(runs)
    ends = ends[: len(ends) // 2 * 2].reshape(-1, 2)
    ends = ends[ends[:, 1] > ends[:, 0]]
    if not len(ends):
        return np.zeros(4, np.float32)
    first, last = ends[:, 0], ends[:, 1] - 1
    left, right = first // height, last // height
    several = (left != right).any()  # a run that reaches into the next column touches top and bottom
    top, bottom = (0, height - 1) if several else ((first % height).min(), (last % height).max())
    return np.array([left.min(), top, right.max(), bottom], np.float32)


def compress_runs(runs: Runs) -> str:
    """COCO's text of run lengths: differences to the run before the last, five bits to a character, lowest first."""
    differences = np.asarray(runs, np.int64).copy()
    differences[3:] -= runs[1:-2]
    characters = []
    for value in differences.tolist():
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            characters.append(chr(48 + (bits | 32 if more else bits)))
    return "".join(characters)


def expand_runs(text: str) -> Runs:
    """Run lengths of COCO's text. Raises ValueError for text that is none."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"compressed run lengths hold no character {character!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        value -= (bits & 16) and 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("compressed run lengths end within a number")
    return np.array(runs, np.int64)
