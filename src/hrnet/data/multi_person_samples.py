"""Pictures with all their people as network inputs of bottom-up training: warped, mirrored, with their masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from hrnet.data.scenes import Scene, SceneSource
from hrnet.geometry import Floats, apply_affine, compose, crop_matrix, invert_affine, mirror_keypoints, mirror_matrix, warp
from hrnet.structures import KeypointSet

_UNIT = 200.0  # pixels; the reference counts scales in this unit
_SIGMA_OF_SIDE = 2.0 / 256  # of scale-aware targets: 2 pixels for a person of 256


class Draws(Protocol):
    """The part of `numpy.random.Generator` that augmentation uses."""

    def random(self) -> float: ...

    def integers(self, low: int, high: int) -> int: ...


@dataclass(frozen=True)
class SceneDraw:
    """Which part of a picture becomes a sample.

    Attributes:
        center: (2,) pixels of the picture.
        side: pixels of the picture that the shorter side of the input shows.
        rotation: degrees, counter-clockwise.
        mirrored: the crop is mirrored.
    """

    center: Floats
    side: float
    rotation: float = 0.0
    mirrored: bool = False


@dataclass(frozen=True)
class SceneAugmentation:
    """Strengths of the augmentation; the defaults are HigherHRNet's (Cheng et al., CVPR 2020, section 4.1).

    Attributes:
        scale: smallest and largest part of the picture's side that the input shows; drawn uniformly.
        side: of the picture, that the scale refers to; the hourglass takes the long one and scales of 0.75..1.25.
        rotation: degrees; drawn uniformly within plus and minus this.
        translation: the centre moves by whole pixels, up to this many for a picture of 200 pixels, more for larger ones.
        flip_probability: mirrored, left and right exchanged.
    """

    scale: tuple[float, float] = (0.75, 1.5)
    side: Literal["short", "long"] = "short"
    rotation: float = 30.0
    translation: float = 40.0
    flip_probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale is (smallest, largest), both positive, got {self.scale}")
        if self.side not in ("short", "long"):
            raise ValueError(f"side must be 'short' or 'long', got {self.side!r}")

    def draw(self, image_size: tuple[int, int], draws: Draws) -> SceneDraw:
        """Draw one part of a picture of ``image_size`` (height, width), the draws in the reference's order."""
        low, high = self.scale
        side = (min if self.side == "short" else max)(image_size) * (draws.random() * (high - low) + low)
        rotation = (draws.random() * 2 - 1) * self.rotation
        center = np.array([image_size[1] / 2, image_size[0] / 2])
        reach = int(self.translation * side / _UNIT)
        if reach > 0:
            center = center + np.array([draws.integers(-reach, reach), draws.integers(-reach, reach)])
        return SceneDraw(center, side, rotation, bool(self.flip_probability > 0 and draws.random() < self.flip_probability))


class MultiPersonSample(TypedDict):
    """One network input with the labels of all its people; rows beyond ``people`` are zero.

    ``image`` (H, W, 3) uint8 RGB; ``keypoints`` (M, K, 2) float32 pixels of the input, also outside; ``visibility`` (M, K)
    float32, 1 where labelled; ``sigmas`` (M,) float32, for scale-aware targets; ``masks`` (h, w) booleans for each resolution,
    False where the loss does not count; ``people`` how many there are; ``mirrored`` whether the content is mirrored;
    ``to_image`` (2, 3) float32, input pixels to pixels of the picture; ``index`` of the picture.
    """

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    visibility: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    masks: list[NDArray[np.bool_]]
    people: int
    mirrored: bool
    to_image: NDArray[np.float32]
    index: int


class MultiPersonSamples:
    """A sequence of `MultiPersonSample`, without state: what ``(epoch, i)`` gives depends on it and on ``seed`` alone.

    Args:
        scenes: the pictures.
        keypoint_set: what they are labelled with.
        input_size: (height, width) of the inputs.
        map_sizes: (height, width) of the maps that masks are made for.
        augmentation: None to show whole pictures, centred.
        seed: of the augmentation.
        max_people: M; of more people the largest are kept, and where the others are the loss does not count.
        center_keypoint: give every person one keypoint more, `with_center`.
        whole_sigmas: round the sigmas of scale-aware targets.
    """

    def __init__(
        self,
        scenes: SceneSource,
        keypoint_set: KeypointSet,
        input_size: tuple[int, int],
        map_sizes: Sequence[tuple[int, int]],
        augmentation: SceneAugmentation | None = None,
        seed: int = 0,
        max_people: int = 30,
        center_keypoint: bool = False,
        whole_sigmas: bool = False,
    ) -> None:
        if max_people < 1:
            raise ValueError(f"max_people must be at least 1, got {max_people}")
        self.scenes = scenes
        self.keypoint_set = keypoint_set
        self.input_size = input_size
        self.map_sizes = tuple(map_sizes)
        self.augmentation = augmentation
        self.seed = seed
        self.max_people = max_people
        self.center_keypoint = center_keypoint
        self.whole_sigmas = whole_sigmas

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, key: tuple[int, int] | int) -> MultiPersonSample:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        scene = keep_largest(self.scenes.scene(epoch, index), self.max_people)
        height, width = scene.image.shape[:2]
        if self.augmentation is None:
            fit = max(height / self.input_size[0], width / self.input_size[1]) * min(self.input_size)
            return self.cut(scene, SceneDraw(np.array([width / 2, height / 2]), fit), index)
        draws = np.random.default_rng((self.seed, epoch, index))
        return self.cut(scene, self.augmentation.draw((height, width), draws), index)

    def cut(self, scene: Scene, draw: SceneDraw, index: int = 0) -> MultiPersonSample:
        """The sample that shows the drawn part of a scene of at most ``max_people`` people."""
        matrix = self._matrix(draw, self.input_size)
        flip = self.keypoint_set.flip_indices
        points, labelled = scene.keypoints, scene.visibility > 0
        if points.shape[1] != len(flip):
            raise ValueError(f"{self.keypoint_set.name!r} has {len(flip)} keypoints, the picture's people {points.shape[1]}")
        if self.center_keypoint:
            points, labelled = with_center(points, labelled)
            flip = (*flip, len(flip))
        points = apply_affine(matrix, points)
        image = warp(scene.image, matrix, self.input_size)
        masks = [_warp_mask(scene.counted, self._matrix(draw, size), size) for size in self.map_sizes]
        if draw.mirrored:
            points = mirror_keypoints(points, self.input_size[1], flip)
            labelled = labelled[:, list(flip)]
            matrix = compose(mirror_matrix(self.input_size[1]), matrix)
            image = np.ascontiguousarray(image[:, ::-1])
            masks = [np.ascontiguousarray(mask[:, ::-1]) for mask in masks]
        people = len(scene)
        keypoints = np.zeros((self.max_people, len(flip), 2), np.float32)
        visibility = np.zeros((self.max_people, len(flip)), np.float32)
        sigmas = np.ones(self.max_people, np.float32)  # of rows that are not drawn, but not 0: one divides by it
        keypoints[:people], visibility[:people] = np.where(labelled[..., None], points, 0.0), labelled
        sigmas[:people] = scale_aware_sigmas(scene.boxes, self.whole_sigmas)
        return MultiPersonSample(
            image=image,
            keypoints=keypoints,
            visibility=visibility,
            sigmas=sigmas,
            masks=masks,
            people=people,
            mirrored=draw.mirrored,
            to_image=invert_affine(matrix).astype(np.float32),
            index=index,
        )

    def _matrix(self, draw: SceneDraw, size: tuple[int, int]) -> Floats:
        """From picture pixels to an input or map of ``size``; a map shows what the input shows."""
        height, width = self.input_size
        region = np.array([width, height]) * (draw.side / min(width, height))
        return crop_matrix(draw.center, region, size, draw.rotation)


def with_center(keypoints: Floats, labelled: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Add the reference's centre keypoint to (P, K, 2) and (P, K): the sum of all coordinates, those of keypoints that are not
    labelled counted as 0, over the number of labelled ones; not labelled where none is."""
    count = labelled.sum(axis=1)
    center = np.where(labelled[..., None], keypoints, 0.0).sum(axis=1) / np.maximum(count, 1)[:, None]
    return np.concatenate([keypoints, center[:, None]], axis=1), np.concatenate([labelled, count[:, None] > 0], axis=1)


def scale_aware_sigmas(boxes: Floats, whole: bool = False) -> Floats:
    """Sigma (P,) of each person from boxes (P, 4) xyxy: 2 pixels for a box side of 256; ``whole`` rounds ``sigma + 0.5``."""
    sigmas = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0) * _SIGMA_OF_SIDE
    # A box without extent must not make a Gaussian of width 0.
    return np.maximum(np.round(sigmas + 0.5), 1.0) if whole else np.maximum(sigmas, 1e-2)


def keep_largest(scene: Scene, count: int) -> Scene:
    """Of more than ``count`` people keep those with the largest boxes, in their order; the others' boxes are not counted."""
    if len(scene) <= count:
        return scene
    extent = np.maximum(scene.boxes[:, 2:] - scene.boxes[:, :2], 0.0)
    order = np.argsort(-extent.prod(axis=1), kind="stable")
    kept = np.sort(order[:count])
    height, width = scene.counted.shape
    counted = scene.counted.copy()
    for box in scene.boxes[order[count:]]:
        left, top, right, bottom = np.clip(np.round(box), 0, [width, height, width, height]).astype(int)
        counted[top:bottom, left:right] = False
    return Scene(scene.image, scene.keypoints[kept], scene.visibility[kept], scene.boxes[kept], counted)


def _warp_mask(mask: NDArray[np.bool_], matrix: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Warp as 8 bit, so that a map's pixel counts where more than half of it does; outside of the picture none does."""
    return warp(mask.astype(np.uint8) * 255, matrix, size) > 127.5
