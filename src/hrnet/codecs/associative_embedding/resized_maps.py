"""Maps that are known at a lower resolution than they are read at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# Interpolation rounds: a value may exceed the largest of the values it lies between by a few units in the last place.
_ROUNDING = 1e-6
_MAPS_AT_ONCE = 2


class ResizedMaps:
    """Maps (M, H, W): the mean of stacks of maps, each resized bilinearly, and read only where somebody asks.

    Decoding looks at a few pixels around the people. Enlarging every map for that costs four to sixteen times the memory of
    what the network gave, and more time than all of decoding. Values are those of resizing first, up to rounding.

    Args:
        layers: stacks (M, h, w) of any float type, all on one device.
        size: (H, W), for None that of the first layer.
        ceiling: larger values are cut off.
    """

    def __init__(self, layers: Sequence[Tensor], size: tuple[int, int] | None = None, ceiling: float | None = None) -> None:
        counts = {layer.shape[0] for layer in layers if layer.ndim == 3}
        if not layers or len(counts) != 1 or any(layer.ndim != 3 or layer.numel() == 0 for layer in layers):
            raise ValueError(f"layers must be stacks (M, h, w) of equally many maps, got {[tuple(x.shape) for x in layers]}")
        self.layers = [layer.float().contiguous() for layer in layers]
        self.size: tuple[int, int] = size or (layers[0].shape[1], layers[0].shape[2])
        self.ceiling = ceiling
        self._axes = [
            (_Axis(layer.shape[1], self.size[0], layer.device), _Axis(layer.shape[2], self.size[1], layer.device))
            for layer in layers
        ]

    def __len__(self) -> int:
        return self.layers[0].shape[0]

    @property
    def device(self) -> torch.device:
        return self.layers[0].device

    @property
    def is_resized(self) -> bool:
        """Whether there is more to reading than looking up."""
        return len(self.layers) > 1 or self.ceiling is not None or tuple(self.layers[0].shape[1:]) != self.size

    def at(self, maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Values at positions inside the maps; the int64 indices broadcast against each other."""
        total: Tensor | None = None
        for layer, (vertical, horizontal) in zip(self.layers, self._axes, strict=True):
            flat, height, width = layer.view(-1), layer.shape[1], layer.shape[2]
            if vertical.is_identity and horizontal.is_identity:
                value = _take(flat, maps * (height * width) + rows * width + columns)
            else:
                low_row, high_row, row_weight = vertical.neighbours(rows)
                low_column, high_column, column_weight = horizontal.neighbours(columns)
                start = maps * (height * width)
                above, below = start + low_row * width, start + high_row * width
                left, right = 1 - column_weight, column_weight
                top = left * _take(flat, above + low_column) + right * _take(flat, above + high_column)
                bottom = left * _take(flat, below + low_column) + right * _take(flat, below + high_column)
                value = (1 - row_weight) * top + row_weight * bottom
            total = value if total is None else total + value
        assert total is not None
        return self._finished(total)

    def tiles(self, maps: Tensor, tile_rows: Tensor, tile_columns: Tensor, tile: int, margin: int = 0) -> Tensor:
        """Values (N, tile + 2 margin, tile + 2 margin) of square tiles (N,) and a margin around them.

        Beyond the border, the pixel at the border repeats.
        """
        height, width = self.size
        rows = _pixels_of(tile_rows, tile, margin, height)
        layer, (vertical, horizontal) = self.layers[0], self._axes[0]
        whole = len(self.layers) == 1 and vertical.is_identity and horizontal.is_identity and width % tile == 0
        if whole and not margin:
            strips = (maps.unsqueeze(1) * height + rows) * (width // tile) + tile_columns.unsqueeze(1)
            values = layer.view(-1, tile).index_select(0, strips.view(-1))
            return self._finished(values.view(len(maps), tile, tile))
        columns = _pixels_of(tile_columns, tile, margin, width)
        return self.at(maps.view(-1, 1, 1), rows.unsqueeze(2), columns.unsqueeze(1))

    def dense(self) -> Tensor:
        """All of it, (M, H, W); for tests and for maps of a few joints."""
        resized = [
            layer if layer.shape[1:] == self.size else F.interpolate(layer[None], self.size, mode="bilinear")[0]
            for layer in self.layers
        ]
        total = resized[0]
        for layer in resized[1:]:
            total = total + layer
        return self._finished(total)

    def part(self, first: int, last: int) -> ResizedMaps:
        """Maps ``first`` to ``last - 1``, resized once and for all."""
        chosen = ResizedMaps([layer[first:last] for layer in self.layers], self.size, self.ceiling)
        return ResizedMaps([chosen.dense()]) if self.is_resized else chosen

    def largest(self, tile: int) -> Tensor:
        """Upper bounds (M, ceil(H / tile), ceil(W / tile)) of the values in square tiles; exact where nothing is resized.

        NaN where a tile has NaN.
        """
        return self._finished(self._bounds(tile, largest=True))

    def ranges(self, tile: int) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds of the values in square tiles, see `largest`."""
        if self.is_resized:
            return self._finished(self._bounds(tile, largest=False)), self.largest(tile)
        # Few maps at a time, so that the second pass finds them near.
        parts = [ResizedMaps([part]) for part in self.layers[0].split(_MAPS_AT_ONCE)]
        low, high = zip(*((part._bounds(tile, largest=False), part._bounds(tile, largest=True)) for part in parts), strict=True)
        return torch.cat(low), torch.cat(high)

    def _bounds(self, tile: int, largest: bool) -> Tensor:
        total: Tensor | None = None
        for layer, (vertical, horizontal) in zip(self.layers, self._axes, strict=True):
            reduced = horizontal.extremes(vertical.extremes(layer, 1, tile, largest), 2, tile, largest)
            if not (vertical.is_identity and horizontal.is_identity):
                slack = reduced.abs() * _ROUNDING
                reduced = reduced + slack if largest else reduced - slack
            total = reduced if total is None else total + reduced
        assert total is not None
        return total

    def _finished(self, total: Tensor) -> Tensor:
        if len(self.layers) > 1:
            total = total / len(self.layers)
        return total if self.ceiling is None else total.clamp_max(self.ceiling)


class _Axis:
    """One axis of a bilinear resize from ``given`` to ``wanted`` pixels, corners not aligned."""

    def __init__(self, given: int, wanted: int, device: torch.device) -> None:
        self.is_identity = given == wanted
        self.wanted = wanted
        position = ((torch.arange(wanted, device=device) + 0.5) * (given / wanted) - 0.5).clamp_min(0)
        self.low = position.long().clamp_max(given - 1)
        self.high = self.low if self.is_identity else (self.low + 1).clamp_max(given - 1)
        self.weight = (position - self.low).clamp(0, 1)

    def neighbours(self, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The two given pixels that each wanted one lies between, and the weight of the second."""
        return _take(self.low, indices), _take(self.high, indices), _take(self.weight, indices)

    def extremes(self, values: Tensor, dim: int, tile: int, largest: bool) -> Tensor:
        """Reduce dimension ``dim`` to one entry per tile of wanted pixels: the extreme of the given ones that take part."""
        reduce = torch.amax if largest else torch.amin
        if self.is_identity and self.wanted % tile == 0:
            return reduce(values.unflatten(dim, (-1, tile)), dim + 1)
        first = torch.arange(0, self.wanted, tile, device=values.device)
        low, high = self.low[first], self.high[(first + tile - 1).clamp_max(self.wanted - 1)]
        span = torch.arange(int((high - low).max()) + 1, device=values.device)
        members = torch.minimum(low.unsqueeze(1) + span, high.unsqueeze(1))
        spread = values.index_select(dim, members.flatten()).unflatten(dim, tuple(members.shape))
        return reduce(spread, dim + 1)


def _pixels_of(tiles: Tensor, tile: int, margin: int, length: int) -> Tensor:
    """(N, tile + 2 margin) indices along one axis of ``length`` pixels."""
    return (tiles.unsqueeze(1) * tile + torch.arange(-margin, tile + margin, device=tiles.device)).clamp(0, length - 1)


def _take(flat: Tensor, indices: Tensor) -> Tensor:
    return flat.index_select(0, indices.reshape(-1)).view(indices.shape)
