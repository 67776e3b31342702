"""Recipes of image classification: their sections, and the data and the measure of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrnet.data.classification_augmentation import ClassificationAugmentation
from hrnet.data.classification_samples import ClassificationSamples
from hrnet.data.datasets.class_folders import ClassFolders, load_class_folders
from hrnet.data.images import read_image
from hrnet.data.resampling import Interpolation
from hrnet.errors import AnnotationError
from hrnet.losses.classification import Mixing
from hrnet.structures.captions import captioned
from hrnet.tasks.classification import ClassFound, ImageClassification, build_classification_network
from hrnet.tasks.freezing import check_freeze
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.task import Monitor, Sheet, TaskData
from hrnet.weights.classification_card import ClassificationCard, check_input

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class ClassificationModel(ModelSection):
    """What is trained.

    Attributes:
        input_size: (height, width) of the network's input.
        crop_share: of the shorter side that is looked at in validation and prediction.
        interpolation: how pictures are resized.
        freeze: parts of the body that stay as they are, BatchNorm's statistics too: ``stem``, ``stage1`` .. ``stage4``. It
            needs something to start from.
        options: of the architecture.
    """

    input_size: tuple[int, int] = (224, 224)
    crop_share: float = 0.875
    interpolation: Interpolation = "bilinear"
    freeze: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_input(self.input_size, self.crop_share)
        check_freeze(self.freeze, self.start_from)


@dataclass(frozen=True)
class ClassFolderFiles:
    """One part of a data set: a folder of class folders, relative to the section's ``root``.

    Attributes:
        folder: with a folder for each class; with ``listing``, where its paths begin.
        listing: a text file with a path and a class on each line.
    """

    folder: str
    listing: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClassificationDataSection(DataSection):
    """Pictures of classes; all parts of ``train`` are one set.

    Attributes:
        classes: names in the order of the network's outputs; None for those of all training parts, sorted.
    """

    train: tuple[ClassFolderFiles, ...]
    val: ClassFolderFiles | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ClassificationLoss(Mixing):
    """How pictures are mixed, and ``label_smoothing``, the share of each target that is spread over all classes."""

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing must be at least 0 and below 1, got {self.label_smoothing}")


@dataclass(frozen=True, kw_only=True)
class ClassificationRecipe(Recipe):
    """A run that trains a classifier."""

    task: Literal["classification"] = "classification"
    model: ClassificationModel
    data: ClassificationDataSection
    augmentation: ClassificationAugmentation = field(default_factory=ClassificationAugmentation)
    loss: ClassificationLoss = field(default_factory=ClassificationLoss)

    def load_data(self) -> ClassificationTrainingData:
        return ClassificationTrainingData(self)


class ClassificationTrainingData(TaskData):
    """Pictures of the recipe's parts; validated by the share of pictures whose class is the first, or among the first five.

    Raises:
        AnnotationError: a folder or list is missing or empty, fewer than two classes, a class without training pictures, or a
            validation class that is not trained.
    """

    monitor = Monitor("top1", "max")
    sheet = Sheet(count=24, columns=6, cell=(200, 200))

    def __init__(self, recipe: ClassificationRecipe) -> None:
        self.recipe = recipe
        section = recipe.data
        read = [self._load(part, section.classes) for part in section.train]
        classes = section.classes or tuple(sorted({name for data in read for name in data.classes}))
        if len(classes) < 2:
            raise AnnotationError(f"data.train: {_some(list(classes))} alone leaves nothing to tell apart: give two classes")
        # Read again only where a part lacks classes that others have: ImageNet's folders take a while to list.
        self.train_sets = [
            data if data.classes == classes else self._load(part, classes)
            for part, data in zip(section.train, read, strict=True)
        ]
        self.val_set = self._load(section.val, classes) if section.val else None
        self.classes = classes
        self.train_counts = np.sum([part.counts for part in self.train_sets], axis=0)
        if empty := [name for name, count in zip(classes, self.train_counts, strict=True) if count == 0]:
            raise AnnotationError(f"data.train: no picture of {_some(empty)}; add some, or remove the empty folder")

    def summary(self) -> str:
        trained = f"{self.train_counts.sum()} pictures of {len(self.classes)} classes to train on"
        rare, common = int(self.train_counts.min()), int(self.train_counts.max())
        if rare < common:
            trained += f" ({rare} to {common} of each)"
        if self.val_set is None:
            return trained
        absent = self.val_set.empty_classes
        remark = f", none of them of {_some(absent)}" if absent else ""
        return f"{trained}, {len(self.val_set)} to validate{remark}"

    def train_samples(self) -> list[ClassificationSamples]:
        return [self._samples(part, self.recipe.augmentation) for part in self.train_sets]

    def val_samples(self) -> ClassificationSamples | None:
        return None if self.val_set is None else self._samples(self.val_set, None)

    def build_task(self) -> ImageClassification:
        recipe, card = self.recipe, build_card(self.recipe, self.classes)
        return ImageClassification(
            build_classification_network(card), card, recipe.loss, recipe.loss.label_smoothing, recipe.model.freeze
        )

    def measure(self, found: Mapping[int, ClassFound]) -> dict[str, float]:
        ranks = np.array([entry.rank for entry in found.values()])
        measured = {"top1": float((ranks < 1).mean())}
        if len(self.classes) > 5:
            measured["top5"] = float((ranks < 5).mean())
        return measured

    def draw(self, index: int, found: ClassFound) -> NDArray[np.uint8] | None:
        if self.val_set is None:
            return None
        picture = self.val_set.pictures[index]
        lines = [f"{found.score:.0%}  {self.classes[found.predicted]}"]
        if found.rank > 0:
            lines.append(f"is {self.classes[picture.label]}")
        return captioned(read_image(picture.image), lines, marked=1 if found.rank > 0 else None)

    def _load(self, part: ClassFolderFiles, classes: tuple[str, ...] | None) -> ClassFolders:
        root = Path(self.recipe.data.root).expanduser()
        return load_class_folders(root / part.folder, classes, root / part.listing if part.listing else None)

    def _samples(self, part: ClassFolders, augmentation: ClassificationAugmentation | None) -> ClassificationSamples:
        model = self.recipe.model
        return ClassificationSamples(
            part.pictures, model.input_size, model.crop_share, model.interpolation, augmentation, self.recipe.seed
        )


def build_card(recipe: ClassificationRecipe, classes: tuple[str, ...]) -> ClassificationCard:
    """What the weights of a run will say about themselves."""
    model = recipe.model
    return ClassificationCard(
        architecture=model.architecture,
        num_classes=len(classes),
        classes=classes,
        input_size=model.input_size,
        crop_share=model.crop_share,
        interpolation=model.interpolation,
        options=model.options,
        training_data=recipe.data.terms or ", ".join(part.folder for part in recipe.data.train),
        source="trained with hrnet",
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more classes" if len(names) > _SHOWN else "")
