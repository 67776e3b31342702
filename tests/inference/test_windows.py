"""Which parts of pictures the network sees, and how tiles cover them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrnet.inference.windows import LARGEST_VIEW, TILE_STEP, Tile, View, tile_grid, view_of, whole_view
from hrnet.weights.segmentation_card import SegmentationTest

SIDES = st.integers(1, 700)


def covered(view: View) -> np.ndarray:
    count = np.zeros(view.size, int)
    for window in view.windows:
        assert window.height <= window.padded[0]
        assert window.width <= window.padded[1]
        count[window.top : window.top + window.height, window.left : window.left + window.width] += 1
    return count


@given(SIDES, SIDES, st.sampled_from(["whole", "two_thirds", "shifted"]), st.sampled_from([0.5, 1.0, 1.75]))
def test_windows_cover_the_picture(height: int, width: int, windows: str, scale: float) -> None:
    test = SegmentationTest("own", windows=windows)  # pyright: ignore[reportArgumentType]
    view = view_of((height, width), test, scale, (96, 128))
    assert (covered(view) > 0).all()
    assert view.size == (max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5)))


@pytest.mark.parametrize(
    ("test", "scale", "size"),
    [
        (SegmentationTest("long_side", 2048), 1.0, (1152, 2048)),
        (SegmentationTest("long_side", 2048), 0.5, (576, 1024)),
        (SegmentationTest("short_side", 520), 1.0, (520, 924)),
        (SegmentationTest("stretch", 473), 1.0, (473, 473)),
        (SegmentationTest("own"), 2.0, (4320, 7680)),
    ],
)
def test_size_rules(test: SegmentationTest, scale: float, size: tuple[int, int]) -> None:
    assert view_of((2160, 3840), test, scale, (473, 473)).size == size


def test_windows_as_published() -> None:
    two_thirds = view_of((57, 80), SegmentationTest("own", windows="two_thirds"), 1.0, (48, 64))
    assert [(w.top, w.left) for w in two_thirds.windows] == [(0, 0), (0, 42), (32, 0), (32, 42)]
    assert two_thirds.windows[-1] == (32, 42, 25, 38, (48, 64))
    once = view_of((30, 48), SegmentationTest("own", windows="two_thirds"), 1.0, (48, 64))
    assert once.windows == ((0, 0, 30, 48, (48, 64)),)
    shifted = view_of((48, 80), SegmentationTest("own", windows="shifted"), 1.25, (32, 48))
    assert [(w.top, w.left) for w in shifted.windows] == [(0, 0), (0, 48), (0, 52), (28, 0), (28, 48), (28, 52)]
    assert len(view_of((48, 80), SegmentationTest("own", windows="shifted"), 1.0, (32, 48)).windows) == 1


def test_whole_pictures_are_padded_to_a_multiple() -> None:
    assert whole_view((521, 700), 8).windows[0].padded == (528, 704)
    assert whole_view((521, 700)).is_whole
    assert not whole_view((521, 700), 8).is_whole


def test_a_very_long_picture_is_looked_at_in_fewer_pixels() -> None:
    view = view_of((2, 20000), SegmentationTest("short_side", 520), 1.0, (520, 520))
    assert view.size[0] * view.size[1] <= 1.01 * LARGEST_VIEW
    assert view.size[1] / view.size[0] == pytest.approx(10000, rel=0.01)


def weights(tiles: list[Tile], length: int) -> np.ndarray:
    """What the tiles' weights add up to, fading as the passes do it but pixel by pixel."""
    total = np.zeros(length)
    for tile in tiles:
        weight = np.ones(tile.stop - tile.start)
        for fade, slicing in ((tile.fade_in, slice(None)), (tile.fade_out, slice(None, None, -1))):
            ramp = np.clip((np.arange(fade) + 0.5 - fade / 4) / max(1, fade / 2), 0, 1)
            weight[slicing][:fade] *= ramp
        total[tile.start : tile.stop] += weight
    return total


@given(st.integers(1, 9000), st.integers(1, 9000), st.sampled_from([2**14, 2**18, 2_800_000]), st.sampled_from([32, 100, 256]))
def test_tiles_cover_once_and_are_small(height: int, width: int, limit: int, overlap: int) -> None:
    rows, columns = tile_grid((height, width), limit, overlap)
    for tiles, length in ((rows, height), (columns, width)):
        assert tiles[0].start == 0
        assert tiles[-1].stop == length
        assert all(tile.start % TILE_STEP == 0 for tile in tiles)
        np.testing.assert_allclose(weights(tiles, length), 1)
    shared = -(-overlap // TILE_STEP) * TILE_STEP
    largest = max(tile.stop - tile.start for tile in rows) * max(tile.stop - tile.start for tile in columns)
    if limit >= 4 * shared**2 and max(height, width) < 60 * (limit**0.5 - 2 * shared):
        assert largest <= limit


def test_what_fits_is_one_tile() -> None:
    assert tile_grid((1024, 2048), 2_800_000, 256) == ([Tile(0, 1024, 0, 0)], [Tile(0, 2048, 0, 0)])
    rows, columns = tile_grid((2160, 3840), 2_800_000, 256)
    assert len(rows) * len(columns) == 4


def test_windows_inside() -> None:
    """OpenMMLab's: steps of two thirds, the last window ends where the picture does."""
    test = SegmentationTest("own", windows="two_thirds_inside", window_size=(480, 480))
    found = view_of((520, 1000), test, 1.0, (64, 64)).windows
    assert [(window.top, window.left) for window in found] == [(0, 0), (0, 320), (0, 520), (40, 0), (40, 320), (40, 520)]
    assert {(window.height, window.width, window.padded) for window in found} == {(480, 480, (480, 480))}
    small = view_of((100, 300), test, 1.0, (64, 64)).windows
    assert [window[:4] for window in small] == [(0, 0, 100, 300)]
