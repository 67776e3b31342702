"""Maps read at another resolution than they are known at."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps

side = st.integers(1, 40)


def every_tile(maps: ResizedMaps, tile: int) -> torch.Tensor:
    """(M, Y, X, tile, tile) values of all tiles."""
    counts = (len(maps), -(-maps.size[0] // tile), -(-maps.size[1] // tile))
    index = torch.meshgrid(*(torch.arange(count) for count in counts), indexing="ij")
    chosen, rows, columns = (part.flatten() for part in index)
    return maps.tiles(chosen, rows, columns, tile).view(*counts, tile, tile)


@given(st.lists(st.tuples(side, side), min_size=1, max_size=3), side, side, st.booleans(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_read_values_are_those_of_resizing_first(
    layers: list[tuple[int, int]], height: int, width: int, align_corners: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = ResizedMaps([torch.randn(2, *size, generator=generator) for size in layers], (height, width), 1.0, align_corners)
    dense = maps.dense()
    tiles = every_tile(maps, 4)
    padded = tiles.transpose(2, 3).flatten(3).flatten(1, 2)
    torch.testing.assert_close(padded[:, :height, :width], dense, rtol=1e-4, atol=2e-5)
    assert (maps.largest(4) >= tiles.amax((-2, -1))).all()
    low, high = maps.ranges(4)
    assert (low <= tiles.amin((-2, -1))).all()
    assert torch.equal(high, maps.largest(4))
    assert dense.max() <= 1


@pytest.mark.parametrize("size", [(16, 24), (13, 9), (1, 1)])
def test_bounds_are_exact_where_nothing_is_resized(size: tuple[int, int]) -> None:
    maps = ResizedMaps([torch.randn(3, *size)])
    tiles = every_tile(maps, 8)
    assert torch.equal(maps.largest(8), tiles.amax((-2, -1)))
    low, high = maps.ranges(8)
    assert torch.equal(low, tiles.amin((-2, -1)))
    assert torch.equal(high, maps.largest(8))


def test_margins_repeat_the_border() -> None:
    maps = ResizedMaps([torch.arange(64.0).view(1, 8, 8)])
    zero = torch.zeros(1, dtype=torch.long)
    patch = maps.tiles(zero, zero, zero, 8, margin=2)[0]
    assert patch.shape == (12, 12)
    assert patch[0, 0] == 0
    assert patch[11, 11] == 63
    assert torch.equal(patch[2:10, 2:10], maps.dense()[0])


def test_tiles_read_what_single_pixels_read() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = ResizedMaps([torch.randn(2, *size, generator=generator) for size in ((20, 30), (11, 9))], (40, 61))
    chosen, rows, columns = torch.tensor([0, 1, 1]), torch.tensor([0, 4, 2]), torch.tensor([0, 7, 3])
    patches = maps.tiles(chosen, rows, columns, 8, margin=2)
    offset = torch.arange(-2, 10)
    pixels = [
        (tiles.view(-1, 1) * 8 + offset).clamp(0, side - 1) for tiles, side in zip((rows, columns), maps.size, strict=True)
    ]
    assert torch.equal(patches, maps.at(chosen.view(-1, 1, 1), pixels[0].unsqueeze(2), pixels[1].unsqueeze(1)))
    nothing = torch.zeros(0, dtype=torch.long)
    assert maps.tiles(nothing, nothing, nothing, 8, margin=2).shape == (0, 12, 12)


def test_layers_must_agree() -> None:
    with pytest.raises(ValueError, match="equally many maps"):
        ResizedMaps([torch.zeros(2, 4, 4), torch.zeros(3, 4, 4)])
    with pytest.raises(ValueError, match="layers must be"):
        ResizedMaps([])
    with pytest.raises(ValueError, match="layers must be"):
        ResizedMaps([torch.zeros(2, 0, 4)])
