"""Parts of multi-person data in recipes: pictures as they are annotated, or mosaics made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hrnet.data.datasets.crowdpose import load_crowdpose
from hrnet.data.datasets.multi_person import Ignored, MultiPersonDataset, load_multi_person
from hrnet.data.mosaic import MosaicLayout, MosaicScenes
from hrnet.data.scenes import AnnotatedScenes
from hrnet.drawing import PICTURE_SUFFIXES
from hrnet.structures import PersonRecord


@dataclass(frozen=True)
class MosaicSection:
    """Paste the people of a part into one picture, so that single-person sets train multi-person networks.

    Attributes:
        length: mosaics in an epoch.
        backgrounds: folders of pictures to paste onto, relative to the section's ``root``; nobody may be on them.
        layout: how mosaics are composed.
    """

    length: int
    backgrounds: tuple[str, ...] = ()
    layout: MosaicLayout = field(default_factory=MosaicLayout)


@dataclass(frozen=True)
class SceneFiles:
    """One part of a data set: paths relative to the section's ``root``.

    Attributes:
        ignored: where the loss does not count: crowds, and people whose keypoints are not labelled. With the format
            ``crowdpose`` every pixel counts, as in HigherHRNet.
        without_people: keep pictures without a labelled person.
        mosaic: make mosaics of it.
    """

    annotations: str
    images: str
    format: Literal["auto", "coco", "crowdpose", "mpii", "lsp"] = "auto"
    ignored: tuple[Ignored, ...] = ("crowd", "unlabelled")
    without_people: bool = False
    mosaic: MosaicSection | None = None


@dataclass(frozen=True)
class ScenePart:
    """A part that was read: its pictures, and the scenes that are shown of it."""

    dataset: MultiPersonDataset
    scenes: AnnotatedScenes | MosaicScenes

    @property
    def people(self) -> int:
        return sum(map(len, self.dataset.pictures))

    def __str__(self) -> str:
        what = f"{self.people} people in {len(self.dataset)} pictures"
        return f"{len(self.scenes)} mosaics of {what}" if isinstance(self.scenes, MosaicScenes) else what

    def truth(self) -> Path | list[PersonRecord]:
        """The annotated people of all scenes: the file itself, with its crowds, where it has all there is to know."""
        if isinstance(self.scenes, AnnotatedScenes):
            if self.dataset.format == "coco":
                return self.dataset.annotation_file
            people = [(picture.keypoints, picture.visibility, picture.boxes) for picture in self.dataset.pictures]
        else:
            scenes = (self.scenes.scene(0, index) for index in range(len(self.scenes)))
            people = [(scene.keypoints, scene.visibility, scene.boxes) for scene in scenes]
        return [
            PersonRecord(Path(str(index)), index, f"{index}/{person}", box, points, flags)
            for index, scene in enumerate(people)
            for person, (points, flags, box) in enumerate(zip(*scene, strict=True))
        ]


def load_scenes(part: SceneFiles, root: Path, keypoint_set: str | None, seed: int = 0, fixed: bool = False) -> ScenePart:
    """Read a part.

    Args:
        keypoint_set: name, where the file does not say it.
        seed: of mosaics.
        fixed: the same mosaics in every epoch.

    Raises:
        ValueError: a folder of backgrounds is not there, or there is nobody to make mosaics of.
        AnnotationError: the file is broken, or has no picture with labelled people.
    """
    annotations, images = root / part.annotations, root / part.images
    if part.format == "crowdpose":
        found = load_crowdpose(annotations, images, part.without_people)
    else:
        found = load_multi_person(annotations, images, part.format, keypoint_set, part.ignored, part.without_people)
    mosaic = part.mosaic
    if mosaic is None:
        return ScenePart(found, AnnotatedScenes(found.pictures))
    backgrounds = [picture for folder in mosaic.backgrounds for picture in _pictures(root / folder)]
    scenes = MosaicScenes(found.pictures, found.keypoint_set, mosaic.length, mosaic.layout, backgrounds, seed, fixed)
    return ScenePart(found, scenes)


def _pictures(folder: Path) -> Sequence[Path]:
    """Pictures in a folder and in the folders in it, in an order that is the same everywhere."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise ValueError(f"mosaic.backgrounds: there are no pictures in {folder}")
    return found
