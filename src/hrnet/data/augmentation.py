"""Random crops of people, as the papers train with, and crops that cut people off.

A draw is made first, from the person's labels alone; the picture is then warped once, with one matrix. Draws come from a
generator that is handed in, in a fixed order, so that a sample is a function of (seed, epoch, index).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hrnet.data.recoloring import recolor
from hrnet.geometry import Floats, grow_to_aspect
from hrnet.structures import KeypointSet

_HALF_BODY_PADDING = 1.5


class Draws(Protocol):
    """The part of `numpy.random.Generator` that augmentation uses."""

    def random(self) -> float: ...

    def standard_normal(self) -> float: ...


@dataclass(frozen=True)
class CropDraw:
    """Which part of a picture becomes a sample.

    Attributes:
        center, size: (2,) pixels of the picture, or of the mirrored picture where ``mirrored``.
        rotation: degrees, counter-clockwise.
        mirrored: the picture is mirrored before it is cropped.
        window: (4,) xyxy: the picture is black outside; None keeps all of it.
    """

    center: Floats
    size: Floats
    rotation: float = 0.0
    mirrored: bool = False
    window: Floats | None = None


@dataclass(frozen=True)
class PoseAugmentation:
    """Strengths of the augmentation; the defaults are those of COCO in Sun et al., CVPR 2019, section 4.1.

    Attributes:
        scale: the region is scaled by 1 + scale * N(0, 1), clipped to 1 +- scale.
        rotation: degrees; with ``rotation_probability`` turned by rotation * N(0, 1), clipped to twice ``rotation``.
        flip_probability: mirrored, left and right exchanged.
        half_body_probability: the region shrinks to the upper or the lower body if more than ``half_body_min_visible``
            keypoints are labelled (Wang et al., MSPN, 2019).
        cut_off_probability: one side of the person is cut off, as a picture's border would; the lost keypoints are taught to be
            absent. Not in the papers (0): for portraits and half bodies.
        color: strength of random brightness, contrast and colour cast, 0..1. Not in the papers (0).
    """

    scale: float = 0.35
    rotation: float = 45.0
    rotation_probability: float = 0.6
    flip_probability: float = 0.5
    half_body_probability: float = 0.3
    half_body_min_visible: int = 8
    cut_off_probability: float = 0.0
    color: float = 0.0

    def draw(
        self,
        keypoints: Floats,
        labelled: NDArray[np.bool_],
        center: Floats,
        size: Floats,
        image_width: int,
        keypoint_set: KeypointSet,
        aspect_ratio: float,
        draws: Draws,
    ) -> CropDraw:
        """Draw one crop.

        Args:
            keypoints: (K, 2) pixels of the picture.
            labelled: (K,) which of them count.
            center, size: (2,) the region without augmentation, aspect fixed and padded.
            image_width: of the picture, for mirroring.
        """
        window = None
        several = self.half_body_probability > 0 and labelled.sum() > self.half_body_min_visible
        if several and draws.random() < self.half_body_probability:
            region = half_body_region(keypoints, labelled, keypoint_set.upper_body, aspect_ratio, draws.standard_normal())
            center, size = region or (center, size)
        if self.cut_off_probability > 0 and draws.random() < self.cut_off_probability:
            window, center, size = _cut_off(center, size, aspect_ratio, draws)
        size = size * np.clip(1 + self.scale * draws.standard_normal(), 1 - self.scale, 1 + self.scale)
        rotation = 0.0
        if self.rotation > 0 and draws.random() <= self.rotation_probability:
            rotation = float(np.clip(self.rotation * draws.standard_normal(), -2 * self.rotation, 2 * self.rotation))
        mirrored = self.flip_probability > 0 and draws.random() <= self.flip_probability
        if mirrored:
            center = np.array([image_width - 1 - center[0], center[1]])
        return CropDraw(center, size, rotation, mirrored, window)

    def recolor(self, image: NDArray[np.uint8], draws: Draws) -> NDArray[np.uint8]:
        """Change contrast, brightness and the balance of the channels of an (H, W, 3) crop."""
        return recolor(image, self.color, draws)


def half_body_region(
    keypoints: Floats, labelled: NDArray[np.bool_], upper_body: tuple[int, ...], aspect_ratio: float, normal_draw: float
) -> tuple[Floats, Floats] | None:
    """Centre and size of the upper or lower body's region, or None where fewer than two keypoints are labelled.

    The reference compares a *normal* draw with 0.5, so the upper body is preferred with probability 0.69; the other half is
    taken where the preferred one has fewer than three labelled keypoints.
    """
    is_upper = np.isin(np.arange(len(keypoints)), upper_body)
    upper, lower = keypoints[labelled & is_upper], keypoints[labelled & ~is_upper]
    prefers_upper = normal_draw < 0.5 and len(upper) > 2
    chosen = upper if prefers_upper or len(lower) <= 2 else lower
    if len(chosen) < 2:
        return None
    extent = chosen.max(axis=0) - chosen.min(axis=0)
    return chosen.mean(axis=0), grow_to_aspect(extent, aspect_ratio) * _HALF_BODY_PADDING


def _cut_off(center: Floats, size: Floats, aspect_ratio: float, draws: Draws) -> tuple[Floats, Floats, Floats]:
    """Cut one side of a region off: the window that stays, and the centre and size of the region that fits it."""
    left_top, right_bottom = center - size / 2, center + size / 2
    box = np.concatenate([left_top, right_bottom])
    # The lower side half of the time: portraits end at the chest or the hips.
    side = int(draws.random() * 6)
    lost = 0.25 + 0.35 * draws.random()
    if side >= 3:
        box[3] -= lost * size[1]
    elif side == 2:
        box[1] += lost * size[1]
    elif side == 1:
        box[2] -= lost * size[0]
    else:
        box[0] += lost * size[0]
    window = np.where(np.isclose(box, np.concatenate([left_top, right_bottom])), [-np.inf, -np.inf, np.inf, np.inf], box)
    return window, (box[:2] + box[2:]) / 2, grow_to_aspect(box[2:] - box[:2], aspect_ratio)
