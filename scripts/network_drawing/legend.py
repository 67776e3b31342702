"""The legend under a picture: everything that occurs in it."""

from __future__ import annotations

from network_drawing.layout import Layout
from network_drawing.svg import BY_STRIDE, UP, bars, circle, direction, line_colour, pen, point, rect, text
from network_drawing.trace import Edge


def legend(layout: Layout, shortened: bool) -> tuple[list[str], float]:
    """The SVG of the legend, and its height. ``shortened`` pictures draw one of several exchange modules."""
    limit = max(layout.width, 560.0) - 16
    parts, x, y = [], 22.0, layout.bottom + 24
    for kind, words in _entries(layout, shortened):
        icon = 24 if kind else 0
        need = icon + 0.56 * 10 * len(words) + 18
        if x + need > limit and x > 22:
            x, y = 22.0, y + 18
        parts += [*_icon(kind, x, y), text(x + icon, y, words, "shape")]
        x += need
    return parts, y - layout.bottom


def _entries(layout: Layout, shortened: bool) -> list[tuple[str, str]]:
    """Icon and words of everything that occurs."""
    kinds = {node.kind for node in layout.places}
    linear = any(node.text == "linear" for node in layout.places)
    words = {
        "blocks": "residual block",
        "conv": "convolution or linear layer" if linear else "convolution",
        "": "height: channels, logarithmic",
        "concat": "concatenation",
        "sum": "sum",
        "product": "matrix product",
    }
    lines: dict[str, str] = {}
    for edge in layout.edges:
        if what := _describe(layout, edge):
            lines.setdefault(what, f"line|{line_colour(layout, edge)}|{pen(layout, edge)}")
    entries = [(kind, name) for kind, name in words.items() if kind in kinds or not kind]
    entries += [(style, what) for what, style in lines.items()]
    return [*entries, ("", "(×n): the last of n exchange modules is drawn")] if shortened else entries


def _icon(kind: str, x: float, y: float) -> list[str]:
    if kind == "blocks":
        return bars(kind, 2, x + 2, y - 11, 14, BY_STRIDE[4])
    if kind == "conv":
        return bars(kind, 1, x + 5, y - 11, 14, BY_STRIDE[4])
    if kind == "concat":
        return [rect(x + 5, y - 11 + 5 * index, 8, 4.2, BY_STRIDE[4 << index]) for index in range(3)]
    if kind in ("sum", "product"):
        return [circle(x + 9, y - 4, kind)]
    if not kind:
        return []
    _, colour, stroke = kind.split("|")
    return [f'<path d="M{point(x, y - 4)}h18" stroke="{colour}" {stroke}/>']


def _describe(layout: Layout, edge: Edge) -> str:
    link, way = edge.link, direction(layout, edge)
    if link.resampling == "cut":
        return "cut from the feature maps: outside the network"
    steps = []
    if link.conv:
        kernel, _, stride = link.conv.partition(" ↓")
        steps.append(f"{kernel} convolution" + (f"s, stride {stride}" if stride else ""))
    if link.resampling.endswith(("nearest", "bilinear")):
        steps.append(f"{link.resampling} {'upsampling' if way == UP else 'resizing'}")
    elif link.resampling:
        steps.append(link.resampling)
    return ", ".join(steps)
