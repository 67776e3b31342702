"""Local maxima beside those of pooling whole maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hrnet.codecs.associative_embedding.candidates import find_candidates
from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("size", [(64, 96), (37, 50), (3, 2), (1, 1), (2, 200)])
@pytest.mark.parametrize("levels", [3, 100000])
def test_same_as_pooling(kernel: int, size: tuple[int, int], levels: int) -> None:
    generator = torch.Generator().manual_seed(levels + size[0])
    heat = torch.randint(-levels, levels, (4, *size), generator=generator) / levels
    found = find_candidates(ResizedMaps([heat]), kernel, most=7, threshold=0.1)
    pooled = F.max_pool2d(heat, kernel, 1, kernel // 2)
    for stack, highest, count, values, positions in zip(heat, pooled, *found, strict=True):
        kept = torch.where((stack == highest) & (stack > 0.1), stack, -torch.inf).flatten().numpy()
        order = np.argsort(-kept, kind="stable")[: min(7, np.isfinite(kept).sum())]
        assert count == len(order)
        assert np.array_equal(positions[:count, 1] * size[1] + positions[:count, 0], order)
        assert np.array_equal(values[:count], kept[order])
        assert not values[count:].any()


def test_enlarged_maps_have_the_maxima_of_their_enlargement() -> None:
    generator = torch.Generator().manual_seed(1)
    small = ResizedMaps([torch.rand(3, 20, 24, generator=generator)], (40, 48))
    every = torch.meshgrid(*(torch.arange(count) for count in (3, 40, 48)), indexing="ij")
    large = ResizedMaps([small.at(*every)])
    for lazy, dense in zip(find_candidates(small, 5, 30, 0.2), find_candidates(large, 5, 30, 0.2), strict=True):
        assert np.array_equal(lazy, dense)


def test_nothing_above_the_threshold() -> None:
    found = find_candidates(ResizedMaps([torch.zeros(2, 30, 30)]), 5, most=4, threshold=0.0)
    assert not found.counts.any()
    assert found.values.shape == (2, 4)
