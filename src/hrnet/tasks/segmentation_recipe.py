"""Recipes of semantic segmentation: their sections, and the data and the measure of a run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrnet.data.class_frequency import ClassFrequency, count_classes
from hrnet.data.class_sets import class_set, list_class_sets, published_class_weights
from hrnet.data.datasets.segmentation import SegmentationDataset, load_segmentation_dataset
from hrnet.data.images import read_image
from hrnet.data.segmentation_augmentation import SegmentationAugmentation
from hrnet.data.segmentation_inspection import quick_problems
from hrnet.data.segmentation_samples import SegmentationSamples, WholePictures
from hrnet.metrics.segmentation import SegmentationMetric
from hrnet.structures.class_overlay import draw_classes
from hrnet.structures.class_set import ClassSet
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.segmentation import FoundPixels, PixelLossSettings, Segmentation, build_segmentation_network
from hrnet.tasks.task import Monitor, Sheet, TaskData
from hrnet.weights.model_card import IMAGENET_MEAN
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest

_MEAN_COLOR = (round(255 * IMAGENET_MEAN[0]), round(255 * IMAGENET_MEAN[1]), round(255 * IMAGENET_MEAN[2]))


@dataclass(frozen=True, kw_only=True)
class SegmentationModel(ModelSection):
    """What is trained.

    Attributes:
        crop_size: (height, width) of the windows that are trained on.
        class_set: a name of `hrnet.data.class_sets.list_class_sets`, or a class file relative to the data's ``root``; None to
            take what the format says, or the ``classes.txt`` beside the labels.
        options: of the architecture: ``align_corners``.
        test: how whole pictures are brought to the network; validated is at scale 1, without windows.
        flip_test: average over the mirrored picture in validation.
    """

    crop_size: tuple[int, int] = (512, 1024)
    class_set: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    test: SegmentationTest = field(default_factory=SegmentationTest)
    flip_test: bool = False


@dataclass(frozen=True)
class SegmentationFiles:
    """One part of a data set: paths relative to the section's ``root``.

    Attributes:
        images, labels: folders.
        format: a name of `hrnet.data.datasets.segmentation.SEGMENTATION_FORMATS`.
        encoding: of the label files, where it is not the format's.
        names: text file with the names of the pairs to take.
    """

    images: str
    labels: str
    format: str = "folders"
    encoding: str | None = None
    names: str | None = None


@dataclass(frozen=True, kw_only=True)
class SegmentationDataSection(DataSection):
    """Pictures with label maps; all parts of ``train`` are one set."""

    train: tuple[SegmentationFiles, ...]
    val: SegmentationFiles | None = None


@dataclass(frozen=True, kw_only=True)
class SegmentationRecipe(Recipe):
    """A run that trains a network for semantic segmentation."""

    task: Literal["segmentation"] = "segmentation"
    model: SegmentationModel
    data: SegmentationDataSection
    augmentation: SegmentationAugmentation = field(default_factory=SegmentationAugmentation)
    loss: PixelLossSettings = field(default_factory=PixelLossSettings)

    def load_data(self) -> SegmentationTrainingData:
        return SegmentationTrainingData(self)


class SegmentationTrainingData(TaskData):
    """Label maps of the recipe's parts; validated by mean intersection over union at the size of the label maps.

    ``val/miou`` counts absent classes as 0, as the published code does; where the validation labels lack classes,
    ``val/miou_present`` is the mean over the others.

    Raises:
        ValueError: the parts have different classes, the architecture is none for this task, or no weights are published.
        AnnotationError: a folder is missing or files have no partner.

    Warns:
        UserWarning: label maps that look wrong, by the first few of them.
    """

    monitor = Monitor("miou", "max")
    sheet = Sheet(count=8, columns=2, cell=(270, 720))

    def __init__(self, recipe: SegmentationRecipe) -> None:
        self.recipe = recipe
        self.train_sets = [self._load(part, f"data.train[{place}]") for place, part in enumerate(recipe.data.train)]
        self.val_set = self._load(recipe.data.val, "data.val") if recipe.data.val else None
        self.class_set = self._one_class_set()
        self.card = build_card(recipe, self.class_set)
        self.loss = self._loss_settings()
        # Pictures of several sizes make no batch.
        samples = self.val_samples()
        self.val_batch_size: int | None = 1 if samples is not None and not samples.same_size() else None

    def summary(self) -> str:
        pictures = f"{sum(map(len, self.train_sets))} pictures of {self.class_set.num_classes} classes to train on"
        return pictures if self.val_set is None else f"{pictures}, {len(self.val_set)} to validate"

    def train_samples(self) -> list[SegmentationSamples]:
        model, recipe = self.recipe.model, self.recipe
        return [SegmentationSamples(data, model.crop_size, recipe.augmentation, recipe.seed) for data in self.train_sets]

    def val_samples(self) -> WholePictures | None:
        if self.val_set is None:
            return None
        model = self.recipe.model
        test, crop_size = model.test, model.crop_size
        return WholePictures(self.val_set, test.size_rule, test.base_size, crop_size, test.pad_multiple, _MEAN_COLOR)

    def build_task(self) -> Segmentation:
        return Segmentation(build_segmentation_network(self.card), self.card, self.loss, self.sheet.count)

    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        metric = SegmentationMetric(self.class_set)
        for one in found.values():
            metric.add_counts(one.confusion(self.class_set.num_classes))
        scores = metric.compute()
        values = {"miou": scores.miou, "pixel_accuracy": scores.pixel_accuracy}
        return values if scores.present.all() else values | {"miou_present": scores.miou_present}

    def draw(self, index: int, found: FoundPixels) -> NDArray[np.uint8] | None:
        """The prediction, and the label beside it."""
        if self.val_set is None or found.classes is None:
            return None
        image = read_image(self.val_set.pairs[index].image)
        sides = [draw_classes(image, classes, self.class_set) for classes in (found.classes, self.val_set.label(index))]
        return np.concatenate([sides[0], np.full((image.shape[0], 4, 3), 255, np.uint8), sides[1]], axis=1)

    def _load(self, part: SegmentationFiles, where: str) -> SegmentationDataset:
        root = Path(self.recipe.data.root).expanduser()
        classes = self.recipe.model.class_set
        dataset = load_segmentation_dataset(
            root / part.images,
            root / part.labels,
            part.format,
            root / classes if classes is not None and classes.endswith(".txt") else classes,
            part.encoding,
            root / part.names if part.names else None,
        )
        for problem in quick_problems(dataset):
            warnings.warn(f"{where}: {problem}", UserWarning, stacklevel=4)
        return dataset

    def _one_class_set(self) -> ClassSet:
        sets = {data.class_set for data in [*self.train_sets, *([] if self.val_set is None else [self.val_set])]}
        if len(sets) > 1:
            named = ", ".join(f"{one.name} ({one.num_classes} classes)" for one in sets)
            raise ValueError(f"the parts of the data have different classes: {named}; set model.class_set")
        return sets.pop()

    def _loss_settings(self) -> PixelLossSettings:
        settings = self.recipe.loss
        weights = settings.class_weights
        if weights == "published":
            known = (
                self.class_set.name in list_class_sets() and class_set(self.class_set.name).classes == self.class_set.classes
            )
            numbers = published_class_weights(self.class_set.name) if known else None
            if numbers is None:
                raise ValueError(f"loss.class_weights: none are published for {self.class_set.name!r}; use median_frequency")
            return replace(settings, class_weights=numbers)
        if weights == "median_frequency":
            return replace(settings, class_weights=_total_frequency(self.train_sets).median_frequency_weights())
        return settings


def _total_frequency(datasets: list[SegmentationDataset]) -> ClassFrequency:
    counts = [count_classes(data) for data in datasets]
    return ClassFrequency(
        sum((one.pixels for one in counts[1:]), counts[0].pixels),
        sum((one.pictures for one in counts[1:]), counts[0].pictures),
        sum((one.pixels_beside for one in counts[1:]), counts[0].pixels_beside),
        sum(one.ignored for one in counts),
        sum(one.total for one in counts),
    )


def build_card(recipe: SegmentationRecipe, class_set: ClassSet) -> SegmentationCard:
    """What the weights of a run will say about themselves."""
    model = recipe.model
    return SegmentationCard(
        architecture=model.architecture,
        class_set=class_set,
        crop_size=model.crop_size,
        test=model.test,
        options=model.options,
        flip_test=model.flip_test,
        training_data=recipe.data.terms or ", ".join(part.labels for part in recipe.data.train),
        source="trained with hrnet",
    )
