"""Pictures in memory with labelled instances, and where such pictures come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.coco_instances import InstancePicture
from hrnet.data.images import read_image
from hrnet.data.region_masks import Region, covered
from hrnet.errors import AnnotationError
from hrnet.structures.labelled_instances import LabelledInstances
from hrnet.structures.run_lengths import encode_mask

UNCOUNTED = -1
"""Label of pixels of which nothing is known: in crowds, outside of the picture."""


@dataclass(frozen=True)
class InstanceScene:
    """A picture with N labelled instances.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) int16: n for the n-th instance, counted from 1, 0 for the background, `UNCOUNTED` where nothing counts.
        class_ids: (N,) int64, counted from 0.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int16]
    class_ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.labels.shape != self.image.shape[:2]:
            raise ValueError(f"the labels have shape {self.labels.shape}, the picture {self.image.shape[:2]}")

    def __len__(self) -> int:
        return len(self.class_ids)


class InstanceSource(Protocol):
    """Scenes by epoch and index, and what is to be found in those of epoch 0; what is given depends on these alone."""

    def __len__(self) -> int: ...

    def scene(self, epoch: int, index: int) -> InstanceScene: ...

    def truth(self, index: int) -> LabelledInstances: ...


class AnnotatedInstances:
    """The pictures of a data set as they are, the same in every epoch."""

    def __init__(self, pictures: Sequence[InstancePicture]) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def scene(self, epoch: int, index: int) -> InstanceScene:
        """The picture with its labels; where masks overlap, the smaller one is on top.

        Raises:
            ImageError: the picture cannot be read.
            AnnotationError: it has another size than its annotations state, or a mask is broken.
        """
        picture = self.pictures[index]
        image = read_image(picture.image)
        size = image.shape[0], image.shape[1]
        if size != picture.image_size:
            raise AnnotationError(
                f"{picture.image}: the picture has (height, width) {size}, its annotations say {picture.image_size}"
            )
        masks = [covered([region], size) for region in picture.regions]
        labels = np.where(covered(picture.crowds, size), UNCOUNTED, 0).astype(np.int16)
        for number in sorted(range(len(masks)), key=lambda place: -int(masks[place].sum())):
            labels[masks[number]] = number + 1
        return InstanceScene(image, labels, picture.class_ids)

    def truth(self, index: int) -> LabelledInstances:
        """The instances with all their pixels, and the crowds."""
        picture = self.pictures[index]

        def runs(regions: Sequence[Region]) -> list[NDArray[np.int64]]:
            return [encode_mask(covered([region], picture.image_size)) for region in regions]

        return LabelledInstances(
            picture.image_size,
            (*runs(picture.regions), *runs(picture.crowds)),
            np.concatenate([picture.class_ids, picture.crowd_class_ids]),
            np.arange(len(picture.regions) + len(picture.crowds)) >= len(picture.regions),
        )


def keep_largest(scene: InstanceScene, count: int) -> InstanceScene:
    """Of more than ``count`` instances keep the largest, in their order; where the others are nothing counts."""
    if len(scene) <= count:
        return scene
    areas = np.bincount(np.maximum(scene.labels, 0).ravel(), minlength=len(scene) + 1)[1:]
    kept = np.sort(np.argsort(-areas, kind="stable")[:count])
    renamed = np.full(len(scene) + 2, UNCOUNTED, np.int16)  # the last is that of what was not counted before
    renamed[0], renamed[kept + 1] = 0, np.arange(1, count + 1)
    return InstanceScene(scene.image, renamed[scene.labels], scene.class_ids[kept])
