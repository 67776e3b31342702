"""Draw the training curves of the bundled weights from their logs: loss, and the measure of the validation.

python scripts/draw_curves.py            # docs/images/curves/NAME.svg, for the cards
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from hrnet.atomic_files import write_atomically

ROOT = Path(__file__).parent.parent
BUNDLED, OUTPUT = ROOT / "src" / "hrnet" / "weights" / "bundled", ROOT / "docs" / "images" / "curves"
MEASURES = ("val/pck", "val/ap50", "val/miou", "val/nme", "val/top1")
WIDTH, HEIGHT, MARGIN = 420, 220, 44
COLORS = ("#1f64aa", "#d66214")

Points = Sequence[tuple[float, float]]


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for log in sorted(BUNDLED.glob("*.csv")):
        path = OUTPUT / f"{log.stem}.svg"
        write_atomically(path, draw(log))
        print(path)


def draw(log: Path) -> str:
    """The SVG picture of a log; epochs of several runs follow one another."""
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    measure = next(name for name in MEASURES if name in rows[0])
    # The validation's loss has no part beside the heatmaps'.
    trained = "train/heatmaps" if "train/heatmaps" in rows[0] else "train/loss"
    loss = {name: column(rows, name) for name in (trained, "val/loss")}
    panels = [panel(loss, 0), panel({measure: column(rows, measure)}, WIDTH)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{"".join(panels)}</svg>\n'
    )


def column(rows: Sequence[dict[str, str]], name: str) -> Points:
    """(epoch, value) of the rows that have one; epochs count from 1 over all runs."""
    return [(number, float(row[name])) for number, row in enumerate(rows, start=1) if row.get(name)]


def panel(curves: dict[str, Points], left: float) -> str:
    """Axes with the lowest and highest value, and a line for each curve."""
    values = [value for points in curves.values() for _, value in points]
    last = max(epoch for points in curves.values() for epoch, _ in points)
    low, high = min(values), max(values)
    x0, x1, y0, y1 = left + MARGIN + 12, left + WIDTH - 12, HEIGHT - MARGIN + 12, 30

    def place(epoch: float, value: float) -> str:
        x = x0 + (x1 - x0) * (epoch - 1) / max(1, last - 1)
        return f"{x:.1f},{y0 + (y1 - y0) * (value - low) / ((high - low) or 1):.1f}"

    parts = [f'<path d="M{x0} {y1} V{y0} H{x1}" fill="none" stroke="#444"/>\n']
    parts += [f'<text x="{x0 - 4}" y="{y + 4}" text-anchor="end">{value:.3g}</text>\n' for y, value in ((y0, low), (y1, high))]
    parts += [f'<text x="{x}" y="{y0 + 15}" text-anchor="middle">{epoch}</text>\n' for x, epoch in ((x0, 1), (x1, int(last)))]
    parts.append(f'<text x="{(x0 + x1) / 2}" y="{y0 + 15}" text-anchor="middle">epoch</text>\n')
    for number, (name, points) in enumerate(curves.items()):
        color = COLORS[number]
        parts.append(f'<text x="{x0 + 8 + 90 * number}" y="18" fill="{color}">{name}</text>\n')
        line = " ".join(place(*point) for point in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>\n')
    return "".join(parts)


if __name__ == "__main__":
    main()
