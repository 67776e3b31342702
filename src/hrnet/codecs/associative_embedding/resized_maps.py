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
        align_corners: the centres of the pixels in the corners stay where they are, instead of the corners themselves.
    """

    def __init__(
        self,
        layers: Sequence[Tensor],
        size: tuple[int, int] | None = None,
        ceiling: float | None = None,
        align_corners: bool = False,
    ) -> None:
        counts = {layer.shape[0] for layer in layers if layer.ndim == 3}
        if not layers or len(counts) != 1 or any(layer.ndim != 3 or layer.numel() == 0 for layer in layers):
            raise ValueError(f"layers must be stacks (M, h, w) of equally many maps, got {[tuple(x.shape) for x in layers]}")
        self.layers = [layer.float().contiguous() for layer in layers]
        self.size: tuple[int, int] = size or (layers[0].shape[1], layers[0].shape[2])
        self.ceiling = ceiling
        self.align_corners = align_corners
        self._axes = [
            tuple(_Axis(layer.shape[axis + 1], self.size[axis], align_corners, layer.device) for axis in range(2))
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
        total: Tensor | None = None
        for layer, (vertical, horizontal) in zip(self.layers, self._axes, strict=True):
            given = vertical.windows(tile, margin), horizontal.windows(tile, margin)
            rows, columns = given[0].pixels(tile_rows), given[1].pixels(tile_columns)
            height, width = layer.shape[1:]
            if horizontal.is_identity and not margin and width % tile == 0:
                strips = (maps.unsqueeze(1) * height + rows) * (width // tile) + tile_columns.unsqueeze(1)
                values = layer.view(-1, tile).index_select(0, strips.view(-1)).view(*strips.shape, tile)
            else:
                where = ((maps.unsqueeze(1) * height + rows) * width).unsqueeze(2) + columns.unsqueeze(1)
                values = _take(layer.view(-1), where)
            values = given[0].between(given[1].between(values, tile_columns, 2), tile_rows, 1)
            total = values if total is None else total + values
        assert total is not None
        return self._finished(total)

    def dense(self) -> Tensor:
        """All of it, (M, H, W); for tests and for maps of a few joints."""
        resized = [
            layer
            if layer.shape[1:] == self.size
            else F.interpolate(layer[None], self.size, mode="bilinear", align_corners=self.align_corners)[0]
            for layer in self.layers
        ]
        total = resized[0]
        for layer in resized[1:]:
            total = total + layer
        return self._finished(total)

    def part(self, first: int, last: int) -> ResizedMaps:
        """Maps ``first`` to ``last - 1``."""
        return ResizedMaps([layer[first:last] for layer in self.layers], self.size, self.ceiling, self.align_corners)

    def enlarged(self) -> ResizedMaps:
        """The same maps, resized once and for all."""
        return ResizedMaps([self.dense()]) if self.is_resized else self

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
    """One axis of a bilinear resize from ``given`` to ``wanted`` pixels."""

    def __init__(self, given: int, wanted: int, align_corners: bool, device: torch.device) -> None:
        self.is_identity = given == wanted
        self.wanted = wanted
        index = torch.arange(wanted, device=device)
        if align_corners:
            position = index * ((given - 1) / max(1, wanted - 1))
        else:
            position = ((index + 0.5) * (given / wanted) - 0.5).clamp_min(0)
        self.given = given
        self.low = position.long().clamp_max(given - 1)
        self.high = self.low if self.is_identity else (self.low + 1).clamp_max(given - 1)
        self.weight = (position - self.low).clamp(0, 1)
        self._windows: dict[tuple[int, int], _Windows] = {}

    def neighbours(self, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The two given pixels that each wanted one lies between, and the weight of the second."""
        return _take(self.low, indices), _take(self.high, indices), _take(self.weight, indices)

    def windows(self, tile: int, margin: int) -> _Windows:
        """What tiles of wanted pixels, and a margin around them, need of the given ones."""
        if (tile, margin) not in self._windows:
            self._windows[tile, margin] = _Windows(self, tile, margin)
        return self._windows[tile, margin]

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


class _Windows:
    """Given pixels that T tiles along an axis are read from, and how the pixels of the tiles lie between them."""

    def __init__(self, axis: _Axis, tile: int, margin: int) -> None:
        start = torch.arange(0, axis.wanted, tile, device=axis.low.device)
        wanted = (start.unsqueeze(1) + torch.arange(-margin, tile + margin, device=start.device)).clamp(0, axis.wanted - 1)
        low, high, weight = axis.neighbours(wanted)
        self._plain = axis.is_identity
        first = low[:, :1]
        span = int((high[:, -1:] - first).max()) + 1
        around = (first + torch.arange(span, device=start.device)).clamp_max(axis.given - 1)
        self._pixels = wanted if self._plain else around
        self._low, self._high, self._weight = low - first, high - first, weight

    def pixels(self, tiles: Tensor) -> Tensor:
        """(N, S) given pixels of tiles (N,)."""
        return self._pixels.index_select(0, tiles)

    def between(self, values: Tensor, tiles: Tensor, dim: int) -> Tensor:
        """Interpolate dimension ``dim`` of values (N, S, S') from the given pixels to those of tiles (N,)."""
        if self._plain:
            return values
        low, high, weight = (part.index_select(0, tiles).unsqueeze(3 - dim) for part in (self._low, self._high, self._weight))
        size = list(values.shape)
        size[dim] = low.shape[dim]
        return (1 - weight) * values.gather(dim, low.expand(size)) + weight * values.gather(dim, high.expand(size))


def _take(flat: Tensor, indices: Tensor) -> Tensor:
    return flat.index_select(0, indices.reshape(-1)).view(indices.shape)
