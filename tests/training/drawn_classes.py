"""Tiny pictures of three classes, drawn: a disc, a square and stripes, of any colours and anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("disc", "square", "stripes")


def draw_class(name: str, seed: int, size: tuple[int, int] = (40, 48)) -> Image.Image:
    """A picture of (height, width) with something of the class in it."""
    draws = np.random.default_rng((seed, CLASSES.index(name)))
    height, width = size
    dark, bright = (tuple(int(value) for value in draws.integers(low, low + 80, 3)) for low in (0, 170))
    picture = Image.new("RGB", (width, height), dark)
    pen = ImageDraw.Draw(picture)
    side = int(draws.integers(16, 26))
    x, y = int(draws.integers(2, width - side - 1)), int(draws.integers(2, height - side - 1))
    if name == "disc":
        pen.ellipse((x, y, x + side, y + side), fill=bright)
    elif name == "square":
        pen.rectangle((x, y, x + side, y + side), fill=bright)
    else:
        for line in range(0, height, 6):
            pen.rectangle((0, line, width, line + 2), fill=bright)
    return picture


def write_classes(folder: Path, per_class: int, seed: int = 0, names: tuple[str, ...] = CLASSES) -> Path:
    """``folder/CLASS/N.png``; the folder comes back."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            draw_class(name, 1000 * seed + number).save(folder / name / f"{number}.png")
    return folder
