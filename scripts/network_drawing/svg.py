"""What every picture is made of: colours, texts, bars, circles, and how a line looks."""

from __future__ import annotations

from html import escape

from network_drawing.layout import Layout
from network_drawing.rows import Row
from network_drawing.shapes import BLOCK, BLOCK_GAP, CONV
from network_drawing.trace import Edge

INK, MUTED, FAINT = "#24303a", "#6b7680", "#d9dcd8"
PAPER, BAND = "#fcfcfa", "#f3f4f0"
UP, DOWN, LEVEL = "#c26a3a", "#3a6fb0", "#8c959d"
# From fine to coarse; what is no resolution of the picture has its own colour.
BY_STRIDE = {
    1: "#0b3040",
    2: "#10404f",
    4: "#17525f",
    8: "#2f7878",
    16: "#5b9c8c",
    32: "#8fbc9c",
    64: "#b3d0a6",
    128: "#cfdfb4",
}
ELSEWHERE, CUT = "#75648c", "#b3a6c4"
FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
STYLE = (
    f"text{{font-family:{FONT};fill:{INK}}}"
    f".title{{font-family:{MONO};font-size:17px;font-weight:600}}.sub{{font-size:11.5px;fill:{MUTED}}}"
    f".phase{{font-size:11px;font-weight:600;fill:{MUTED}}}.row{{font-size:12px;font-weight:600}}"
    f".note{{font-size:9px;fill:{MUTED}}}.channels{{font-size:9px}}.name{{font-size:10.5px;font-weight:600}}"
    f".shape{{font-size:10px;fill:{MUTED}}}"
)


def colour_of(row: Row) -> str:
    return BY_STRIDE[row.key[0]] if len(row.key) == 1 else ELSEWHERE


def direction(layout: Layout, edge: Edge) -> str:
    source, target = layout.row_of[edge.source], layout.row_of[edge.target]
    if len(source.key) > 1 or len(target.key) > 1 or source is target:
        return LEVEL
    return UP if source.top > target.top else DOWN


def line_colour(layout: Layout, edge: Edge) -> str:
    return CUT if edge.link.resampling == "cut" else direction(layout, edge)


def pen(layout: Layout, edge: Edge) -> str:
    """Broken where no convolution is on the way, thick where one is and the line alone would not say so."""
    link = edge.link
    if link.resampling not in ("", "cut") and not link.conv:
        return 'stroke-width="1.1" stroke-dasharray="4 2.5"'
    return f'stroke-width="{2.4 if link.conv and direction(layout, edge) == LEVEL else 1.1}"'


def rect(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return f'<rect x="{digits(x)}" y="{digits(y)}" width="{digits(width)}" height="{digits(height)}" fill="{fill}"{more}/>'


def bars(kind: str, count: int, left: float, top: float, height: float, colour: str) -> list[str]:
    width = BLOCK if kind == "blocks" else CONV
    parts = []
    for index in range(count):
        x = left + index * (width + BLOCK_GAP)
        if kind == "blocks":
            parts.append(rect(x, top, width, height, colour, ' rx="1.5"'))
        else:
            outline = f' rx="1.5" stroke="{colour}" stroke-width="1.4"'
            parts.append(rect(x + 0.7, top + 0.7, width - 1.4, height - 1.4, PAPER, outline))
    return parts


def circle(x: float, y: float, kind: str) -> str:
    plus = f"M{point(x - 2.5, y)}h5M{point(x, y - 2.5)}v5"
    times = f"M{point(x - 2, y - 2)}l4 4M{point(x + 2, y - 2)}l-4 4"
    return (
        f'<circle cx="{digits(x)}" cy="{digits(y)}" r="5" fill="{PAPER}" stroke="{INK}"/>'
        f'<path d="{plus if kind == "sum" else times}" stroke="{INK}" fill="none"/>'
    )


def text(x: float, y: float, words: str, css: str, anchor: str = "") -> str:
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{digits(x)}" y="{digits(y)}" class="{css}"{where}>{escape(words)}</text>'


def point(x: float, y: float) -> str:
    return f"{digits(x)} {digits(y)}"


def digits(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
