"""Tiles of a mosaic: pasting parts of pictures into one, and what is then still to be seen of their people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.data.scenes import Scene
from hrnet.geometry import Floats, apply_affine, compose, warp

_PASTED = 0.5  # opacity from which on a pixel belongs to the tile


class Tile(NamedTuple):
    """Part of a scene and where it goes.

    Attributes:
        scene: picture and people.
        window: (4,) whole pixels that are pasted: left, top, and right and bottom, which are exclusive.
        matrix: (2, 3) from the scene's pixels to the mosaic's.
        place: (4,) xyxy, the box in the mosaic of the person the tile is about.
    """

    scene: Scene
    window: NDArray[np.int64]
    matrix: Floats
    place: Floats


def paste(canvas: NDArray[np.uint8], tiles: Sequence[Tile], joints: int, feather: float, least_keypoints: int) -> Scene:
    """Paste tiles in their order, and find out what is still to be seen of their people.

    Args:
        canvas: (H, W, 3) the background, which is painted over.
        joints: K.
        feather: width of the soft edges, as part of a tile's shorter side.
        least_keypoints: a person of whom fewer stay visible, though more were labelled, is left out and not counted.
    """
    height, width = canvas.shape[:2]
    owner = np.full((height, width), -1, np.int32)
    counted = np.ones((height, width), np.bool_)
    for number, tile in enumerate(tiles):
        _paste_tile(canvas, owner, counted, number, tile, feather)
    people: list[tuple[Floats, NDArray[np.uint8], Floats]] = []
    for number, tile in enumerate(tiles):
        scene, limits = tile.scene, np.array([width, height])
        edge = tile.window + np.array([0, 0, -1, -1])
        for keypoints, visibility, box in zip(scene.keypoints, scene.visibility, scene.boxes, strict=True):
            points = apply_affine(tile.matrix, keypoints)
            cells = np.round(points)
            inside = (visibility > 0) & ((cells >= 0) & (cells < limits)).all(axis=1)
            column, row = np.where(inside[:, None], cells, 0).astype(int).T
            seen = inside & (owner[row, column] == number)
            shown = np.concatenate([np.maximum(box[:2], edge[:2]), np.minimum(box[2:], edge[2:])])
            if (shown[2:] < shown[:2]).any() and not seen.any():
                continue  # the tile shows nothing of this person
            place = np.clip(box_around(tile.matrix, shown), 0, np.tile(limits - 1, 2))
            if seen.sum() < min(least_keypoints, (visibility > 0).sum()) or not seen.any():
                left, top, right, bottom = np.round(place).astype(int)
                part = np.s_[top : bottom + 1, left : right + 1]
                counted[part] &= owner[part] != number
                continue
            people.append((np.where(seen[:, None], points, 0.0), np.where(seen, visibility, 0).astype(np.uint8), place))
    return Scene(
        canvas,
        np.array([keypoints for keypoints, _, _ in people], np.float64).reshape(-1, joints, 2),
        np.array([visibility for _, visibility, _ in people], np.uint8).reshape(-1, joints),
        np.array([place for _, _, place in people], np.float64).reshape(-1, 4),
        counted,
    )


def _paste_tile(
    canvas: NDArray[np.uint8],
    owner: NDArray[np.int32],
    counted: NDArray[np.bool_],
    number: int,
    tile: Tile,
    feather: float,
) -> None:
    """Blend one tile into the canvas, and note whose pixels are whose and where the loss counts."""
    height, width = owner.shape
    left, top, right, bottom = tile.window
    source = tile.scene.image[top:bottom, left:right]
    around = box_around(tile.matrix, tile.window.astype(np.float64) - 0.5)
    low = np.clip(np.floor(around[:2]), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(around[2:]) + 1, 0, [width, height]).astype(int)
    if (high <= low).any():
        return
    size = int(high[1] - low[1]), int(high[0] - low[0])
    matrix = compose(tile.matrix, np.array([[1.0, 0.0, left], [0.0, 1.0, top]]))
    matrix[:, 2] -= low
    opacity = _opacity(source.shape[0], source.shape[1], feather)
    allowed = tile.scene.counted[top:bottom, left:right].astype(np.uint8) * 255
    source, opacity, allowed, matrix = _shrunk(source, opacity, allowed, matrix)
    flags = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    pixels = cv2.warpAffine(source, matrix, size[::-1], **flags)  # pyright: ignore
    alpha = cv2.warpAffine(opacity, matrix, size[::-1], flags=cv2.INTER_LINEAR)
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    blended = canvas[part] + (pixels.astype(np.float32) - canvas[part]) * alpha[..., None]
    canvas[part] = np.round(blended).astype(np.uint8)
    mine = alpha >= _PASTED
    owner[part][mine] = number
    counted[part][mine] = (warp(allowed, matrix, size) > 127.5)[mine]


def _opacity(height: int, width: int, feather: float) -> NDArray[np.float32]:
    """1 inside, falling towards the edges of a tile."""
    soft = max(feather * min(height, width), 0.5)
    ramps = [np.minimum(np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) / soft, 1.0) for n in (height, width)]
    return (ramps[0][:, None] * ramps[1]).astype(np.float32)


def _shrunk(
    source: NDArray[np.uint8], opacity: NDArray[np.float32], allowed: NDArray[np.uint8], matrix: Floats
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8], Floats]:
    """Average pixels first where the matrix reduces to less than half: bilinear sampling would leave most of them out."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    height, width = source.shape[:2]
    if scale >= 0.5 or min(height, width) < 2:
        return source, opacity, allowed, matrix
    size = max(1, round(width * scale)), max(1, round(height * scale))
    ratio = np.array([width / size[0], height / size[1]])
    enlarge = np.array([[ratio[0], 0.0, (ratio[0] - 1) / 2], [0.0, ratio[1], (ratio[1] - 1) / 2]])
    small = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (source, opacity, allowed)]
    return *small, compose(matrix, enlarge)  # pyright: ignore[reportReturnType]


def box_around(matrix: Floats, box: Floats) -> Floats:
    """The upright box (4,) around a mapped box."""
    left, top, right, bottom = box
    corners = apply_affine(matrix, np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float64))
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])
