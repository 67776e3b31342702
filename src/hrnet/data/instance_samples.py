"""Pictures with labelled instances as network inputs: fitted or warped, mirrored, with a label for every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.data.instance_scenes import UNCOUNTED, InstanceSource, keep_largest
from hrnet.data.multi_person_samples import SceneAugmentation, SceneDraw
from hrnet.data.recoloring import recolor
from hrnet.geometry import Floats, compose, crop_matrix, invert_affine, mirror_matrix, warp

_STREAM = 0x696E73  # keeps the draws of sampled pixels apart from those of the augmentation with the same seed, epoch and index


@dataclass(frozen=True)
class InstanceAugmentation(SceneAugmentation):
    """Strengths of the augmentation, as of `SceneAugmentation`, and ``color``: of brightness, contrast and cast, 0..1."""

    scale: tuple[float, float] = (0.75, 1.25)
    rotation: float = 10.0
    translation: float = 20.0
    color: float = 0.3


class InstanceSample(TypedDict):
    """One network input with its labels.

    ``image`` (H, W, 3) uint8 RGB; ``labels`` (H, W) int16 as of `InstanceScene`; ``class_ids`` (M,) int64, -1 beyond the last
    instance; ``draws`` (M, S) float32 in 0..1, which pixels of an instance are sampled; ``to_image`` (2, 3) float32, input
    pixels to pixels of the picture; ``image_size`` (2,) int64, (height, width) of the picture; ``index`` of the picture.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int16]
    class_ids: NDArray[np.int64]
    draws: NDArray[np.float32]
    to_image: NDArray[np.float32]
    image_size: NDArray[np.int64]
    index: int


class InstanceSamples:
    """A sequence of `InstanceSample`, without state: what ``(epoch, i)`` gives depends on it and on ``seed`` alone.

    Args:
        source: the pictures.
        input_size: (height, width) of the inputs.
        augmentation: None to show whole pictures, centred.
        seed: of all draws.
        max_instances: M; of more instances the largest are kept, and where the others are the loss does not count.
        sampled_pixels: S.
    """

    def __init__(
        self,
        source: InstanceSource,
        input_size: tuple[int, int],
        augmentation: InstanceAugmentation | None = None,
        seed: int = 0,
        max_instances: int = 30,
        sampled_pixels: int = 64,
    ) -> None:
        if max_instances < 1 or sampled_pixels < 1:
            raise ValueError(f"max_instances and sampled_pixels must be positive, got {max_instances} and {sampled_pixels}")
        self.source = source
        self.input_size = input_size
        self.augmentation = augmentation
        self.seed = seed
        self.max_instances = max_instances
        self.sampled_pixels = sampled_pixels

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: tuple[int, int] | int) -> InstanceSample:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        scene = keep_largest(self.source.scene(epoch, index), self.max_instances)
        size = scene.image.shape[0], scene.image.shape[1]
        image = scene.image
        if self.augmentation is None:
            matrix = fit_matrix(size, self.input_size)
        else:
            draws = np.random.default_rng((self.seed, epoch, index))
            draw = self.augmentation.draw(size, draws)
            image = recolor(image, self.augmentation.color, draws)
            matrix = self._matrix(draw)
        class_ids = np.full(self.max_instances, -1, np.int64)
        class_ids[: len(scene)] = scene.class_ids
        sampling = np.random.default_rng((self.seed, _STREAM, epoch, index))
        return InstanceSample(
            image=warp(image, matrix, self.input_size),
            labels=_warp_labels(scene.labels, matrix, self.input_size),
            class_ids=class_ids,
            draws=sampling.random((self.max_instances, self.sampled_pixels), np.float32),
            to_image=invert_affine(matrix).astype(np.float32),
            image_size=np.array(size, np.int64),
            index=index,
        )

    def _matrix(self, draw: SceneDraw) -> Floats:
        height, width = self.input_size
        region = np.array([width, height]) * (draw.side / min(width, height))
        matrix = _between_centers(crop_matrix(draw.center, region, self.input_size, draw.rotation))
        return compose(mirror_matrix(width), matrix) if draw.mirrored else matrix


def fit_matrix(image_size: tuple[int, int], input_size: tuple[int, int]) -> Floats:
    """The (2, 3) matrix that fits a whole picture into an input, centred; sizes are (height, width)."""
    ratio = max(image_size[0] / input_size[0], image_size[1] / input_size[1])
    center = np.array([image_size[1] / 2, image_size[0] / 2])
    return _between_centers(crop_matrix(center, np.array(input_size[::-1]) * ratio, input_size))


def _between_centers(matrix: Floats) -> Floats:
    """A matrix between areas, whose pixels begin at 0, as one between centres of pixels, which masks need to be exact."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return shifted


def _warp_labels(labels: NDArray[np.int16], matrix: Floats, size: tuple[int, int]) -> NDArray[np.int16]:
    return cv2.warpAffine(
        labels, matrix, size[::-1], flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=(UNCOUNTED,) * 4
    )  # pyright: ignore[reportReturnType]
