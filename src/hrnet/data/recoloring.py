"""Random contrast, brightness and colour cast of pictures."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray


class NormalDraws(Protocol):
    """The part of `numpy.random.Generator` that recolouring uses."""

    def standard_normal(self) -> float: ...


def recolor(image: NDArray[np.uint8], strength: float, draws: NormalDraws) -> NDArray[np.uint8]:
    """Change contrast, brightness and the balance of the channels of an (H, W, 3) picture; 0 draws and changes nothing."""
    if strength <= 0:
        return image
    contrast = np.exp(strength * np.clip(draws.standard_normal(), -2, 2) * 0.5)
    brightness = 96 * strength * np.clip(draws.standard_normal(), -2, 2)
    cast = np.exp(0.25 * strength * np.clip([draws.standard_normal() for _ in range(3)], -2, 2))
    levels = np.arange(256)[:, None]
    table = np.clip(((levels - 128) * contrast + 128 + brightness) * cast, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table.reshape(1, 256, 3))  # pyright: ignore[reportReturnType]
