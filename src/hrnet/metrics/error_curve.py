"""The cumulative error curve: which share of the faces has an error of at most so much; its values and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from hrnet.metrics.tables import csv_text

_STEPS = 101
_COLORS = ((31, 100, 170), (214, 98, 20), (40, 140, 60), (190, 40, 50), (130, 90, 180), (120, 80, 70), (200, 110, 180))
_BLACK, _GREY = (30, 30, 30), (215, 215, 215)


@dataclass(frozen=True)
class ErrorCurve:
    """A cumulative error distribution.

    Attributes:
        thresholds: (T,) errors from 0 to the limit.
        shares: (T,) part of the faces, 0..1, whose error is at most that; NaN where there are no faces.
        faces: how many there are.
    """

    thresholds: NDArray[np.float64]
    shares: NDArray[np.float64]
    faces: int


def error_curve(errors: ArrayLike, limit: float = 0.10, steps: int = _STEPS) -> ErrorCurve:
    """The curve of (N,) normalised errors at ``steps`` thresholds from 0 to ``limit``.

    Raises:
        ValueError: a limit that is not positive, fewer than two steps, or errors that are not finite and at least 0.
    """
    values = np.sort(np.asarray(errors, np.float64).ravel())
    if not limit > 0 or steps < 2:
        raise ValueError(f"an error curve needs a positive limit and two steps or more, got {limit} and {steps}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("errors must be finite and at least 0")
    thresholds = np.linspace(0, limit, steps)
    counts = np.searchsorted(values, thresholds, side="right")
    return ErrorCurve(thresholds, counts / len(values) if len(values) else np.full(steps, np.nan), len(values))


def curves_to_csv(curves: Mapping[str, ErrorCurve]) -> str:
    """One line for each threshold, one column for each curve. The curves must have the same thresholds."""
    thresholds = next(iter(curves.values())).thresholds
    shares = zip(*(curve.shares for curve in curves.values()), strict=True)
    rows = (
        [f"{threshold:.6g}", *("" if np.isnan(share) else f"{share:.6g}" for share in row)]
        for threshold, row in zip(thresholds, shares, strict=True)
    )
    return csv_text(["error", *curves], rows)


def draw_error_curves(curves: Mapping[str, ErrorCurve], title: str = "", size: tuple[int, int] = (600, 800)) -> np.ndarray:
    """Draw curves into one diagram: error in percent to the right, share of the faces in percent upwards.

    Args:
        curves: by name; the axis ends at the largest threshold.
        title: above the diagram.
        size: (height, width) of the picture, at least (240, 320).

    Returns:
        (height, width, 3) RGB uint8.
    """
    if not curves:
        raise ValueError("there is no curve to draw")
    height, width = max(size[0], 240), max(size[1], 320)
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(max(12, height // 40))
    line = int(font.getbbox("Xg")[3]) + 4
    left, top, right, bottom = 4 * line, (2 if title else 1) * line + 6, width - 2 * line, height - 3 * line
    limit = max(float(curve.thresholds[-1]) for curve in curves.values())

    def place(error: float, share: float) -> tuple[float, float]:
        return left + (right - left) * error / limit, bottom - (bottom - top) * share

    for tick in range(11):
        x, y = place(limit * tick / 10, tick / 10)
        draw.line([(x, top), (x, bottom)], fill=_GREY)
        draw.line([(left, y), (right, y)], fill=_GREY)
        if tick % 2 == 0:
            draw.text((x, bottom + 4), f"{10 * limit * tick:.3g}", fill=_BLACK, font=font, anchor="ma")
            draw.text((left - 6, y), f"{10 * tick}", fill=_BLACK, font=font, anchor="rm")
    draw.rectangle([left, top, right, bottom], outline=_BLACK)
    draw.text(((left + right) / 2, bottom + 4 + line), "normalised mean error, %", fill=_BLACK, font=font, anchor="ma")
    draw.text((6, top - line - 2), "faces, %", fill=_BLACK, font=font)
    if title:
        draw.text(((left + right) / 2, 4), title, fill=_BLACK, font=font, anchor="ma")
    for number, (name, curve) in enumerate(curves.items()):
        color = _COLORS[number % len(_COLORS)]
        known = ~np.isnan(curve.shares)
        points = [place(error, share) for error, share in zip(curve.thresholds[known], curve.shares[known], strict=True)]
        if len(points) > 1:
            draw.line(points, fill=color, width=max(2, height // 250), joint="curve")
        y = bottom - (len(curves) - number) * line - 4
        label = f"{name} ({curve.faces})"
        start = right - 8 - draw.textlength(label, font=font)
        draw.rectangle([start - 3 * line // 2 - 2, y - 1, right - 6, y + line - 2], fill="white")
        draw.line([(start - 3 * line // 2, y + line // 2), (start - 6, y + line // 2)], fill=color, width=3)
        draw.text((start, y), label, fill=_BLACK, font=font)
    return np.asarray(canvas)
