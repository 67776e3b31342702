"""Random crops, mirroring, colours and erasing for classification. Draws are handed in, in a fixed order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.data.rand_augment import MAX_MAGNITUDE, rand_augment
from hrnet.data.resampling import Interpolation, resize_region

_ATTEMPTS = 10
_GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class ClassificationAugmentation:
    """Strengths of the augmentation; the defaults are those of HRNet's ImageNet recipe: a random crop and a mirror.

    Attributes:
        area: smallest and largest share of the picture that is cropped.
        aspect_ratio: smallest and largest width / height of the crop before it is resized to the input.
        flip_probability: mirrored left to right. Set it to 0 where a mirror changes the class, as of letters.
        color: strength of random brightness, contrast and saturation, 0..1: each factor lies in 1 - color .. 1 + color.
        rand_augment_operations, rand_augment_magnitude: RandAugment; no operation switches it off. The magnitude is 0..10.
        erasing_probability: a rectangle of 2 to 33 % of the crop becomes noise (Zhong et al., "Random Erasing", AAAI 2020).

    Raises:
        ValueError: a number outside its range.
    """

    area: tuple[float, float] = (0.08, 1.0)
    aspect_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip_probability: float = 0.5
    color: float = 0.0
    rand_augment_operations: int = 0
    rand_augment_magnitude: float = 9.0
    erasing_probability: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"area is (smallest, largest) share of the picture within 0..1, got {self.area}")
        if not 0 < self.aspect_ratio[0] <= self.aspect_ratio[1]:
            raise ValueError(f"aspect_ratio is (smallest, largest) width / height, got {self.aspect_ratio}")
        for name in ("flip_probability", "color", "erasing_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in 0..1, got {getattr(self, name)}")
        if self.rand_augment_operations < 0 or not 0 <= self.rand_augment_magnitude <= MAX_MAGNITUDE:
            raise ValueError(
                f"RandAugment takes 0 or more operations of a magnitude in 0..{MAX_MAGNITUDE:g}, got "
                f"{self.rand_augment_operations} of {self.rand_augment_magnitude}"
            )

    def __call__(
        self, image: NDArray[np.uint8], input_size: tuple[int, int], interpolation: Interpolation, draws: np.random.Generator
    ) -> NDArray[np.uint8]:
        """One random view (height, width, 3) of a picture (H, W, 3) RGB uint8."""
        region = self.draw_region((image.shape[0], image.shape[1]), draws)
        view = resize_region(image, region, input_size, interpolation)
        if draws.random() < self.flip_probability:
            view = np.ascontiguousarray(view[:, ::-1])
        if self.rand_augment_operations:
            view = rand_augment(view, self.rand_augment_operations, self.rand_augment_magnitude, draws)
        if self.color > 0:
            view = _recolored(view, self.color, draws)
        if self.erasing_probability > 0 and draws.random() < self.erasing_probability:
            view = _erased(view, draws)
        return view

    def draw_region(self, image_size: tuple[int, int], draws: np.random.Generator) -> tuple[float, float, float, float]:
        """A crop as left, top, right, bottom (edges of pixels) of a picture of (height, width).

        Area and aspect ratio are drawn until they fit, ten times at most (Szegedy et al., "Going deeper with convolutions",
        CVPR 2015, section 6); then the middle is taken with the aspect ratio that is nearest.
        """
        height, width = image_size
        narrow, wide = map(math.log, self.aspect_ratio)
        for _ in range(_ATTEMPTS):
            area = height * width * draws.uniform(*self.area)
            aspect = math.exp(draws.uniform(narrow, wide))
            across, down = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < across <= width and 0 < down <= height:
                top, left = int(draws.integers(height - down + 1)), int(draws.integers(width - across + 1))
                return left, top, left + across, top + down
        aspect = min(max(width / height, self.aspect_ratio[0]), self.aspect_ratio[1])
        across, down = min(width, max(1, round(height * aspect))), min(height, max(1, round(width / aspect)))
        left, top = (width - across) // 2, (height - down) // 2
        return left, top, left + across, top + down


def _recolored(view: NDArray[np.uint8], strength: float, draws: np.random.Generator) -> NDArray[np.uint8]:
    brightness, contrast, saturation = 1 + strength * draws.uniform(-1, 1, 3)
    grey = float(view.reshape(-1, 3).mean(axis=0) @ _GREY)
    # Brightness about black and contrast about the mean grey are one line through the levels.
    table = (np.arange(256) * brightness - grey * brightness) * contrast + grey * brightness
    brighter = cv2.LUT(view, np.clip(table, 0, 255).astype(np.uint8))
    mixing = (1 - saturation) * np.ones((3, 1), np.float32) * _GREY + saturation * np.eye(3, dtype=np.float32)
    return cv2.transform(brighter, mixing.astype(np.float32))  # saturates to 0..255  # pyright: ignore[reportReturnType]


def _erased(view: NDArray[np.uint8], draws: np.random.Generator) -> NDArray[np.uint8]:
    height, width = view.shape[:2]
    for _ in range(_ATTEMPTS):
        area = height * width * draws.uniform(0.02, 1 / 3)
        aspect = math.exp(draws.uniform(math.log(0.3), math.log(1 / 0.3)))
        down, across = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < down < height and 0 < across < width:
            top, left = int(draws.integers(height - down + 1)), int(draws.integers(width - across + 1))
            erased = view.copy()
            erased[top : top + down, left : left + across] = draws.integers(0, 256, (down, across, 3), np.uint8)
            return erased
    return view
