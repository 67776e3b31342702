"""The coordinate contract: what a number means, and how boxes, crops and pictures map onto each other.

* Pixel centres are integers: the centre of the top-left pixel is (0, 0), x to the right, y down.
* Boxes are xyxy float pixels; xywh appears only where a file format wants it.
* ``size`` of a region or a point is (width, height), as x before y; ``output_size`` and ``image_size`` of arrays are
  (height, width), as NumPy's shape.
* Angles are degrees; the picture's content turns counter-clockwise for positive ones.

NumPy and OpenCV only: nothing here imports torch.
"""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

PERSON_PADDING = 1.25
_LONGEST_SIDE = 2**15 - 2  # OpenCV 4 resamples no picture with a longer one


class CropConvention(Enum):
    """How many units a side of n pixels counts.

    ``FULL_SIZE``: n, as in the reference implementation: a crop maps onto the heatmap by the plain ratio of the sizes, which
    leaves a misalignment of a fraction of a pixel that the flip test's column shift repairs.
    ``UNIT_LENGTH``: n - 1, the distance between the first and the last pixel centre (UDP: Huang et al., "The Devil Is in
    the Details", CVPR 2020, section 3).
    """

    FULL_SIZE = "full_size"
    UNIT_LENGTH = "unit_length"


def box_xywh_to_xyxy(boxes: ArrayLike) -> Floats:
    """(..., 4) COCO boxes (left, top, width, height) to (left, top, right, bottom)."""
    boxes = np.asarray(boxes, np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def box_xyxy_to_xywh(boxes: ArrayLike) -> Floats:
    """(..., 4) boxes (left, top, right, bottom) to COCO's (left, top, width, height)."""
    boxes = np.asarray(boxes, np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def region_of_box(box: ArrayLike, aspect_ratio: float, padding: float = PERSON_PADDING) -> tuple[Floats, Floats]:
    """Centre and size of the region to crop for a box: grown to the aspect ratio, then padded.

    Args:
        box: (..., 4) xyxy pixels.
        aspect_ratio: width / height of the network's input.
        padding: factor on both sides; 1.25 in the reference.

    Returns:
        centre (..., 2) and size (..., 2) as (width, height), pixels.
    """
    box = np.asarray(box, np.float64)
    return (box[..., :2] + box[..., 2:]) / 2, grow_to_aspect(box[..., 2:] - box[..., :2], aspect_ratio) * padding


def grow_to_aspect(size: ArrayLike, aspect_ratio: float) -> Floats:
    """Enlarge the shorter side of (..., 2) sizes (width, height) until width / height is ``aspect_ratio``."""
    size = np.asarray(size, np.float64)
    width, height = size[..., 0], size[..., 1]
    return np.stack([np.maximum(width, height * aspect_ratio), np.maximum(height, width / aspect_ratio)], axis=-1)


def crop_matrix(
    center: ArrayLike,
    size: ArrayLike,
    output_size: tuple[float, float],
    rotation: float = 0.0,
    shift: ArrayLike = (0.0, 0.0),
    convention: CropConvention = CropConvention.FULL_SIZE,
    keep_aspect: bool = True,
) -> Floats:
    """The (2, 3) affine matrix that takes picture pixels to pixels of a crop.

    Args:
        center: (2,) centre of the region, pixels of the picture.
        size: (2,) (width, height) of the region, pixels.
        output_size: (height, width) of the crop.
        rotation: degrees; the content turns counter-clockwise.
        shift: (2,) moves the centre, in units of the region's size.
        keep_aspect: look at the width of the region alone and scale both axes alike, as the reference does;
            ``UNIT_LENGTH`` always fits width and height separately.
    """
    center, size = np.asarray(center, np.float64), np.asarray(size, np.float64)
    output = np.array([output_size[1], output_size[0]], np.float64)
    cos, sin = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    turn = np.array([[cos, sin], [-sin, cos]])
    center = center + size * np.asarray(shift, np.float64)
    if convention is CropConvention.FULL_SIZE:
        scale = output[:1] / size[:1] if keep_aspect else output / size
        target = output / 2
    else:
        scale, target = (output - 1) / size, (output - 1) / 2
    linear = turn * scale[:, None]
    return np.concatenate([linear, (target - linear @ center)[:, None]], axis=1)


def mirror_matrix(width: int) -> Floats:
    """The (2, 3) matrix that mirrors a picture of ``width`` pixels: x to width - 1 - x."""
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])


def compose(second: Floats, first: Floats) -> Floats:
    """The (2, 3) matrix that applies ``first`` and then ``second``."""
    return np.concatenate([second[:, :2] @ first[:, :2], (second[:, :2] @ first[:, 2] + second[:, 2])[:, None]], axis=1)


def invert_affine(matrix: ArrayLike) -> Floats:
    """Inverse of (..., 2, 3) affine matrices."""
    matrix = np.asarray(matrix, np.float64)
    linear = np.linalg.inv(matrix[..., :2]).astype(np.float64, copy=False)
    return np.concatenate([linear, -linear @ matrix[..., 2:]], axis=-1)


def apply_affine(matrix: ArrayLike, points: ArrayLike) -> Floats:
    """Map (..., N, 2) points by (..., 2, 3) matrices."""
    matrix, points = np.asarray(matrix, np.float64), np.asarray(points, np.float64)
    return points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]


def mirror_keypoints(keypoints: ArrayLike, width: float, flip_indices: tuple[int, ...]) -> Floats:
    """Keypoints (..., K, 2) of the mirrored picture: x to width - 1 - x, left and right names exchanged."""
    mirrored = np.asarray(keypoints, np.float64)[..., list(flip_indices), :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def warp(image: NDArray[np.uint8], matrix: Floats, output_size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resample a picture bilinearly, black outside.

    Args:
        image: (H, W, C) or (H, W).
        matrix: (2, 3) from picture pixels to output pixels.
        output_size: (height, width).
    """
    height, width = output_size
    if max(image.shape[:2]) > _LONGEST_SIDE:
        image, matrix = _within_reach(image, matrix, output_size)
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)  # pyright: ignore[reportReturnType]


def _within_reach(image: NDArray[np.uint8], matrix: Floats, output_size: tuple[int, int]) -> tuple[NDArray[np.uint8], Floats]:
    """Cut out what ``output_size`` shows of a picture, and thin it out where that is still too long; the matrix for it."""
    height, width = output_size
    corners = apply_affine(invert_affine(matrix), [[-1, -1], [width, -1], [-1, height], [width, height]])
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2, low + 1, limit).astype(int)
    step = -(-int((high - low).max()) // _LONGEST_SIDE)  # the crop is far smaller, so what is left out would hardly be hit
    window = np.array([[step, 0.0, low[0]], [0.0, step, low[1]]])
    return np.ascontiguousarray(image[low[1] : high[1] : step, low[0] : high[0] : step]), compose(matrix, window)
