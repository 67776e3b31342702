"""Where everything of a network's graph stands: a row for every resolution, a column for every step, tracks within a row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from network_drawing.rows import Row, RowKey, make_rows, row_key
from network_drawing.shapes import output_width, size_of, text_width
from network_drawing.trace import Edge, Node, Trace

LEFT = 78.0


@dataclass
class Place:
    """Centre and size of a node."""

    x: float
    y: float
    width: float
    height: float


@dataclass
class Layout:
    places: dict[Node, Place]
    rows: list[Row]
    phases: list[tuple[str, float, float]]
    row_of: dict[Node, Row]
    column_of: dict[Node, int]
    track_of: dict[Node, float]
    edges: list[Edge]
    width: float
    bottom: float


def merged(trace: Trace) -> tuple[list[Node], list[Edge]]:
    """Layers of one kind in a row, with nothing else between them, become one node with their count."""
    nodes, edges = list(trace.nodes), list(trace.edges)
    for node in list(nodes):
        incoming = [edge for edge in edges if edge.target is node]
        if node.kind not in ("blocks", "conv") or len(incoming) != 1:
            continue
        before, link = incoming[0].source, incoming[0].link
        same = (before.kind, before.shape, before.text, before.phase) == (node.kind, node.shape, node.text, node.phase)
        if same and not link.conv and not link.resampling and sum(edge.source is before for edge in edges) == 1:
            before.count += node.count
            nodes.remove(node)
            edges.remove(incoming[0])
            edges = [Edge(before, edge.target, edge.link) if edge.source is node else edge for edge in edges]
    return nodes, edges


def arrange(
    trace: Trace, input_size: tuple[int, int], tracks: Mapping[str, float], row_names: Mapping[RowKey, tuple[str, str]]
) -> Layout:
    """Give every node its place.

    Args:
        trace: the graph.
        input_size: (height, width) of the picture.
        tracks: pattern of a layer's name to the track it runs in, 0 for all others; smaller ones are higher.
        row_names: label and detail of rows that are no resolution of the picture, by (height, width).
    """
    nodes, edges = merged(trace)
    keys = {node: row_key(node, input_size) for node in nodes}
    track_of = _tracks(nodes, edges, keys, tracks)
    column_of = _columns(nodes, edges)
    rows = make_rows(nodes, edges, keys, track_of, column_of, input_size, row_names)
    by_key = {row.key: row for row in rows}
    row_of = {node: by_key[keys[node]] for node in nodes}
    centres, right = _column_centres(nodes, edges, column_of, row_of)
    places = {}
    for node in nodes:
        width, height = size_of(node)
        row = row_of[node]
        places[node] = Place(centres[column_of[node]], row.top + row.tracks[track_of[node]], width, height)
    phases = []
    for phase in _phases(nodes):
        own = [places[node] for node in nodes if node.phase == phase and node.kind != "output"]
        if own and phase != "input":
            phases.append((phase, min(p.x - p.width / 2 for p in own), max(p.x + p.width / 2 for p in own)))
    texts = [places[node].x + 9 + output_width(node) for node in nodes if node.kind == "output"]
    width = max([right, *texts]) + 24
    return Layout(places, rows, phases, row_of, column_of, track_of, edges, width, rows[-1].top + rows[-1].height)


def _tracks(
    nodes: Sequence[Node], edges: Sequence[Edge], keys: Mapping[Node, RowKey], tracks: Mapping[str, float]
) -> dict[Node, float]:
    """Layers by their names; what has none goes with the layer that reads it, outputs with what they come from."""
    found: dict[Node, float] = {}
    for node in nodes:
        matches = [track for pattern, track in tracks.items() if re.search(pattern, node.name)] if node.name else []
        if node.kind not in ("output",) and node.name:
            found[node] = matches[0] if matches else 0.0
    for node in reversed(nodes):
        if node in found or node.kind == "output":
            continue
        readers = [edge.target for edge in edges if edge.source is node and keys[edge.target] == keys[node]]
        known = {found[reader] for reader in readers if reader in found}
        found[node] = known.pop() if len(known) == 1 and not node.phase.startswith("stage") else 0.0
    taken: set[tuple[Node, float]] = set()
    for node in nodes:
        if node.kind == "output":
            source = next(edge.source for edge in edges if edge.target is node)
            same_row = keys[source] == keys[node]
            track = found[source] if same_row else 0.0
            if any(e.source is source and keys[e.target] == keys[node] and found.get(e.target) == track for e in edges):
                track += 1  # the line of the source goes on to another layer
            while (source, track) in taken:  # several outputs of one layer stand below each other
                track += 0.5
            taken.add((source, track))
            found[node] = track
    return found


def _phases(nodes: Sequence[Node]) -> list[str]:
    """As they come, with necks before heads: of several heads one may need no neck."""
    return sorted(
        dict.fromkeys(node.phase for node in nodes),
        key=lambda phase: ("neck", "head").index(phase) if phase in ("neck", "head") else -1,
    )


def _columns(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[Node, int]:
    """The longest way to a node from the start of its phase; phases stand one after the other."""
    columns: dict[Node, int] = {}
    start = 0
    for phase in _phases(nodes):
        members = [node for node in nodes if node.phase == phase]
        for _ in members:  # sums are noted when they are read, after their readers' neighbours: repeat until nothing moves
            before = dict(columns)
            for node in members:
                sources = [columns.get(edge.source, start - 1) for edge in edges if edge.target is node]
                columns[node] = max([start, *(column + 1 for column in sources)])
            if columns == before:
                break
        start = max((columns[node] for node in members if node.kind != "output"), default=start - 1) + 1
    return columns


def _column_centres(
    nodes: Sequence[Node], edges: Sequence[Edge], column_of: Mapping[Node, int], row_of: Mapping[Node, Row]
) -> tuple[dict[int, float], float]:
    """Columns are as wide as their widest node or text, gaps as wide as the steepest line that crosses them needs."""
    members: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        members[column_of[node]].append(node)
    rise: dict[int, float] = defaultdict(float)
    for edge in edges:
        source, target = column_of[edge.source], column_of[edge.target]
        span = abs(row_of[edge.source].top - row_of[edge.target].top)
        for gap in {source, target - 1} if source < target else set():
            rise[gap] = max(rise[gap], span)
    buses = {column_of[edge.source] for edge in edges if edge.link.resampling == "cut"}
    centres, x = {}, LEFT + 12
    for column in range(max(members) + 1):
        inside = [node for node in members[column] if node.kind != "output"]
        drawn = max([size_of(node)[0] for node in inside] or [6.0])
        texts = [text_width(node.text, 9) for node in inside if node.text]
        texts += [text_width(str(node.channels), 9) for node in inside if node.kind in ("blocks", "conv", "concat")]
        width = max([drawn, *(text + 1 for text in texts)])
        centres[column] = x + width / 2
        gap = max(9 + min(27.0, rise[column] * 0.17), 26.0 if column in buses else 0.0)
        x += width + gap + (8 if any(len(node.text) > 3 for node in inside) else 0)
    return centres, x
