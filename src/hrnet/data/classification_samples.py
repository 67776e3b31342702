"""Pictures of classes as network inputs: one view and its label per index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from hrnet.data.classification_augmentation import ClassificationAugmentation
from hrnet.data.datasets.class_folders import LabelledPicture
from hrnet.data.images import read_image
from hrnet.data.resampling import Interpolation, center_crop

_SEEDS = 2**31


class ClassificationSample(TypedDict):
    """One network input and its label.

    ``image`` (H, W, 3) uint8 RGB; ``label`` of the class; ``mixing_seed``, what a batch that begins with the sample draws
    its mixture from; ``index`` of the picture.
    """

    image: NDArray[np.uint8]
    label: int
    mixing_seed: int
    index: int


class ClassificationSamples:
    """A sequence of `ClassificationSample`, without state: what ``(epoch, i)`` gives depends on it and on ``seed`` alone.

    Args:
        pictures: with their labels.
        input_size: (height, width) of the views.
        crop_share, interpolation: see `hrnet.data.resampling.center_crop`.
        augmentation: None for the middle of the pictures, as in evaluation.
        seed: of the augmentation.
    """

    def __init__(
        self,
        pictures: Sequence[LabelledPicture],
        input_size: tuple[int, int],
        crop_share: float = 0.875,
        interpolation: Interpolation = "bilinear",
        augmentation: ClassificationAugmentation | None = None,
        seed: int = 0,
    ) -> None:
        self.pictures = pictures
        self.input_size = input_size
        self.crop_share = crop_share
        self.interpolation: Interpolation = interpolation
        self.augmentation = augmentation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, key: tuple[int, int] | int) -> ClassificationSample:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        picture = self.pictures[index]
        image = read_image(picture.image)
        draws = np.random.default_rng((self.seed, epoch, index))
        mixing_seed = int(draws.integers(_SEEDS))
        if self.augmentation is None:
            view = center_crop(image, self.input_size, self.crop_share, self.interpolation)
        else:
            view = self.augmentation(image, self.input_size, self.interpolation, draws)
        return ClassificationSample(image=view, label=picture.label, mixing_seed=mixing_seed, index=index)
