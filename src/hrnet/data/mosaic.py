"""Mosaics: people cut out of several pictures and pasted into one, so that single-person sets train multi-person models.

What is pasted is a tile: the surroundings of one person, with everybody else who is labelled in them. Who is covered by a later
tile loses the keypoints that are hidden; somebody of whom too little is left is not counted in the loss at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.multi_person import PeoplePicture
from hrnet.data.images import ImageSource, read_image
from hrnet.data.mosaic_tiles import Tile, box_around, paste
from hrnet.data.scenes import Scene, mirror_scene, read_scene
from hrnet.geometry import Floats, crop_matrix
from hrnet.structures import KeypointSet

_STREAM = 0x6D6F73  # keeps a mosaic's draws apart from those of the augmentation with the same seed, epoch and index


@dataclass(frozen=True)
class MosaicLayout:
    """How mosaics are composed.

    Attributes:
        size: (height, width) of the mosaics.
        people: smallest and largest number of tiles. Where no free place is found for one, it is left out, so that there may be
            fewer; 0 gives a background alone.
        person_size: smallest and largest longer side of a person's box, as part of the mosaic's shorter side; drawn
            logarithmically, so that small people are not rare.
        largest_enlargement: nobody is enlarged more than that.
        margin: of surroundings that is pasted with a person, as part of the longer side of the box.
        rotation: degrees; tiles are turned by up to this.
        flip_probability: of each tile.
        overlap: largest part of a person's box that the box of a later tile may cover.
        feather: width of the soft edge of tiles, as part of their shorter side.
        plain_probability, blur_probability: of a background of one colour, or of a blurred picture; otherwise it is sharp.
        least_keypoints: a person of whom fewer keypoints stay visible (though more were labelled) is not counted.
    """

    size: tuple[int, int] = (512, 512)
    people: tuple[int, int] = (1, 8)
    person_size: tuple[float, float] = (0.15, 0.75)
    largest_enlargement: float = 2.0
    margin: float = 0.1
    rotation: float = 15.0
    flip_probability: float = 0.5
    overlap: float = 0.3
    feather: float = 0.06
    plain_probability: float = 0.1
    blur_probability: float = 0.2
    least_keypoints: int = 3

    def __post_init__(self) -> None:
        if min(self.size) < 32:
            raise ValueError(f"size is (height, width) of at least 32 pixels, got {self.size}")
        if not 0 <= self.people[0] <= self.people[1]:
            raise ValueError(f"people is (fewest, most) of at least 0, got {self.people}")
        if not 0 < self.person_size[0] <= self.person_size[1] <= 1:
            raise ValueError(f"person_size is (smallest, largest) within 0..1, got {self.person_size}")
        if not 0 <= self.feather < 0.5:
            raise ValueError(f"feather must be at least 0 and less than half of a tile, got {self.feather}")


class MosaicScenes:
    """Mosaics of the people of a data set, by epoch and index; a `hrnet.data.scenes.SceneSource`.

    Args:
        pictures: whose people are pasted.
        keypoint_set: what they are labelled with.
        length: mosaics in an epoch.
        layout: how they are composed.
        backgrounds: pictures to paste onto, files or arrays; nobody may be on them. Without any, the surroundings of the first
            person are used, blurred until nobody can be recognised.
        seed: of all draws.
        fixed: give the same mosaics in every epoch, as for validation.

    Raises:
        ValueError: there is nobody to paste, though the layout asks for people, or no length.
    """

    def __init__(
        self,
        pictures: Sequence[PeoplePicture],
        keypoint_set: KeypointSet,
        length: int,
        layout: MosaicLayout | None = None,
        backgrounds: Sequence[ImageSource] = (),
        seed: int = 0,
        fixed: bool = False,
    ) -> None:
        self.layout = layout or MosaicLayout()
        self.people = [(picture, person) for picture in pictures for person in range(len(picture))]
        if not self.people and self.layout.people[1] > 0:
            raise ValueError(f"there is nobody to paste: {len(pictures)} pictures without a labelled person")
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        self.keypoint_set = keypoint_set
        self.length = length
        self.backgrounds = backgrounds
        self.seed = seed
        self.fixed = fixed

    def __len__(self) -> int:
        return self.length

    def scene(self, epoch: int, index: int) -> Scene:
        draws = np.random.default_rng((self.seed, _STREAM, 0 if self.fixed else epoch, index))
        tiles = self._place(self._choose(draws), draws)
        layout, joints = self.layout, self.keypoint_set.num_keypoints
        return paste(self._background(tiles, draws), tiles, joints, layout.feather, layout.least_keypoints)

    def _choose(self, draws: np.random.Generator) -> list[tuple[Scene, int]]:
        """Scenes, some mirrored, and which of their people each is about."""
        low, high = self.layout.people
        chosen = []
        for _ in range(int(draws.integers(low, high + 1))):
            picture, person = self.people[int(draws.integers(len(self.people)))]
            scene = read_scene(picture)
            if draws.random() < self.layout.flip_probability:
                scene = mirror_scene(scene, self.keypoint_set.flip_indices)
            chosen.append((scene, person))
        return chosen

    def _place(self, chosen: list[tuple[Scene, int]], draws: np.random.Generator) -> list[Tile]:
        """Give the scenes sizes and places; small people come first, since large ones stand in front."""
        layout = self.layout
        height, width = layout.size
        spans = np.log(layout.person_size) + np.log(min(layout.size))
        sized = []
        for scene, person in chosen:
            box = _extent_of_person(scene, person)
            longest = max(float((box[2:] - box[:2]).max()), 1.0)
            scale = min(float(np.exp(draws.uniform(*spans))) / longest, layout.largest_enlargement)
            sized.append((scale * longest, scale, scene, box))
        tiles: list[Tile] = []
        for _, scale, scene, box in sorted(sized, key=lambda entry: entry[0]):
            rotation = float(draws.uniform(-layout.rotation, layout.rotation))
            for _attempt in range(20):
                center = draws.uniform((0, 0), (width, height))
                matrix = _to_mosaic((box[:2] + box[2:]) / 2, scale, rotation, center)
                place = box_around(matrix, box)
                shift = np.clip(place[:2], 0, None) - place[:2] + np.clip(place[2:], None, [width, height]) - place[2:]
                matrix[:, 2] += shift  # people are moved inside as far as they fit
                place = place + np.tile(shift, 2)
                if all(_covered_part(tile.place, place) <= layout.overlap for tile in tiles):
                    tiles.append(Tile(scene, _window(scene, box, layout.margin), matrix, place))
                    break
        return tiles

    def _background(self, tiles: list[Tile], draws: np.random.Generator) -> NDArray[np.uint8]:
        layout = self.layout
        height, width = layout.size
        kind, color = draws.random(), draws.integers(0, 256, 3)
        plain = kind < layout.plain_probability or not (self.backgrounds or tiles)
        blurred = not self.backgrounds or kind < layout.plain_probability + layout.blur_probability
        if plain:
            return np.broadcast_to(color.astype(np.uint8), (height, width, 3)).copy()
        if self.backgrounds:
            image = read_image(self.backgrounds[int(draws.integers(len(self.backgrounds)))])
        else:
            image = tiles[0].scene.image
        scale = max(height / image.shape[0], width / image.shape[1]) * draws.uniform(1.0, 1.3)
        large = cv2.resize(
            image,
            (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale))),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        top, left = (int(draws.integers(0, large.shape[axis] - side + 1)) for axis, side in enumerate((height, width)))
        part = np.ascontiguousarray(large[top : top + height, left : left + width])
        if draws.random() < 0.5:
            part = np.ascontiguousarray(part[:, ::-1])
        # Without backgrounds of its own a mosaic shows people there, who must not be recognisable.
        strength = 0.08 if not self.backgrounds else draws.uniform(0.01, 0.04)
        return cv2.GaussianBlur(part, (0, 0), strength * min(height, width)) if blurred else part  # pyright: ignore


def _extent_of_person(scene: Scene, person: int) -> Floats:
    """The person's box, grown to hold all labelled keypoints, within the picture."""
    points = scene.keypoints[person][scene.visibility[person] > 0]
    box = scene.boxes[person]
    low, high = np.minimum(box[:2], points.min(axis=0)), np.maximum(box[2:], points.max(axis=0))
    limits = np.array(scene.image.shape[1::-1]) - 1.0
    low = np.clip(low, 0, limits)
    return np.concatenate([low, np.clip(high, low, limits)])


def _window(scene: Scene, box: Floats, margin: float) -> NDArray[np.int64]:
    """Whole pixels around a box, (left, top, right, bottom) with the last two exclusive, at least one of each."""
    limits = np.array(scene.image.shape[1::-1])
    grown = margin * (box[2:] - box[:2]).max()
    low = np.clip(np.floor(box[:2] - grown), 0, limits - 1)
    high = np.clip(np.ceil(box[2:] + grown) + 1, low + 1, limits)
    return np.concatenate([low, high]).astype(np.int64)


def _to_mosaic(center: Floats, scale: float, rotation: float, target: Floats) -> Floats:
    """Turn and scale about ``center``, which comes to lie at ``target``."""
    matrix = crop_matrix(center, (1.0, 1.0), (scale, scale), rotation)
    matrix[:, 2] += target - scale / 2
    return matrix


def _covered_part(box: Floats, other: Floats) -> float:
    """The part of ``box`` that ``other`` covers, 0..1."""
    common = np.clip(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0, None).prod()
    return float(common / max((box[2:] - box[:2]).prod(), 1e-9))
