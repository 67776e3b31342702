"""How the published face networks saw their pictures (Wang et al., TPAMI 2020): which pixels a crop has, and where points lie.

Their code counts pixels from 1, rounds boxes and points to whole pixels by cutting the fraction off, and stretches the
contrast of a picture whenever it resizes or turns it. What follows repeats that, to give published scores; everything else
in the toolkit crops with `hrnet.geometry.warp`.

Positions here are 0-based as everywhere. In these terms the published rules read: the centre that a crop has is one pixel to
the right of and below the centre of its box; a landmark's target is drawn one pixel of the picture to the right of and below
it; and a mirrored landmark lies at width - 2 - x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from hrnet.geometry import Floats, apply_affine, crop_matrix, invert_affine

_SHRINKS_FROM = 2.0  # pixels of the picture per pixel of the crop; from here on the whole picture is shrunk first
_SMALLEST_PICTURE = 2  # longer side in pixels; what would be shrunk further gives a black crop


def published_center(center: ArrayLike) -> Floats:
    """Where the published code crops for a box with this centre (2,): its centres count from 1, its pixels do not."""
    return np.asarray(center, np.float64) + 1.0


def mirror_as_published(center: Floats, landmarks: Floats, width: int) -> tuple[Floats, Floats]:
    """Crop centre (2,) and landmarks (K, 2) in the mirrored picture; left and right keep their places in the list."""
    mirrored = np.array([width - 2 - landmarks[:, 0], landmarks[:, 1]]).T
    return np.array([width - center[0], center[1]]), mirrored


def landmarks_on_crop(landmarks: ArrayLike, center: ArrayLike, side: float, output: int, rotation: float = 0.0) -> Floats:
    """Where targets are drawn for landmarks (K, 2) of the picture, in pixels of the crop, not rounded."""
    matrix = crop_matrix(center, (side, side), (output, output), rotation)
    return apply_affine(matrix, np.asarray(landmarks, np.float64) + 1.0)


def face_to_picture(center: ArrayLike, side: float, output: int, rotation: float = 0.0) -> Floats:
    """The (2, 3) matrix from pixels of the crop to pixels of the picture."""
    return invert_affine(crop_matrix(center, (side, side), (output, output), rotation))


def published_offset(side: float, output: int) -> float:
    """How far to the right of and below a landmark the published networks mark it, pixels of the picture, in a plain crop.

    One pixel, less what their crops themselves lie off on average: half a pixel of the crop, since boxes are cut down to whole
    pixels, or half a pixel of the picture where that was shrunk first.
    """
    shrink = side / output
    return 1.0 - 0.5 * (shrink if shrink < _SHRINKS_FROM else 1.0)


def map_whole_pixels(points: ArrayLike, matrix: Floats) -> NDArray[np.int64]:
    """Map points (N, 2) that count from 1 by a (2, 3) matrix, to whole pixels that count from 1; fractions are cut off."""
    return np.trunc(apply_affine(matrix, np.asarray(points, np.float64) - 1.0)).astype(np.int64) + 1


def crop_face(
    image: NDArray[np.uint8], center: ArrayLike, side: float, output: int, rotation: float = 0.0
) -> NDArray[np.uint8]:
    """Cut out a square, turned, and resize it as the published code does.

    Args:
        image: (H, W, 3) RGB.
        center: (2,) pixels of the picture.
        side: of the square, pixels, padding included.
        output: side of the crop, pixels.
        rotation: degrees, counter-clockwise.

    Returns:
        (output, output, 3) RGB, black outside the picture. Its contrast is stretched until the darkest value is 0 and the
        brightest 255, over all channels together.

    Raises:
        ValueError: a side that is not a positive number.
    """
    if not 0 < side < np.inf:
        raise ValueError(f"the side of a face must be above 0 pixels, got {side:g}")
    center = np.asarray(center, np.float64)
    shrink = side / output
    if shrink >= _SHRINKS_FROM:
        height, width = (int(length / shrink) for length in image.shape[:2])
        if int(max(image.shape[:2]) / shrink) < _SMALLEST_PICTURE or min(height, width) < 1:
            return np.zeros((output, output, image.shape[2]), np.uint8)
        image = _resized(_stretched(image), (height, width))
        center, side = center / shrink, side / shrink
    left_top, right_bottom = map_whole_pixels([[0, 0], [output, output]], face_to_picture(center, side, output))
    margin = 0
    if rotation != 0:
        margin = int(np.linalg.norm(right_bottom - left_top) / 2 - (right_bottom[1] - left_top[1]) / 2)
    cut = _cut_out(image, left_top - margin, right_bottom + margin)
    if cut.size == 0:
        return np.zeros((output, output, image.shape[2]), np.uint8)
    crop = _stretched(cut)
    if rotation != 0:
        turned = Image.fromarray(crop).rotate(rotation, resample=Image.Resampling.BILINEAR)
        crop = np.asarray(turned)[margin : len(crop) - margin, margin : crop.shape[1] - margin]
    return _resized(crop, (output, output))


def _cut_out(image: NDArray[np.uint8], left_top: NDArray[np.int64], right_bottom: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The whole-pixel box from ``left_top`` up to but without ``right_bottom``, black outside the picture."""
    width, height = np.maximum(right_bottom - left_top, 0)
    cut = np.zeros((height, width, image.shape[2]), np.uint8)
    low = np.clip(left_top, 0, image.shape[1::-1])
    high = np.clip(right_bottom, low, image.shape[1::-1])
    place, extent = low - left_top, high - low
    if extent.min() > 0:
        cut[place[1] : place[1] + extent[1], place[0] : place[0] + extent[0]] = image[low[1] : high[1], low[0] : high[0]]
    return cut


def _stretched(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture with its smallest value at 0 and its largest at 255."""
    low, high = int(image.min()), int(image.max())
    levels = np.clip((np.arange(256) - low) * (255.0 / (high - low or 1)), 0, 255)
    return (levels + 0.5).astype(np.uint8)[image]


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize to (height, width); the triangle filter widens where the picture shrinks, so that nothing aliases."""
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))
