"""Joints that no candidate gave: the pixel of a person's tag with the most heat.

For each joint that a person lacks, the pixel is sought at which heat minus penalty times rounded tag distance is largest.
Evaluating that everywhere is what grouping took nearly all of its time for. Here it is a search by branch and bound: what a
tile can reach at most follows from the largest heat and the range of tags in it, and only tiles that can beat the best
pixel found so far are looked into. Floating point rounds monotonically, so that no bound is ever below a pixel's value and
the result is that of the full evaluation, ties included.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrnet.codecs.associative_embedding.candidates import TILE, nonzero
from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps
from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec

_FACTOR = 4  # tiles per side of a group
_PIXELS_AT_ONCE = 2**20  # of enlarged heatmaps
_SHARE_READ_APART = 0.15  # of the tiles: enlarging only what is looked into pays up to there
_PAIRS_AT_ONCE = 2**20
_TILES_AT_ONCE = 2**11
_SEEDS = 3  # groups of tiles looked into first
# Of the way from the best pixel's value to the highest bound, round by round.
_SHARES = (0.9, 0.6, 0.3, 0.0)
_NOWHERE = 2**62


class Absent(NamedTuple):
    """Q joints to look for.

    Attributes:
        maps: (Q,) int64 heatmap of each.
        tag_maps: (Q, T) int64 tag maps of each.
        tags: (Q, T) float32 tag of the person.
    """

    maps: Tensor
    tag_maps: Tensor
    tags: Tensor


class Found(NamedTuple):
    """The winning pixels.

    Attributes:
        columns, rows: (Q,) int64; 0 where there is none.
        heat: (Q,) float32; minus infinity where there is none.
    """

    columns: Tensor
    rows: Tensor
    heat: Tensor


def find_absent(
    heat: ResizedMaps, tags: ResizedMaps, absent: Absent, spec: AssociativeEmbeddingSpec, largest: Tensor | None = None
) -> Found:
    """Find the pixel with the largest heat - penalty * round(tag distance), the first in reading order among equals.

    A pixel with a NaN tag belongs to nobody. Where ``spec.fill_needs_heat`` and the winner has no heat above 0, any
    such pixel may be given.

    Args:
        heat: finite.
        largest: ``heat.largest(TILE)``, where it is known already.
    """
    count = len(absent.maps)
    if not count:
        return Found(absent.maps, absent.maps, absent.maps.float())
    order = absent.maps.argsort()  # joint by joint, so that what is read stays near
    first_tag, last_tag = int(absent.tag_maps.min()), int(absent.tag_maps.max()) + 1
    tags = tags.part(first_tag, last_tag)
    ordered = Absent(absent.maps[order], absent.tag_maps[order] - first_tag, absent.tags[order])
    bounds = heat.largest(TILE) if largest is None else largest
    search, limit = _Search(heat, tags, ordered, spec), None
    if heat.is_resized or tags.is_resized:
        limit = int(_SHARE_READ_APART * len(ordered.maps.unique()) * bounds[0].numel())
    found = search.found() if search.run(bounds, limit) else _find_enlarged(heat, tags, ordered, spec)
    back = order.argsort()
    return Found(*(part[back] for part in found))


def _find_enlarged(heat: ResizedMaps, tags: ResizedMaps, absent: Absent, spec: AssociativeEmbeddingSpec) -> Found:
    """Find joints, sorted by their maps, in maps that are enlarged a few at a time."""
    owner = absent.maps // max(1, _PIXELS_AT_ONCE // (heat.size[0] * heat.size[1]))
    parts = []
    for maps, tag_maps, wanted in zip(
        *(part.split(torch.unique_consecutive(owner, return_counts=True)[1].tolist()) for part in absent), strict=True
    ):
        first, first_tag = int(maps.min()), int(tag_maps.min())
        large = heat.part(first, int(maps.max()) + 1).enlarged()
        large_tags = tags.part(first_tag, int(tag_maps.max()) + 1).enlarged()
        search = _Search(large, large_tags, Absent(maps - first, tag_maps - first_tag, wanted), spec)
        search.run(large.largest(TILE))
        parts.append(search.found())
    return Found(*(torch.cat(part) for part in zip(*parts, strict=True)))


class _Tiles(NamedTuple):
    """What is known of tiles: the largest heat (M, G, X) of X tiles each in G groups, and the range of tags (M', G, X)."""

    heat: Tensor
    low: Tensor
    high: Tensor

    def merged(self) -> _Tiles:
        """Each group as one tile, all of them in one group: (M, 1, G)."""
        return _Tiles(*(part.unsqueeze(1) for part in (self.heat.amax(2), self.low.amin(2), self.high.amax(2))))


class _Search:
    """The best pixel found so far of each of Q joints, and the tiles that may still hold a better one."""

    def __init__(self, heat: ResizedMaps, tags: ResizedMaps, absent: Absent, spec: AssociativeEmbeddingSpec) -> None:
        self.heat, self.tags, self.absent, self.spec = heat, tags, absent, spec
        count = len(absent.maps)
        self.value = torch.full((count,), -torch.inf, device=heat.device)
        self.pixel = torch.full((count,), _NOWHERE, device=heat.device)
        self.best_heat = torch.full((count,), -torch.inf, device=heat.device)
        self.grid_width = -(-heat.size[1] // (TILE * _FACTOR))
        self.looked = 0  # tiles looked into

    def found(self) -> Found:
        width, somewhere = self.heat.size[1], self.pixel < _NOWHERE
        pixel = self.pixel * somewhere
        return Found(pixel % width, pixel // width, self.best_heat)

    def run(self, largest: Tensor, limit: int | None = None) -> bool:
        """Search everywhere. False if that was given up after more than ``limit`` tiles."""
        # Where a tag is NaN anything is possible; beyond the border nothing is.
        low, high = self.tags.ranges(TILE)
        low = low.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        high = high.nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
        fine = _Tiles(_grouped(largest, -torch.inf), _grouped(low, torch.inf), _grouped(high, -torch.inf))
        coarse = fine.merged()
        everyone = torch.arange(len(self.value), device=self.heat.device)
        parts = everyone.split(max(1, _PAIRS_AT_ONCE // coarse.heat.shape[2]))
        return all(self._run(queries, coarse, fine, limit) for queries in parts)

    def _run(self, queries: Tensor, coarse: _Tiles, fine: _Tiles, limit: int | None) -> bool:
        bounds, heat = self._bounds(queries, coarse, torch.zeros_like(queries))
        # First good pixels for everybody: the most promising tiles of the most promising groups.
        for group in bounds.topk(min(_SEEDS, bounds.shape[1]), dim=1).indices.unbind(1):
            reach, reach_heat = self._bounds(queries, fine, group)
            reach, child = reach.max(dim=1)
            able = self._may_win(queries, reach, reach_heat.gather(1, child.unsqueeze(1)).squeeze(1))
            self._look_into(queries[able], group[able], child[able])
        # Then all that may still be better.
        row, group = nonzero(self._may_win(queries.unsqueeze(1), bounds, heat))
        chosen = queries[row]
        bounds, heat = self._bounds(chosen, fine, group)
        pair, child = nonzero(self._may_win(chosen.unsqueeze(1), bounds, heat))
        query, group, bound, heat = chosen[pair], group[pair], bounds[pair, child], heat[pair, child]
        top = self.value.scatter_reduce(0, query, bound, "amax")
        for share in _SHARES:
            # Where nothing has been found yet, everything is looked into.
            least = (self.value + share * (top - self.value)).nan_to_num(nan=-torch.inf, neginf=-torch.inf)
            (turn,) = nonzero(self._may_win(query, bound, heat) & (bound >= least[query]))
            for part in turn.split(_TILES_AT_ONCE):
                self._look_into(query[part], group[part], child[part])
                if limit is not None and self.looked > limit:
                    return False
            bound = bound.index_fill(0, turn, -torch.inf)
        return True

    def _bounds(self, queries: Tensor, tiles: _Tiles, group: Tensor) -> tuple[Tensor, Tensor]:
        """What the X tiles of one group (N,) for each of queries (N,) can reach at most, and their heat; both (N, X)."""
        groups, size = tiles.heat.shape[1:]
        maps, tags = self.absent.tag_maps[queries], self.absent.tags[queries]
        heat = tiles.heat.view(-1, size).index_select(0, self.absent.maps[queries] * groups + group)
        low, high = tiles.low.view(-1, size), tiles.high.view(-1, size)
        gaps = []
        for component in range(maps.shape[1]):
            box, tag = maps[:, component] * groups + group, tags[:, component : component + 1]
            gaps.append(torch.maximum(low.index_select(0, box) - tag, tag - high.index_select(0, box)).clamp_min(0))
        return heat - self._penalty(gaps), heat

    def _penalty(self, differences: list[Tensor]) -> Tensor:
        """What a tag distance, given by its components, takes from heat."""
        total = differences[0].square()
        for difference in differences[1:]:
            total += difference.square()
        return total.sqrt_().round_().mul_(self.spec.fill_penalty)

    def _may_win(self, queries: Tensor, bounds: Tensor, heat: Tensor) -> Tensor:
        """Whether tiles may hold a better pixel than the best so far, or an equal one before it."""
        better = bounds >= self.value[queries]
        if not self.spec.fill_needs_heat:
            return better
        # Once the best pixel has no heat, others without do not matter.
        return better & ((heat > 0) | (self.best_heat[queries] > 0))

    def _look_into(self, queries: Tensor, group: Tensor, child: Tensor) -> None:
        """Evaluate all pixels of one tile (N,) for each of queries (N,), and keep what is better."""
        if not len(queries):
            return
        self.looked += len(queries)
        (height, width), absent = self.heat.size, self.absent
        last_row, last_column = (height - 1) // TILE, (width - 1) // TILE
        tile_rows = (group // self.grid_width * _FACTOR + child // _FACTOR).clamp_max(last_row)
        tile_columns = (group % self.grid_width * _FACTOR + child % _FACTOR).clamp_max(last_column)
        differences = [
            self.tags.tiles(absent.tag_maps[queries, component], tile_rows, tile_columns, TILE)
            - absent.tags[queries, component].view(-1, 1, 1)
            for component in range(absent.tags.shape[1])
        ]
        values = self.heat.tiles(absent.maps[queries], tile_rows, tile_columns, TILE) - self._penalty(differences)
        values = values.nan_to_num_(nan=-torch.inf, neginf=-torch.inf).flatten(1)
        value = values.amax(dim=1)
        best = self.value.scatter_reduce(0, queries, value, "amax")
        (winner,) = nonzero((value == best[queries]) & (value > -torch.inf))
        # The last tile repeats the pixels at the border: the first of equals is never a repeated one.
        place = values[winner].argmax(dim=1)
        pixel = (tile_rows[winner] * TILE + place // TILE) * width + tile_columns[winner] * TILE + place % TILE
        stays = self.pixel.masked_fill(self.value < best, _NOWHERE)
        self.pixel = stays.scatter_reduce(0, queries[winner], pixel, "amin")
        self.value = best
        somewhere = self.pixel < _NOWHERE
        at = self.pixel * somewhere
        self.best_heat = self.heat.at(absent.maps, at // width, at % width).masked_fill(~somewhere, -torch.inf)


def _grouped(bounds: Tensor, beyond: float) -> Tensor:
    """(M, Y, X) bounds of tiles to (M, G, _FACTOR ** 2): the tiles of each larger one next to each other."""
    height, width = bounds.shape[1:]
    padded = F.pad(bounds, [0, -width % _FACTOR, 0, -height % _FACTOR], value=beyond)
    return padded.unflatten(2, (-1, _FACTOR)).unflatten(1, (-1, _FACTOR)).transpose(2, 3).flatten(3).flatten(1, 2)
