"""Classes of pixels drawn over pictures."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.structures.class_set import ClassSet

_IGNORED_COLOR = (0, 0, 0)


def class_palette(class_set: ClassSet) -> NDArray[np.uint8]:
    """(C, 3) RGB colours: the set's own, or some that are far apart for classes near each other."""
    if class_set.colors is not None:
        return np.array(class_set.colors, np.uint8)
    colors = []
    for index in range(class_set.num_classes):
        hue = (0.6 + index * 0.618034) % 1  # steps of the golden ratio keep any run of numbers well spread
        colors.append(colorsys.hsv_to_rgb(hue, (0.8, 0.5, 0.65)[index % 3], (0.95, 0.75, 0.55)[index // 3 % 3]))
    return (np.array(colors) * 255).round().astype(np.uint8)


def draw_classes(
    image: NDArray[np.uint8],
    classes: NDArray[np.integer],
    class_set: ClassSet,
    opacity: float = 0.6,
    outlines: bool = True,
) -> NDArray[np.uint8]:
    """Draw the classes of pixels over a picture.

    Args:
        image: (H, W, 3) RGB.
        classes: (H, W); values that are no class, such as the ignored one, leave the picture as it is.
        opacity: of the colours, 0..1.
        outlines: darken the borders between classes.

    Returns:
        (H, W, 3) RGB uint8.

    Raises:
        ValueError: the shapes differ.
    """
    if image.ndim != 3 or image.shape[:2] != classes.shape:
        raise ValueError(f"classes must be (H, W) of the picture {image.shape}, got {classes.shape}")
    known = (classes >= 0) & (classes < class_set.num_classes)
    palette = np.concatenate([class_palette(class_set), [_IGNORED_COLOR]]).astype(np.uint8)
    indices = np.where(known, classes, class_set.num_classes)
    drawn = cv2.addWeighted(np.ascontiguousarray(image), 1 - opacity, palette[indices], opacity, 0.0)
    if outlines:
        border = np.zeros(classes.shape, bool)
        border[:, 1:] |= indices[:, 1:] != indices[:, :-1]
        border[1:] |= indices[1:] != indices[:-1]
        drawn[border] = drawn[border] // 3
    return np.where(known[..., None], drawn, image)
