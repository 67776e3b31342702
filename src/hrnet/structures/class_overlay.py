"""Classes of pixels in colours, alone and over pictures."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.structures.class_set import ClassSet


def class_palette(class_set: ClassSet) -> NDArray[np.uint8]:
    """(C, 3) RGB colours: the set's own, or some that are far apart for classes near each other."""
    if class_set.colors is not None:
        return np.array(class_set.colors, np.uint8)
    colors = []
    for index in range(class_set.num_classes):
        hue = (0.6 + index * 0.618034) % 1  # steps of the golden ratio keep any run of numbers well spread
        colors.append(colorsys.hsv_to_rgb(hue, (0.8, 0.5, 0.65)[index % 3], (0.95, 0.75, 0.55)[index // 3 % 3]))
    return (np.array(colors) * 255).round().astype(np.uint8)


def color_picture(classes: NDArray[np.integer], class_set: ClassSet) -> NDArray[np.uint8]:
    """(H, W, 3) RGB: every pixel in the colour of its class, black where it has none."""
    palette = np.concatenate([class_palette(class_set), np.zeros((1, 3), np.uint8)])
    return palette[np.where(_known(classes, class_set), classes, class_set.num_classes)]


def draw_classes(
    image: NDArray[np.uint8], classes: NDArray[np.integer], class_set: ClassSet, opacity: float = 0.6
) -> NDArray[np.uint8]:
    """Draw the classes of pixels over a picture, with dark borders between them.

    Args:
        image: (H, W, 3) RGB.
        classes: (H, W); values that are no class, such as the ignored one, leave the picture as it is.
        opacity: of the colours, 0..1.

    Returns:
        (H, W, 3) RGB uint8.

    Raises:
        ValueError: the shapes differ.
    """
    if image.ndim != 3 or image.shape[:2] != classes.shape:
        raise ValueError(f"classes must be (H, W) of the picture {image.shape}, got {classes.shape}")
    drawn = cv2.addWeighted(np.ascontiguousarray(image), 1 - opacity, color_picture(classes, class_set), opacity, 0.0)
    border = np.zeros(classes.shape, bool)
    border[:, 1:] |= classes[:, 1:] != classes[:, :-1]
    border[1:] |= classes[1:] != classes[:-1]
    drawn[border] = drawn[border] // 3
    return np.where(_known(classes, class_set)[..., None], drawn, image)


def _known(classes: NDArray[np.integer], class_set: ClassSet) -> NDArray[np.bool_]:
    return (classes >= 0) & (classes < class_set.num_classes)
