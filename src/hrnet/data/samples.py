"""People of a pose data set as network inputs: one crop and its keypoints per index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from hrnet.data.augmentation import CropDraw, PoseAugmentation
from hrnet.data.images import read_image
from hrnet.geometry import (
    CropConvention,
    Floats,
    apply_affine,
    compose,
    crop_matrix,
    grow_to_aspect,
    invert_affine,
    mirror_matrix,
    region_of_box,
    warp,
)
from hrnet.structures import KeypointSet, PersonRecord


class PoseSample(TypedDict):
    """One network input and its labels.

    ``image`` (H, W, 3) uint8 RGB; ``keypoints`` (K, 2) float32 pixels of the crop; ``visibility`` (K,) float32, 1 where
    labelled; ``absent`` (K,) bool, known to lie outside what the crop shows; ``to_image`` (2, 3) float32, crop pixels to
    pixels of the picture; ``index`` of the record.
    """

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    visibility: NDArray[np.float32]
    absent: NDArray[np.bool_]
    to_image: NDArray[np.float32]
    index: int


def region_of_record(record: PersonRecord, aspect_ratio: float, padding: float) -> tuple[Floats, Floats]:
    """Centre and size of the region that is cropped for a record, aspect fixed and padded."""
    if record.center is not None and record.size is not None:
        return np.asarray(record.center, np.float64), grow_to_aspect(record.size, aspect_ratio)
    return region_of_box(record.box, aspect_ratio, padding)


class PoseSamples:
    """A sequence of `PoseSample`, without state: what index ``(epoch, i)`` gives depends on it and on ``seed`` alone.

    Args:
        records: the people.
        keypoint_set: what the records are labelled with.
        input_size: (height, width) of the crops.
        convention: of the codec that the targets are made with.
        padding: around boxes.
        augmentation: None for plain crops, as in evaluation.
        seed: of the augmentation.
    """

    def __init__(
        self,
        records: Sequence[PersonRecord],
        keypoint_set: KeypointSet,
        input_size: tuple[int, int],
        convention: CropConvention,
        padding: float,
        augmentation: PoseAugmentation | None = None,
        seed: int = 0,
    ) -> None:
        self.records = records
        self.keypoint_set = keypoint_set
        self.input_size = input_size
        self.convention = convention
        self.padding = padding
        self.augmentation = augmentation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: tuple[int, int] | int) -> PoseSample:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        record = self.records[index]
        image = read_image(record.image)
        labelled = record.visibility > 0
        aspect_ratio = self.input_size[1] / self.input_size[0]
        center, size = region_of_record(record, aspect_ratio, self.padding)
        if self.augmentation is None:
            return self._cut(image, record, CropDraw(center, size), index)
        draws = np.random.default_rng((self.seed, epoch, index))
        draw = self.augmentation.draw(
            record.keypoints, labelled, center, size, image.shape[1], self.keypoint_set, aspect_ratio, draws
        )
        sample = self._cut(image, record, draw, index)
        sample["image"] = self.augmentation.recolor(sample["image"], draws)
        return sample

    def _cut(self, image: NDArray[np.uint8], record: PersonRecord, draw: CropDraw, index: int) -> PoseSample:
        height, width = image.shape[:2]
        matrix = crop_matrix(draw.center, draw.size, self.input_size, draw.rotation, convention=self.convention)
        if draw.mirrored:
            matrix = compose(matrix, mirror_matrix(width))
        labelled = record.visibility > 0
        absent = np.zeros_like(labelled)
        source, source_matrix = image, matrix
        if draw.window is not None:
            # At least one pixel stays, also where the window misses the picture.
            left, top, right, bottom = np.clip(draw.window, 0, [width - 1, height - 1, width, height]).round().astype(int)
            shown = np.array([left, top, right, bottom]) - 0.5  # pixels reach half a unit beyond their centres
            absent = labelled & ~((record.keypoints >= shown[:2]) & (record.keypoints <= shown[2:])).all(axis=-1)
            source = image[top : max(bottom, top + 1), left : max(right, left + 1)]
            source_matrix = compose(matrix, np.array([[1.0, 0.0, left], [0.0, 1.0, top]]))
        keypoints = apply_affine(matrix, record.keypoints)
        visible = (labelled & ~absent).astype(np.float32)
        if draw.mirrored:
            flip = list(self.keypoint_set.flip_indices)
            keypoints, visible, absent = keypoints[flip], visible[flip], absent[flip]
        return PoseSample(
            image=warp(source, source_matrix, self.input_size),
            keypoints=keypoints.astype(np.float32),
            visibility=visible,
            absent=absent,
            to_image=invert_affine(matrix).astype(np.float32),
            index=index,
        )
