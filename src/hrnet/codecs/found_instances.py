"""Instances as decoders of instance segmentation give them, and maps at the pixels of the picture."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.geometry import Floats

_FAR_BELOW = -1e4  # a logit that is background without doubt


class FoundInstances(NamedTuple):
    """N instances of one picture that share no pixel.

    Attributes:
        labels: (H, W) int32: n for the n-th instance, counted from 1, 0 for none.
        scores: (N,) float32.
        class_ids: (N,) int64, counted from 0.
    """

    labels: NDArray[np.int32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]


class MapPlacement(NamedTuple):
    """Where a network's maps lie in a picture.

    Attributes:
        to_image: (2, 3) from pixels of the maps to those of the picture.
        image_size: (height, width) of the picture.
    """

    to_image: Floats
    image_size: tuple[int, int]


def at_picture(values: NDArray[np.float32], placement: MapPlacement) -> NDArray[np.float32]:
    """Resample a map (h, w) bilinearly at the pixels of the picture (H, W); beyond its border it goes on as there."""
    height, width = placement.image_size
    return cv2.warpAffine(values, placement.to_image, (width, height), borderMode=cv2.BORDER_REPLICATE)  # pyright: ignore


def finite_logits(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits, those that are infinite made large, and NaN background: interpolation would spread them."""
    return np.nan_to_num(logits, nan=_FAR_BELOW, posinf=-_FAR_BELOW, neginf=_FAR_BELOW)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of logits."""
    return (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32)  # this form does not overflow


def logit_of(score: float) -> float:
    """The logit of a score within 0..1, both excluded."""
    return float(np.log(score) - np.log1p(-score))
