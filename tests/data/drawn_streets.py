"""Tiny segmentation data sets, drawn: sky above, road below, a red car on it, an ignored frame; colours tell the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("sky", "road", "car")
COLORS = np.array([[110, 160, 240], [90, 90, 90], [220, 40, 40]], np.uint8)
SIZE = (48, 64)


def street(seed: int, size: tuple[int, int] = SIZE) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture (H, W, 3) and its label map (H, W)."""
    draws = np.random.default_rng(seed)
    height, width = size
    horizon = int(draws.integers(height // 3, height // 2))
    label = np.zeros(size, np.uint8)
    label[horizon:] = 1
    top, left = int(draws.integers(horizon, height - 16)), int(draws.integers(2, width - 22))
    label[top : top + 12, left : left + 18] = 2
    noise = draws.integers(-12, 13, (height, width, 3))
    image = np.clip(COLORS[label].astype(int) + noise, 0, 255).astype(np.uint8)
    label[:2] = 255
    return image, label


def write_streets(folder: Path, name: str, count: int, seed: int = 0, size: tuple[int, int] = SIZE) -> None:
    """Write ``images/NAME/*.png`` and ``labels/NAME/*.png`` into a folder, and ``classes.txt``."""
    for kind in ("images", "labels"):
        (folder / kind / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image, label = street(seed * 1000 + number, size)
        Image.fromarray(image).save(folder / "images" / name / f"{number:03}.png")
        Image.fromarray(label).save(folder / "labels" / name / f"{number:03}.png")
    (folder / "classes.txt").write_text("\n".join([*CLASSES]))
