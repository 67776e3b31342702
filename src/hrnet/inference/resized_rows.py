"""Bilinear resizing a few rows at a time, so that a large picture of many channels never exists as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_rows(
    maps: Tensor,
    size: tuple[int, int],
    start: int,
    stop: int,
    align_corners: bool,
    part: tuple[int, int] | None = None,
) -> Tensor:
    """Rows ``start`` to ``stop`` of ``F.interpolate(maps, size, mode="bilinear", align_corners=...)``, up to rounding.

    Args:
        part: where ``maps`` has only some of its rows: the first of them, and how many there are altogether. Those that
            `rows_needed` names must be there.

    Shape: (B, C, h, w) to (B, C, stop - start, size[1]).
    """
    offset, length = part or (0, maps.shape[2])
    first, last = rows_needed(length, size[0], start, stop, align_corners)
    rows = maps[:, :, first - offset : last - offset]
    if length != size[0]:
        rows = _weighted_rows(_weights(length, size[0], start, stop, align_corners).to(maps), rows)
    if rows.shape[3] == size[1]:
        return rows
    return F.interpolate(rows, size=(stop - start, size[1]), mode="bilinear", align_corners=align_corners)


def rows_needed(length: int, target: int, start: int, stop: int, align_corners: bool) -> tuple[int, int]:
    """Of a map of ``length`` rows those that rows ``start`` to ``stop`` of ``target`` come from: first, one after last."""
    if length == target:
        return start, stop
    first, last, _ = _sources(length, target, start, stop, align_corners)
    return int(first[0]), int(last[-1]) + 1


def strips(length: int, rows: int) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of strips of about ``rows`` rows, at least one, that cover ``length`` rows evenly."""
    count = -(-length // max(1, rows))
    for index in range(count):
        yield length * index // count, length * (index + 1) // count


def _weights(length: int, target: int, start: int, stop: int, align_corners: bool) -> Tensor:
    """(stop - start, rows needed): the share that each row of the map has in each resized row."""
    first, last, share = _sources(length, target, start, stop, align_corners)
    weights = torch.zeros(stop - start, int(last[-1] - first[0]) + 1, dtype=torch.float64)
    weights.scatter_add_(1, (first - first[0])[:, None], 1 - share[:, None])
    return weights.scatter_add_(1, (last - first[0])[:, None], share[:, None])


def _weighted_rows(weights: Tensor, rows: Tensor) -> Tensor:
    """(n, h) times (B, C, h, w) to (B, C, n, w), in the memory layout of ``rows``: no pixel is moved beforehand."""
    if rows.shape[1] == 1 or not rows.permute(0, 2, 3, 1).is_contiguous():
        return weights @ rows
    batch, channels, height, width = rows.shape
    flat = rows.permute(0, 2, 3, 1).reshape(batch, height, width * channels)
    return (weights @ flat).view(batch, len(weights), width, channels).permute(0, 3, 1, 2)


def _sources(length: int, target: int, start: int, stop: int, align_corners: bool) -> tuple[Tensor, Tensor, Tensor]:
    """For each row the two it lies between, and the weight of the second."""
    wanted = torch.arange(start, stop, dtype=torch.float64)
    if align_corners:
        place = wanted * ((length - 1) / (target - 1) if target > 1 else 0.0)
    else:
        place = ((wanted + 0.5) * (length / target) - 0.5).clamp_(min=0)
    first = place.floor().clamp_(max=length - 1)
    return first.long(), (first + 1).clamp_(max=length - 1).long(), place - first
