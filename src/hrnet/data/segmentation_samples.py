"""Pictures of a segmentation data set as network inputs with their label maps."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.segmentation import SegmentationDataset
from hrnet.data.images import image_size, read_image
from hrnet.data.label_encodings import LabelMap
from hrnet.data.segmentation_augmentation import SegmentationAugmentation, pad, resize_picture
from hrnet.data.segmentation_sizes import SizeRule, padding_to_multiple, scaled_size
from hrnet.errors import AnnotationError


class SegmentationSample(TypedDict):
    """One network input and its label map.

    ``image`` (h, w, 3) uint8 RGB; ``label`` (H, W) classes and the ignored value: of the input's size in training, of the
    annotation's size in validation; ``shown`` (height, width), the part of the input from its top left that shows the picture,
    the rest being padding; ``index`` of the pair.
    """

    image: NDArray[np.uint8]
    label: LabelMap
    shown: NDArray[np.int64]
    index: int


class SegmentationSamples:
    """Augmented windows of one size, without state: what ``(epoch, i)`` gives depends on it and on ``seed`` alone.

    Args:
        dataset: the pairs.
        crop_size: (height, width) of the windows.
        augmentation: how they are drawn.
        seed: of the augmentation.
    """

    def __init__(
        self,
        dataset: SegmentationDataset,
        crop_size: tuple[int, int],
        augmentation: SegmentationAugmentation,
        seed: int = 0,
    ) -> None:
        self.dataset = dataset
        self.crop_size = crop_size
        self.augmentation = augmentation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: tuple[int, int] | int) -> SegmentationSample:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        image, label = read_pair(self.dataset, index)
        classes = self.dataset.class_set
        draws = np.random.default_rng((self.seed, epoch, index))
        draw = self.augmentation.draw(label.shape, self.crop_size, draws)
        window, cut = self.augmentation.cut(image, label, draw, self.crop_size, classes.ignore_label, classes.flip_indices)
        return SegmentationSample(
            image=self.augmentation.recolor(window, draws),
            label=cut,
            shown=np.array(self.crop_size, np.int64),
            index=index,
        )


class WholePictures:
    """Whole pictures at one scale with the label maps as they are annotated: what a network is validated on.

    Args:
        dataset: the pairs.
        rule, base_size, stretch_to: the size pictures are resized to, as of `scaled_size`.
        pad_multiple: inputs are padded to the right and below until both sides are multiples of it.
        padding: RGB colour of that.
    """

    def __init__(
        self,
        dataset: SegmentationDataset,
        rule: SizeRule = "own",
        base_size: int = 2048,
        stretch_to: tuple[int, int] | None = None,
        pad_multiple: int = 1,
        padding: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        self.dataset = dataset
        self.rule: SizeRule = rule
        self.base_size = base_size
        self.stretch_to = stretch_to
        self.pad_multiple = pad_multiple
        self.padding = padding

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: tuple[int, int] | int) -> SegmentationSample:
        index = key[1] if isinstance(key, tuple) else key
        image, label = read_pair(self.dataset, index)
        size = scaled_size(label.shape, self.rule, self.base_size, stretch_to=self.stretch_to)
        below, right = padding_to_multiple(size, self.pad_multiple)
        resized = pad(resize_picture(image, size), (size[0] + below, size[1] + right), self.padding)
        writable = np.require(resized, requirements="W")  # a picture that is as it was read may not be
        return SegmentationSample(image=writable, label=label, shown=np.array(size, np.int64), index=index)

    def same_size(self) -> bool:
        """Whether all pictures have one size, so that batches can be made of them; from the headers of the files.

        Raises:
            ImageError: a picture is missing or broken.
        """
        return len({image_size(pair.image) for pair in self.dataset.pairs}) <= 1


def read_pair(dataset: SegmentationDataset, index: int) -> tuple[NDArray[np.uint8], LabelMap]:
    """A picture (H, W, 3) RGB and its label map (H, W).

    Raises:
        ImageError: the picture is missing or broken.
        AnnotationError: the label map is, has values that mean nothing, or another size than the picture.
    """
    pair = dataset.pairs[index]
    image, label = read_image(pair.image), dataset.label(index)
    if image.shape[:2] != label.shape:
        height, width = image.shape[:2]
        raise AnnotationError(
            f"{pair.label}: expected the size of its picture {pair.image.name}, {width} x {height} pixels, "
            f"got {label.shape[1]} x {label.shape[0]}"
        )
    return image, label
