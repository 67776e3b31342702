"""The names of classes, written beside their colours into the corner of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hrnet.structures.captions import INK, PAPER, drawable, font_of_height
from hrnet.structures.class_overlay import class_palette
from hrnet.structures.class_set import ClassSet

_SHARE_OF_HEIGHT = 0.5  # of the picture that a legend may cover
_SMALLEST_FONT = 9.0
_MOST_LINES = 10


def draw_legend(image: NDArray[np.uint8], legend: Sequence[tuple[str, float]], class_set: ClassSet) -> NDArray[np.uint8]:
    """Write classes into the lower left corner of a copy of a picture; fewer or none where it is too small to read them.

    Args:
        image: (H, W, 3) RGB.
        legend: names and shares of the picture, the most important first.
    """
    height, width = image.shape[:2]
    size = float(np.clip(min(height, width) / 32, _SMALLEST_FONT, 30))
    step, margin = round(1.5 * size), max(2, round(0.5 * size))
    lines = min(_MOST_LINES, len(legend), int((_SHARE_OF_HEIGHT * height - 2 * margin) / step))
    if lines < 1:
        return image.copy()
    font = font_of_height(size)
    texts = [f"{drawable(name)} {100 * share:.1f} %" for name, share in legend[:lines]]
    box = round(max(font.getlength(text) for text in texts)) + step + 3 * margin
    if box > 0.7 * width:
        return image.copy()
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    top = height - lines * step - 2 * margin
    draw.rectangle((0, top, box, height), fill=PAPER)
    palette = class_palette(class_set)
    for number, ((name, _), text) in enumerate(zip(legend, texts, strict=False)):
        y = top + margin + number * step
        red, green, blue = palette[class_set.index(name)].tolist()
        draw.rectangle((margin, y + 1, margin + step - 4, y + step - 4), fill=(red, green, blue), outline=INK)
        draw.text((step + 2 * margin, y), text, fill=INK, font=font)
    return np.array(picture)
