"""A confusion matrix as a picture that can be read with ten classes and with a thousand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from hrnet.structures.captions import INK, PAPER, Font, drawable, font_of_height, shortened

_SIDE = 1400  # pixels that the cells of many classes share
_LARGEST, _WITH_NUMBERS = 64, 26  # pixels per cell: at most, and from where numbers fit in
_LABEL_WIDTH = 220
_LEAST_WIDTH = 500  # so that the caption is whole
_MEASURED = 20  # names, the longest, whose width in pixels decides about the margin
_RIGHT = np.array([[247, 250, 252], [86, 160, 210], [12, 62, 120]], np.float64)  # from nothing to everything
_WRONG = np.array([[247, 250, 252], [240, 150, 60], [170, 40, 20]], np.float64)


def draw_confusion_matrix(confusion: np.ndarray, classes: Sequence[str], title: str = "") -> np.ndarray:
    """Draw pictures by true class (rows) and predicted class (columns), each row as shares of its class.

    The diagonal is blue, mistakes are orange and red on a scale that shows small shares. Cells are as large as fits; numbers
    are written into cells that are large enough, and of many names every n-th is written.

    Args:
        confusion: (C, C) counts.
        classes: the C names.

    Returns:
        RGB uint8 picture.

    Raises:
        ValueError: shapes that do not fit.
    """
    count = len(classes)
    counts = np.asarray(confusion)
    if counts.shape != (count, count) or not count:
        raise ValueError(f"expected counts (C, C) and C names, got {counts.shape} and {count}")
    cell = int(np.clip(_SIDE // count, 1, _LARGEST))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = np.where(np.eye(count, dtype=bool)[..., None], _colors(shares, _RIGHT), _colors(shares, _WRONG)).astype(np.uint8)
    size = int(np.clip(cell * 0.7, 11, 17))
    font, every = font_of_height(size), -(-(size + 3) // cell)
    longest = sorted(classes, key=len)[-_MEASURED:]
    label_width = min(_LABEL_WIDTH, max(int(font.getlength(drawable(name))) for name in longest) + 12)
    caption = 2 * size + 14
    left, top = label_width + size + 10, caption + label_width
    side = cell * count
    sheet = Image.new("RGB", (max(left + side + 12, _LEAST_WIDTH), top + side + 12), PAPER)
    grid = Image.fromarray(cells).resize((side, side), Image.Resampling.NEAREST)
    sheet.paste(grid, (left, top))
    draw = ImageDraw.Draw(sheet)
    heading = f"{title}; {int(counts.sum())} pictures" if title else f"{int(counts.sum())} pictures"
    draw.text((10, 6), shortened(heading, font, sheet.width - 20), fill=INK, font=font)
    key = "row: true class, column: predicted, colour: share of the row"
    draw.text((10, 9 + size), shortened(key, font, sheet.width - 20), fill=INK, font=font)
    for number in range(0, count, every):
        middle = round((number + 0.5) * cell)
        name = shortened(classes[number], font, label_width - 8)
        width = font.getlength(name)
        draw.text((left - 6 - width, top + middle - 0.6 * size), name, fill=INK, font=font)
        upright = _upright(name, font, size)
        sheet.paste(upright, (left + middle - upright.width // 2, top - 4 - upright.height))
    if cell >= _WITH_NUMBERS:
        _write_numbers(draw, counts, shares, (left, top), cell)
    if cell >= 4:
        for line in range(count + 1):
            place = line * cell
            draw.line((left + place, top, left + place, top + side), fill=(225, 225, 228))
            draw.line((left, top + place, left + side, top + place), fill=(225, 225, 228))
    return np.array(sheet)


def _colors(shares: np.ndarray, ramp: np.ndarray) -> np.ndarray:
    """(..., 3) colours of shares in 0..1; square roots, so that one mistake in a hundred is seen."""
    places = np.sqrt(np.clip(shares, 0, 1))
    return np.stack([np.interp(places, np.linspace(0, 1, len(ramp)), channel) for channel in ramp.T], axis=-1)


def _upright(name: str, font: Font, size: int) -> Image.Image:
    """A name to be read from below."""
    strip = Image.new("RGB", (max(1, round(font.getlength(name)) + 2), size + 5), PAPER)
    ImageDraw.Draw(strip).text((0, 0), name, fill=INK, font=font)
    return strip.transpose(Image.Transpose.ROTATE_90)


def _write_numbers(
    draw: ImageDraw.ImageDraw, counts: np.ndarray, shares: np.ndarray, corner: tuple[int, int], cell: int
) -> None:
    for row, column in np.argwhere(counts > 0):
        text = str(counts[row, column])
        font = font_of_height(min(0.36 * cell, 1.5 * cell / len(text)))
        x, y = corner[0] + (column + 0.5) * cell, corner[1] + (row + 0.5) * cell
        color = PAPER if shares[row, column] > 0.3 else INK
        draw.text((x, y), text, fill=color, font=font, anchor="mm")
