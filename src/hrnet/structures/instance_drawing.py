"""Draw the masks of instances on a picture: a tint for each, an outline, and what it is."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.drawing import OUTLINE_COLOR, track_color

_TINT = 0.5  # of the mask's colour in a tinted pixel


def draw_instances(
    image: NDArray[np.uint8], masks: NDArray[np.bool_], names: Sequence[str], scores: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Draw N instances on a copy of ``image`` (H, W, 3) RGB uint8.

    Args:
        masks: (N, H, W). Of masks that overlap, the first ends on top.
        names: of the classes, written at each instance with its score where there is room.
        scores: (N,).
    """
    canvas = np.array(image, order="C", copy=True)
    thickness = max(1, round(min(image.shape[:2]) / 400))
    for index in range(len(masks) - 1, -1, -1):
        color = track_color(index + 1)
        tint = cv2.addWeighted(canvas, 1 - _TINT, np.full_like(canvas, color), _TINT, 0)
        canvas[masks[index]] = tint[masks[index]]
    for index in range(len(masks) - 1, -1, -1):
        outlines, _ = cv2.findContours(masks[index].astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outlines, -1, track_color(index + 1), thickness)
        if len(outlines):
            largest = max(outlines, key=len)[:, 0]
            _write(canvas, f"{names[index]} {scores[index]:.2f}", np.asarray(largest), track_color(index + 1))
    return canvas


def _write(canvas: NDArray[np.uint8], text: str, outline: NDArray[np.generic], color: tuple[int, int, int]) -> None:
    """Write on a plate in the middle of an instance, where that leaves enough of it to be seen."""
    scale = float(np.clip(min(canvas.shape[:2]) / 1100, 0.35, 1.2))
    weight = max(1, round(1.4 * scale))
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
    low, high = outline.min(axis=0), outline.max(axis=0)
    if 1.4 * width > high[0] - low[0] or 2 * height > high[1] - low[1]:
        return
    x, y = (low + high) // 2 - (width // 2, -height // 2)
    cv2.rectangle(canvas, (int(x) - 2, int(y) - height - 2), (int(x) + width + 2, int(y) + base), color, -1)
    cv2.putText(canvas, text, (int(x), int(y)), cv2.FONT_HERSHEY_SIMPLEX, scale, OUTLINE_COLOR, weight, cv2.LINE_AA)
