"""Random scaling, cropping, mirroring and colours of pictures with label maps, as the papers train with.

A draw is made first, from the size of the picture alone, by a generator that is handed in and in a fixed order, so that a
sample is a function of (seed, epoch, index).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.data.label_encodings import LabelMap
from hrnet.data.recoloring import recolor
from hrnet.data.segmentation_sizes import SizeRule, scaled_size


class WholeNumberDraws(Protocol):
    """The part of `numpy.random.Generator` that cropping uses."""

    def random(self) -> float: ...

    def integers(self, low: int, high: int, /) -> int | np.integer: ...


@dataclass(frozen=True)
class WindowDraw:
    """Which part of a picture becomes a sample.

    Attributes:
        size: (height, width) that the picture is resized to.
        top, left: first row and column of the window in the resized and padded picture.
        mirrored: the window is mirrored.
    """

    size: tuple[int, int]
    top: int = 0
    left: int = 0
    mirrored: bool = False


@dataclass(frozen=True)
class SegmentationAugmentation:
    """Strengths of the augmentation; the defaults are those of Cityscapes in Wang et al., TPAMI 2020, section 5.1.

    Attributes:
        base_size: pixels of the picture's long side at scale 1.
        scale: smallest and largest scale.
        scale_step: scales are whole multiples of it above the smallest one; None for any scale in between.
        first_rule, first_size: what the picture is resized to before the scaling, as `scaled_size` says: ``own`` keeps it,
            ``short_side`` 520 for PASCAL-Context, ADE20K and COCO-Stuff, ``stretch`` 473 for LIP. After ``stretch`` the
            proportions of the picture are lost.
        flip_probability: mirrored, classes of the left and the right exchanged.
        color: strength of random brightness, contrast and colour cast, 0..1. Not in the papers (0).
    """

    base_size: int = 2048
    scale: tuple[float, float] = (0.5, 2.1)
    scale_step: float | None = 0.1
    first_rule: SizeRule = "own"
    first_size: int = 520
    flip_probability: float = 0.5
    color: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale is (smallest, largest), both positive, got {self.scale}")
        if self.scale_step is not None and self.scale_step <= 0:
            raise ValueError(f"scale_step must be positive or null, got {self.scale_step}")
        if self.base_size < 1 or self.first_size < 1:
            raise ValueError(f"base_size and first_size must be positive, got {self.base_size} and {self.first_size}")

    def draw(self, image_size: tuple[int, int], crop_size: tuple[int, int], draws: WholeNumberDraws) -> WindowDraw:
        """Draw a window of ``crop_size`` (height, width) of a picture of ``image_size`` (height, width)."""
        low, high = self.scale
        if self.scale_step is None:
            scale = low * (high / low) ** draws.random()  # as often twice as large as half as large
        else:
            steps = int((high - low) / self.scale_step + 0.5)
            scale = low + int(draws.integers(0, steps + 1)) * self.scale_step
        size = scaled_size(self.first(image_size), "long_side", self.base_size, scale)
        left = int(draws.integers(0, max(size[1], crop_size[1]) - crop_size[1] + 1))
        top = int(draws.integers(0, max(size[0], crop_size[0]) - crop_size[0] + 1))
        return WindowDraw(size, top, left, self.flip_probability > 0 and draws.random() < self.flip_probability)

    def first(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) that a picture is resized to before it is scaled."""
        return scaled_size(image_size, self.first_rule, self.first_size)

    def cut(
        self,
        image: NDArray[np.uint8],
        label: LabelMap,
        draw: WindowDraw,
        crop_size: tuple[int, int],
        ignore_label: int = 255,
        flip_indices: tuple[int, ...] | None = None,
    ) -> tuple[NDArray[np.uint8], LabelMap]:
        """The window of a picture (H, W, 3) and its label map (H, W), both of ``crop_size``; black and ignored outside.

        Args:
            flip_indices: for each class the one it becomes in a mirror.
        """
        if self.first_rule != "own":
            before = self.first(label.shape)
            image, label = resize_picture(image, before), resize_label(label, before)
        rows, columns = (slice(start, start + side) for start, side in zip((draw.top, draw.left), crop_size, strict=True))
        window = resize_picture(image, draw.size)[rows, columns]
        classes = resize_label(label, draw.size)[rows, columns]
        window, classes = pad(window, crop_size, (0, 0, 0)), pad(classes, crop_size, ignore_label)
        if draw.mirrored:
            window, classes = np.ascontiguousarray(window[:, ::-1]), mirror_label(classes, flip_indices)
        return window, classes

    def recolor(self, image: NDArray[np.uint8], draws: np.random.Generator) -> NDArray[np.uint8]:
        """Change contrast, brightness and the balance of the channels of an (H, W, 3) window."""
        return recolor(image, self.color, draws)


def resize_picture(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W, 3) to ``size`` (height, width) bilinearly, corners not aligned, as the networks were trained with."""
    if image.shape[:2] == size:
        return image
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)  # pyright: ignore[reportReturnType]


def resize_label(label: LabelMap, size: tuple[int, int]) -> LabelMap:
    """Resize (H, W) to ``size`` (height, width): the pixel at row r comes from row floor(r * H / height)."""
    if label.shape == size:
        return label
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, label.shape, strict=True))
    return np.take(np.take(label, rows, axis=0), columns, axis=1)


def pad(array: NDArray, size: tuple[int, int], value: int | tuple[int, int, int]) -> NDArray:
    """Fill (H, W) or (H, W, 3) up to at least ``size`` (height, width) to the right and below."""
    height, width = array.shape[:2]
    if height >= size[0] and width >= size[1]:
        return array
    padded = np.empty((max(height, size[0]), max(width, size[1]), *array.shape[2:]), array.dtype)
    padded[:] = value
    padded[:height, :width] = array
    return padded


def mirror_label(label: LabelMap, flip_indices: tuple[int, ...] | None = None) -> LabelMap:
    """Mirror (H, W) and give each class to its mirror image; values that are no class stay."""
    mirrored = np.ascontiguousarray(label[:, ::-1])
    if flip_indices is None or flip_indices == tuple(range(len(flip_indices))):
        return mirrored
    table = np.array(flip_indices, label.dtype)
    is_class = (mirrored >= 0) & (mirrored < len(table))
    return np.where(is_class, table[np.where(is_class, mirrored, 0)], mirrored)
