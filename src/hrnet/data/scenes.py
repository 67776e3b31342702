"""A picture in memory with all its labelled people, and where such pictures come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.multi_person import PeoplePicture
from hrnet.data.images import read_image
from hrnet.data.region_masks import covered
from hrnet.errors import AnnotationError
from hrnet.geometry import mirror_keypoints


@dataclass(frozen=True)
class Scene:
    """A picture with P labelled people.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        keypoints: (P, K, 2) float64 pixels; meaningless where visibility is 0.
        visibility: (P, K) uint8: 0 not labelled, 1 labelled but hidden, 2 visible.
        boxes: (P, 4) float64 xyxy pixels.
        counted: (H, W) booleans, False where there are people who are not labelled.
    """

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float64]
    visibility: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    counted: NDArray[np.bool_]

    def __post_init__(self) -> None:
        people, joints = self.keypoints.shape[0], self.keypoints.shape[1] if self.keypoints.ndim == 3 else -1
        shapes = self.keypoints.shape, self.visibility.shape, self.boxes.shape
        if shapes != ((people, joints, 2), (people, joints), (people, 4)):
            raise ValueError(f"expected keypoints (P, K, 2), visibility (P, K) and boxes (P, 4), got {shapes}")
        if self.counted.shape != self.image.shape[:2]:
            raise ValueError(f"the mask has shape {self.counted.shape}, the picture {self.image.shape[:2]}")

    def __len__(self) -> int:
        return len(self.keypoints)


class SceneSource(Protocol):
    """Scenes by epoch and index; what is given depends on these alone."""

    def __len__(self) -> int: ...

    def scene(self, epoch: int, index: int) -> Scene: ...


class AnnotatedScenes:
    """The pictures of a data set as they are, the same in every epoch."""

    def __init__(self, pictures: Sequence[PeoplePicture]) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def scene(self, epoch: int, index: int) -> Scene:
        return read_scene(self.pictures[index])


def read_scene(picture: PeoplePicture) -> Scene:
    """Read a picture and draw its mask.

    Raises:
        ImageError: the picture cannot be read.
        AnnotationError: it has another size than its annotations state.
    """
    image = read_image(picture.image)
    size = image.shape[0], image.shape[1]
    if picture.image_size is not None and picture.image_size != size:
        raise AnnotationError(
            f"{picture.image}: the picture has (height, width) {size}, its annotations say {picture.image_size}"
        )
    return Scene(image, picture.keypoints, picture.visibility, picture.boxes, ~covered(picture.ignored, size))


def mirror_scene(scene: Scene, flip_indices: tuple[int, ...]) -> Scene:
    """The scene in a mirror: x becomes width - 1 - x, left and right keypoints change names."""
    width = scene.image.shape[1]
    boxes = scene.boxes.copy()
    boxes[:, [2, 0]] = width - 1 - scene.boxes[:, [0, 2]]
    return Scene(
        np.ascontiguousarray(scene.image[:, ::-1]),
        mirror_keypoints(scene.keypoints, width, flip_indices),
        scene.visibility[:, list(flip_indices)],
        boxes,
        np.ascontiguousarray(scene.counted[:, ::-1]),
    )
