"""Words under pictures, in the font that comes with Pillow."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK = (24, 24, 28)
PAPER = (250, 250, 250)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font_of_height(pixels: float) -> Font:
    """A plain font whose letters stand about ``pixels`` high; Pillow without FreeType has one small size only."""
    return ImageFont.load_default(size=max(6.0, pixels))


def shortened(text: str, font: Font, width: float) -> str:
    """``text`` as it can be drawn, cut and ended with dots where it is wider than ``width`` pixels."""
    text = drawable(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def drawable(text: str) -> str:
    """``text`` in the letters that the font has: without accents, and question marks for those of other scripts."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(plain.encode("ascii", "replace").decode().split())


def captioned(image: np.ndarray, lines: Sequence[str], marked: int | None = None) -> np.ndarray:
    """Put lines of text below a picture; small pictures are enlarged, so that the text can be read.

    Args:
        image: (H, W, 3) RGB uint8.
        lines: each is cut to the picture's width.
        marked: number of a line to stress with a bar in front.

    Returns:
        (H', W', 3) RGB uint8, the picture above the text.
    """
    scale = max(1, round(160 / max(1, min(image.shape[:2]))))
    picture = Image.fromarray(image)
    if scale > 1:
        picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    size = float(np.clip(picture.width / 22, 11, 40))
    font, step, margin = font_of_height(size), round(1.35 * size), round(0.5 * size)
    sheet = Image.new("RGB", (picture.width, picture.height + step * len(lines) + (margin if lines else 0)), PAPER)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        top = picture.height + margin // 2 + number * step
        if number == marked:
            draw.rectangle((0, top, max(2, margin // 2), top + step - 1), fill=(230, 120, 30))
        draw.text((margin, top), shortened(line, font, picture.width - 2 * margin), fill=INK, font=font)
    return np.array(sheet)
