"""The rows of a picture: one for every resolution, with tracks for layers that stand above each other in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from network_drawing.shapes import attribute_of, size_of
from network_drawing.trace import Edge, Node

RowKey = tuple[int, ...]

TOP = 92.0
BOW = 22.0  # how far above layers a line passes that goes around them


@dataclass
class Row:
    """One resolution: the key is (stride,) of the picture, or (height, width) of something else, such as a region."""

    key: RowKey
    label: str
    detail: str
    top: float = 0.0
    height: float = 0.0
    tracks: dict[float, float] = field(default_factory=dict)


def row_key(node: Node, input_size: tuple[int, int]) -> RowKey:
    height, width = input_size
    strides = [1, 2, 4, 8, 16, 32, 64, 128]
    sides = {(-(-height // stride), -(-width // stride)): stride for stride in reversed(strides)}
    if len(node.shape) == 3:
        return (sides[node.shape[1:]],) if node.shape[1:] in sides else node.shape[1:]
    if len(node.shape) == 2:  # pixels, or objects, in one row
        found = [stride for side, stride in sides.items() if side[0] * side[1] == node.shape[1]]
        return (found[0],) if found else (node.shape[1], 1)
    return (0, 0)


def make_rows(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    keys: Mapping[Node, RowKey],
    track_of: Mapping[Node, float],
    column_of: Mapping[Node, int],
    input_size: tuple[int, int],
    row_names: Mapping[RowKey, tuple[str, str]],
) -> list[Row]:
    def order(key: RowKey) -> tuple[int, ...]:
        return (0, key[0]) if len(key) == 1 else (1, -key[0], -key[1])

    rows, top = [], TOP
    for key in sorted(set(keys.values()), key=order):
        if len(key) == 1:
            sides = [-(-side // key[0]) for side in input_size]
            label, detail = ("1/1" if key[0] == 1 else f"1/{key[0]}"), f"{sides[0]}×{sides[1]}"
        else:
            label, detail = row_names.get(key, ("vector", "") if key == (0, 0) else (f"{key[0]}×{key[1]}", ""))
        row = Row(key, label, detail, top)
        extents = _extents([node for node in nodes if keys[node] == key], edges, keys, track_of, column_of)
        for track in sorted(extents):
            apart = [
                row.tracks[other] + under + above + 4
                for other in row.tracks
                for column, (_, under) in extents[other].items()
                for above in [extents[track].get(column, (-99.0, 0.0))[0]]
            ]
            row.tracks[track] = max([other + 20 for other in row.tracks.values()] + apart, default=0.0)
        highest = max(above - row.tracks[track] for track, spans in extents.items() for above, _ in spans.values())
        lowest = max(under + row.tracks[track] for track, spans in extents.items() for _, under in spans.values())
        row.tracks = {track: y + highest + 5 for track, y in row.tracks.items()}
        row.height = highest + lowest + 10
        rows.append(row)
        top += row.height
    return rows


def _extents(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    keys: Mapping[Node, RowKey],
    track_of: Mapping[Node, float],
    column_of: Mapping[Node, int],
) -> dict[float, dict[int, tuple[float, float]]]:
    """What each track of a row needs above and under its line, by column, for layers, their labels and lines that pass."""
    extents: dict[float, dict[int, tuple[float, float]]] = {}

    def need(track: float, column: int, above: float, under: float) -> None:
        before = extents.setdefault(track, {}).get(column, (0.0, 0.0))
        extents[track][column] = (max(before[0], above), max(before[1], under))

    for node in nodes:
        half = size_of(node)[1] / 2
        under = 24.0 if node.text else 14.0 if node.kind in ("blocks", "conv", "input", "regions") else 2.0
        above = 14.0 if node.text or node.kind == "concat" else 3.0
        if len(attribute_of(node)) > 8:  # the name stands above the next layer as well
            need(track_of[node], column_of[node] + 1, half + above, 0.0)
        columns = range(column_of[node], column_of[node] + (4 if node.kind == "output" else 1))
        for column in columns:
            need(track_of[node], column, *((7.0, 7.0) if node.kind == "output" else (half + above, half + under)))
    for edge in edges:
        track = track_of[edge.source]
        if edge.source in nodes and keys[edge.target] == keys[edge.source] and track_of[edge.target] == track:
            between = range(column_of[edge.source] + 1, column_of[edge.target])
            passed = [
                node for node in nodes if column_of[node] in between and track_of[node] == track and node.kind != "output"
            ]
            tallest = max((size_of(node)[1] / 2 + BOW for node in passed), default=4.0)
            for column in between:
                need(track, column, tallest, 4.0)
    return extents
