"""Rows of a bilinear resize are those of the whole."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from hrnet.inference.resized_rows import resize_rows, rows_needed, strips

SIZES = [((5, 7), (20, 27)), ((20, 30), (7, 9)), ((1, 1), (4, 5)), ((6, 6), (6, 6)), ((9, 4), (1, 1)), ((8, 9), (64, 9))]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(("size", "target"), SIZES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_rows_are_those_of_the_whole(
    size: tuple[int, int], target: tuple[int, int], align_corners: bool, channels_last: bool
) -> None:
    maps = torch.randn(1, 3, *size)
    if channels_last:
        maps = maps.contiguous(memory_format=torch.channels_last)
    expected = F.interpolate(maps, size=target, mode="bilinear", align_corners=align_corners)
    found, from_parts = [], []
    for start, stop in strips(target[0], 3):
        found.append(resize_rows(maps, target, start, stop, align_corners))
        first, last = rows_needed(size[0], target[0], start, stop, align_corners)
        part = maps[:, :, first:last]
        from_parts.append(resize_rows(part, target, start, stop, align_corners, (first, size[0])))
    torch.testing.assert_close(torch.cat(found, dim=2), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(torch.cat(from_parts, dim=2), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("length", "rows"), [(1, 5), (7, 3), (12, 4), (5, 0)])
def test_strips_cover_once(length: int, rows: int) -> None:
    spans = list(strips(length, rows))
    assert [row for start, stop in spans for row in range(start, stop)] == list(range(length))
    assert all(stop - start <= max(1, rows) for start, stop in spans)
