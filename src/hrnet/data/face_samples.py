"""Faces of a data set as network inputs: one crop and its landmarks per index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hrnet.data.augmentation import CropDraw
from hrnet.data.face_augmentation import FaceAugmentation
from hrnet.data.face_crop import crop_face, face_to_picture, landmarks_on_crop, mirror_as_published, published_center
from hrnet.data.images import read_image
from hrnet.data.samples import PoseSample, PoseSamples, region_of_record
from hrnet.geometry import CropConvention
from hrnet.structures import KeypointSet, PersonRecord


class FaceSamples(PoseSamples):
    """As `PoseSamples`, but augmented by a `FaceAugmentation`; no person in them is cut off.

    Args:
        augmentation: None for plain crops, as in evaluation.
        others: as of `PoseSamples`.
    """

    def __init__(
        self,
        records: Sequence[PersonRecord],
        keypoint_set: KeypointSet,
        input_size: tuple[int, int],
        convention: CropConvention,
        padding: float,
        augmentation: FaceAugmentation | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(records, keypoint_set, input_size, convention, padding, None, seed)
        self.face_augmentation = augmentation

    def __getitem__(self, key: tuple[int, int] | int) -> PoseSample:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        record = self.records[index]
        image = read_image(record.image)
        draw = CropDraw(*region_of_record(record, self.input_size[1] / self.input_size[0], self.padding))
        if self.face_augmentation is None:
            return self._cut(image, record, draw, index)
        draws = np.random.default_rng((self.seed, epoch, index))
        draw = self.face_augmentation.draw(draw.center, draw.size, draws)
        sample = self._cut(image, record, draw, index)
        sample["image"] = self.face_augmentation.recolor(sample["image"], draws)
        return sample

    def _cut(self, image: NDArray[np.uint8], record: PersonRecord, draw: CropDraw, index: int) -> PoseSample:
        if draw.mirrored:
            draw = replace(draw, center=np.array([image.shape[1] - 1 - draw.center[0], draw.center[1]]))
        return super()._cut(image, record, draw, index)


class PublishedFaceSamples(FaceSamples):
    """Faces cut out as the published face networks were trained; see `hrnet.data.face_crop`.

    ``keypoints`` are the landmarks where their targets are drawn, which lies one pixel of the picture to the right of and below
    what the crop shows; ``to_image`` does not take that back (`hrnet.tasks.face.landmarks_of_picture` does).
    """

    def _cut(self, image: NDArray[np.uint8], record: PersonRecord, draw: CropDraw, index: int) -> PoseSample:
        side, output = float(draw.size[0]), self.input_size[0]
        center, landmarks = published_center(draw.center), record.keypoints
        labelled = (record.visibility > 0).astype(np.float32)
        if draw.mirrored:
            flip = list(self.keypoint_set.flip_indices)
            width = image.shape[1]
            image = np.ascontiguousarray(image[:, ::-1])
            center, landmarks = mirror_as_published(center, landmarks, width)
            landmarks, labelled = landmarks[flip], labelled[flip]
        # The published code draws no target for a landmark at or above the first row, counted from 1.
        labelled = labelled * (landmarks[:, 1] + 1 > 0)
        return PoseSample(
            image=crop_face(image, center, side, output, draw.rotation),
            keypoints=landmarks_on_crop(landmarks, center, side, output, draw.rotation).astype(np.float32),
            visibility=labelled.astype(np.float32),
            absent=np.zeros(len(landmarks), bool),
            to_image=face_to_picture(center, side, output, draw.rotation).astype(np.float32),
            index=index,
        )
