"""Random crops of faces: turned, scaled and mirrored as the papers train, and moved, as boxes of detectors are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hrnet.data.augmentation import CropDraw
from hrnet.data.recoloring import recolor
from hrnet.geometry import Floats


class FaceDraws(Protocol):
    """The part of `numpy.random.Generator` that augmentation uses."""

    def random(self) -> float: ...

    def uniform(self, low: float, high: float) -> float: ...

    def standard_normal(self) -> float: ...


@dataclass(frozen=True)
class FaceAugmentation:
    """Strengths of the augmentation; the defaults are those of Wang et al., TPAMI 2020, "Facial landmark detection".

    Attributes:
        scale: the region is scaled by a factor drawn evenly from 1 - scale to 1 + scale.
        rotation: degrees; with ``rotation_probability`` turned by an angle drawn evenly from -rotation to rotation.
        flip_probability: mirrored, left and right exchanged.
        shift: the region moves by up to this part of its size along each axis. Not in the papers (0): for boxes that
            somebody drew by hand, or that a detector found.
        color: strength of random brightness, contrast and colour cast, 0..1. Not in the papers (0).
    """

    scale: float = 0.25
    rotation: float = 30.0
    rotation_probability: float = 0.6
    flip_probability: float = 0.5
    shift: float = 0.0
    color: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.scale < 1:
            raise ValueError(f"scale must be at least 0 and below 1, got {self.scale}")
        for name in ("rotation_probability", "flip_probability", "color"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be within 0 and 1, got {getattr(self, name)}")
        if self.rotation < 0 or self.shift < 0:
            raise ValueError(f"rotation and shift must not be negative, got {self.rotation} and {self.shift}")

    def draw(self, center: Floats, size: Floats, draws: FaceDraws) -> CropDraw:
        """Draw one crop. ``center`` and ``size`` (2,) are the region without augmentation, pixels of the picture.

        The picture's width is not known here: where the crop is mirrored, its centre still counts in the plain picture.
        """
        size = size * (draws.uniform(1 - self.scale, 1 + self.scale) if self.scale > 0 else 1.0)
        rotation = 0.0
        if self.rotation > 0 and draws.random() <= self.rotation_probability:
            rotation = float(draws.uniform(-self.rotation, self.rotation))
        mirrored = self.flip_probability > 0 and draws.random() <= self.flip_probability
        if self.shift > 0:
            center = center + size * [draws.uniform(-self.shift, self.shift) for _ in range(2)]
        return CropDraw(center, size, rotation, mirrored)

    def recolor(self, image: NDArray[np.uint8], draws: FaceDraws) -> NDArray[np.uint8]:
        """Change contrast, brightness and the balance of the channels of an (H, W, 3) crop."""
        return recolor(image, self.color, draws)
