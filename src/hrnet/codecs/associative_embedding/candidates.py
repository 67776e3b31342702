"""Candidates for joints: the strongest local maxima of each heatmap."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps

TILE = 8
_TILES_AT_ONCE = 2**13


class Candidates(NamedTuple):
    """The strongest local maxima of M heatmaps, best first; NumPy, because grouping is.

    Attributes:
        counts: (M,) how many there are; what follows behind them is 0.
        values: (M, C) float32 heat.
        positions: (M, C, 2) int64 (x, y) pixels of the map.
    """

    counts: np.ndarray
    values: np.ndarray
    positions: np.ndarray


def find_candidates(
    heat: ResizedMaps, kernel: int, most: int, threshold: float = 0.0, largest: Tensor | None = None
) -> Candidates:
    """Pixels above ``threshold`` that are the maximum of the ``kernel`` x ``kernel`` window around them.

    Only tiles that reach the threshold are looked at. Among equal values the first in reading order comes first, and every
    one of equal neighbours is a maximum.

    Args:
        heat: M maps, finite.
        kernel: odd number of pixels.
        most: C, how many per map at most.
        largest: ``heat.largest(TILE)``, where it is known already.
    """
    width = heat.size[1]
    bounds = heat.largest(TILE) if largest is None else largest
    hot = nonzero(bounds > threshold)
    found = [
        _maxima(heat, (maps, rows, columns), kernel, threshold)
        for maps, rows, columns in zip(*(part.split(_TILES_AT_ONCE) for part in hot), strict=True)
    ]
    maps = np.concatenate([part[0] for part in found])
    pixels = np.concatenate([part[1] for part in found])
    values = np.concatenate([part[2] for part in found])
    order = np.lexsort((pixels, -values, maps))
    maps, pixels, values = maps[order], pixels[order], values[order]
    starts = np.searchsorted(maps, np.arange(len(heat)))
    rank = np.arange(len(maps)) - starts[maps]
    kept = rank < most
    maps, pixels, values, rank = maps[kept], pixels[kept], values[kept], rank[kept]
    result = Candidates(
        np.bincount(maps, minlength=len(heat)),
        np.zeros((len(heat), most), np.float32),
        np.zeros((len(heat), most, 2), np.int64),
    )
    result.values[maps, rank] = values
    result.positions[maps, rank] = np.stack([pixels % width, pixels // width], axis=-1)
    return result


def nonzero(mask: Tensor) -> tuple[Tensor, ...]:
    """Indices along each dimension, as ``mask.nonzero(as_tuple=True)``."""
    if mask.device.type != "cpu":
        return mask.nonzero(as_tuple=True)
    # NumPy's search is many times faster where little is set.
    flat = np.flatnonzero(mask.numpy())
    return tuple(torch.from_numpy(part) for part in np.unravel_index(flat, mask.shape))


def _maxima(
    heat: ResizedMaps, tiles: tuple[Tensor, Tensor, Tensor], kernel: int, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps (n,), pixels (n,) and values (n,) of the local maxima in tiles given by map, row and column."""
    maps, tile_rows, tile_columns = tiles
    (height, width), margin = heat.size, kernel // 2
    # A border pixel that stands in for one beyond the border lies in the window anyway.
    patches = heat.tiles(maps, tile_rows, tile_columns, TILE, margin)
    across = reduce(torch.maximum, (patches[:, :, shift : shift + TILE] for shift in range(kernel)))
    highest = reduce(torch.maximum, (across[:, shift : shift + TILE] for shift in range(kernel)))
    centers = patches[:, margin : margin + TILE, margin : margin + TILE]
    step = torch.arange(TILE, device=maps.device)
    inside_rows = (tile_rows.unsqueeze(1) * TILE + step < height).unsqueeze(2)
    inside_columns = (tile_columns.unsqueeze(1) * TILE + step < width).unsqueeze(1)
    chosen, row, column = nonzero((centers == highest) & (centers > threshold) & inside_rows & inside_columns)
    pixels = (tile_rows[chosen] * TILE + row) * width + tile_columns[chosen] * TILE + column
    return maps[chosen].cpu().numpy(), pixels.cpu().numpy(), centers[chosen, row, column].cpu().numpy()
