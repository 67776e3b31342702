"""A network's graph as an SVG: rows are resolutions, columns are steps, bars are layers, lines are what flows between them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from network_drawing.layout import Layout, Place
from network_drawing.legend import legend
from network_drawing.rows import BOW, TOP, Row
from network_drawing.shapes import attribute_of, shape_text, text_width
from network_drawing.svg import (
    BAND,
    FAINT,
    LEVEL,
    PAPER,
    STYLE,
    bars,
    circle,
    colour_of,
    digits,
    direction,
    line_colour,
    pen,
    point,
    rect,
    text,
)
from network_drawing.trace import Edge, Node


def draw(layout: Layout, title: str, subtitle: str, modules_of: dict[str, int]) -> str:
    """Return the SVG.

    Args:
        layout: where everything stands.
        title, subtitle: above the picture.
        modules_of: how many exchange modules there are in phases of which one is drawn.
    """
    below, legend_height = legend(layout, bool(modules_of))
    width = max(layout.width, 560.0, text_width(subtitle, 11.5) + 44)
    height = layout.bottom + legend_height + 26
    size = f'width="{digits(width)}" height="{digits(height)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {digits(width)} {digits(height)}" {size}>',
        f"<title>{escape(title)}: {escape(subtitle)}</title><style>{STYLE}</style>",
        rect(0.5, 0.5, width - 1, height - 1, PAPER, f' rx="10" stroke="{FAINT}"'),
        text(22, 32, title, "title"),
        text(22, 51, subtitle, "sub"),
        *_rows(layout.rows, width),
        *_phases(layout, modules_of),
        *(_edge(layout, edge) for edge in sorted(layout.edges, key=lambda edge: direction(layout, edge) != LEVEL)),
    ]
    labelled: dict[tuple[str, float], int] = {}
    for node, place in layout.places.items():
        parts += _node(layout, node, place, labelled)
    parts += [*_names(layout), *below]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rows(rows: Sequence[Row], width: float) -> list[str]:
    parts = []
    for index, row in enumerate(rows):
        if index % 2 == 0:
            parts.append(rect(10, row.top, width - 20, row.height, BAND, ' rx="4"'))
        middle = row.top + row.tracks.get(0.0, row.height / 2)
        parts.append(text(22, middle + (0 if row.detail else 4), row.label, "row"))
        if row.detail:
            parts.append(text(22, middle + 12, row.detail, "note"))
    return parts


def _phases(layout: Layout, modules_of: dict[str, int]) -> list[str]:
    parts, free_from = [], 0.0
    for phase, left, right in layout.phases:
        label = f"{phase} (×{modules_of[phase]})" if modules_of.get(phase, 1) > 1 else phase
        half = text_width(label, 11) / 2
        x = max((left + right) / 2, free_from + half)
        free_from = x + half + 8
        parts.append(text(x, TOP - 13, label, "phase", "middle"))
        parts.append(f'<path d="M{digits(left)} {digits(TOP - 6)}H{digits(right)}" stroke="{LEVEL}" stroke-width="1.2"/>')
    return parts


def _edge(layout: Layout, edge: Edge) -> str:
    start, end = layout.places[edge.source], layout.places[edge.target]
    x1, x2 = start.x + start.width / 2, end.x - end.width / 2
    first, last = layout.column_of[edge.source], layout.column_of[edge.target]

    def blocked(like: Node) -> list[Place]:
        row, track = layout.row_of[like], layout.track_of[like]
        return [
            place
            for node, place in layout.places.items()
            if first < layout.column_of[node] < last and layout.row_of[node] is row and layout.track_of[node] == track
        ]

    def turn(before: bool) -> float:
        """Where the level part of a line ends, so that its steep part fits into one gap between columns."""
        column = first + 1 if before else last - 1
        inside = [place for node, place in layout.places.items() if layout.column_of[node] == column and node.kind != "output"]
        if before:
            return min([place.x - place.width / 2 for place in inside] or [x2])
        return max([place.x + place.width / 2 for place in inside] or [x1])

    if edge.link.resampling == "cut":
        path = f"M{point(x1, start.y)}H{digits(turn(True) - 10)}V{digits(end.y)}H{digits(x2)}"
    elif abs(start.y - end.y) < 0.5:
        obstacles = blocked(edge.source)
        if obstacles:
            top = min(place.y - place.height / 2 for place in obstacles) - BOW + 3
            a, b = turn(True), turn(False)
            path = f"M{point(x1, start.y)}C{point(a - 2, start.y)} {point(x1 + 2, top)} {point(a + 4, top)}H{digits(b - 4)}"
            path += f"C{point(x2 - 2, top)} {point(b + 2, end.y)} {point(x2, end.y)}"
        else:
            path = f"M{point(x1, start.y)}H{digits(x2)}"
    elif last - first <= 1:
        path = f"M{point(x1, start.y)}L{point(x2, end.y)}"
    elif not blocked(edge.target):
        path = f"M{point(x1, start.y)}L{point(turn(True), end.y)}H{digits(x2)}"
    else:
        path = f"M{point(x1, start.y)}H{digits(turn(False))}L{point(x2, end.y)}"
    return f'<path d="{path}" fill="none" stroke="{line_colour(layout, edge)}" {pen(layout, edge)}/>'


def _node(layout: Layout, node: Node, place: Place, labelled: dict[tuple[str, float], int]) -> list[str]:
    row = layout.row_of[node]
    colour = colour_of(row)
    left, top = place.x - place.width / 2, place.y - place.height / 2
    if node.kind in ("sum", "product"):
        return [circle(place.x, place.y, node.kind)]
    if node.kind == "output":
        dot = f'<circle cx="{digits(place.x)}" cy="{digits(place.y)}" r="3" fill="{colour}"/>'
        source = next(edge.source for edge in layout.edges if edge.target is node)
        if layout.row_of[source] is row and layout.track_of[node] == layout.track_of[source] + 1:  # out of the way, to the left
            return [dot, text(place.x - 8, place.y + 3.5, f"{node.name} {shape_text(node)}", "shape", "end")]
        name = f'<tspan class="name">{escape(node.name)}</tspan>{"" if node.brief else " " + shape_text(node)}'
        return [dot, f'<text x="{digits(place.x + 9)}" y="{digits(place.y + 3.5)}" class="shape">{name}</text>']
    if node.kind in ("input", "regions"):
        dash = ' stroke-dasharray="2.5 2"' if node.kind == "regions" else ""
        box = rect(left, top, 20, 20, PAPER, f' rx="2" stroke="{colour}"{dash}')
        return [box, text(place.x, top + 32, str(node.channels), "channels", "middle")]
    if node.kind == "concat":
        parts = _concatenation(layout, node, place)
    else:
        parts = bars(node.kind, node.count, left, top, place.height, colour)
    x, anchor = _beside(layout, node, place)
    below = place.y + place.height / 2
    if node.text:
        parts.append(text(x, below + 19, node.text, "note", anchor))
    # In a row of equal widths the first one says how many channels there are.
    key = (row.label, layout.track_of[node])
    if labelled.get(key) != node.channels or node.kind != "blocks":
        parts.append(text(x, top - 4 if node.kind == "concat" else below + 10, str(node.channels), "channels", anchor))
    labelled[key] = node.channels
    return parts


def _beside(layout: Layout, node: Node, place: Place) -> tuple[float, str]:
    """Where the numbers under a layer stand so that no steep line crosses them: under its middle, or to one side."""
    falls = any(
        layout.places[edge.target].y > place.y + 1
        for edge in layout.edges
        if edge.source is node and edge.link.resampling != "cut"
    )
    steep = any(abs(layout.places[edge.source].y - place.y) > 1 for edge in layout.edges if edge.target is node)
    if node.phase == "neck" and node.kind == "conv" and (steep or falls):
        return (place.x - place.width / 2, "") if steep else (place.x + place.width / 2, "end")
    if node.kind == "concat" or node.count > 1 or len(node.text) < 4:
        return place.x, "middle"
    if falls:
        return place.x + place.width / 2, "end"
    from_below = any(layout.places[edge.source].y > place.y + 1 for edge in layout.edges if edge.target is node)
    return (place.x - place.width / 2, "") if from_below else (place.x, "middle")


def _names(layout: Layout) -> list[str]:
    """Attribute names of the layers of necks and heads, as in the state dict, each at its first layer."""
    parts, drawn = [], {}
    for node, place in layout.places.items():
        name = attribute_of(node)
        if not name or name in drawn:
            continue
        x, y = place.x - place.width / 2, place.y - place.height / 2 - 4
        right = x + 0.9 * text_width(name, 9)
        while any(x < other_right and left < right and abs(y - other) < 9 for left, other_right, other in drawn.values()):
            y -= 9
        drawn[name] = (x, right, y)
        parts.append(text(x, y, name, "note"))
    return parts


def _concatenation(layout: Layout, node: Node, place: Place) -> list[str]:
    """One bar, striped by where its channels come from."""
    parts, top = [], place.y - place.height / 2
    for source in [edge.source for edge in layout.edges if edge.target is node]:
        height = place.height * source.channels / node.channels
        colour = colour_of(layout.row_of[source])
        parts.append(rect(place.x - place.width / 2, top, place.width, max(height - 0.8, 0.8), colour))
        top += height
    return parts
