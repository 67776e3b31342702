"""Recipes of instance segmentation by embedding: their sections, and the data and the measure of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrnet.codecs.embedding_clusters import EmbeddingClusterSpec
from hrnet.data.datasets.coco_instances import CocoInstances, load_coco_instances
from hrnet.data.drawn_shapes import DrawnShapes, ShapeLayout
from hrnet.data.instance_samples import InstanceAugmentation, InstanceSamples
from hrnet.data.instance_scenes import AnnotatedInstances
from hrnet.errors import MissingExtraError
from hrnet.metrics.mask_average_precision import MaskAveragePrecision
from hrnet.structures.class_set import ClassSet
from hrnet.tasks.instance_embedding import (
    EmbeddingLossSettings,
    InstanceEmbedding,
    InstancesFound,
    build_embedding_network,
)
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.task import Monitor, Samples, Sheet, TaskData
from hrnet.weights.instance_card import InstanceEmbeddingCard


@dataclass(frozen=True, kw_only=True)
class EmbeddingModel(ModelSection):
    """What is trained.

    Attributes:
        input_size: (height, width) of the network's input.
        options: of the architecture, such as ``embedding_dimensions``.
    """

    input_size: tuple[int, int] = (512, 512)
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DrawnSection:
    """Draw the pictures of a part.

    Attributes:
        length: pictures in an epoch.
        layout: what is drawn; all parts need the same classes.
    """

    length: int
    layout: ShapeLayout = field(default_factory=ShapeLayout)


@dataclass(frozen=True)
class InstanceFiles:
    """One part of a data set: files in COCO's format, paths relative to the section's ``root``, or drawn pictures.

    Attributes:
        annotations, images: the file, and the folder of the pictures.
        classes: names of the categories to find; None for all.
        empty_pictures: keep pictures without an instance of these.
        drawn: in place of files.
    """

    annotations: str | None = None
    images: str | None = None
    classes: tuple[str, ...] | None = None
    empty_pictures: bool = False
    drawn: DrawnSection | None = None

    def __post_init__(self) -> None:
        files = self.annotations is not None and self.images is not None
        if files == (self.drawn is not None):
            raise ValueError("a part of the data is either 'annotations' and 'images', or 'drawn'")


@dataclass(frozen=True, kw_only=True)
class InstanceDataSection(DataSection):
    """Pictures with labelled instances; all parts of ``train`` are one set."""

    train: tuple[InstanceFiles, ...]
    val: InstanceFiles | None = None


@dataclass(frozen=True)
class SamplingSection:
    """Of more than ``max_instances`` in a picture the largest are kept; ``pixels`` of each are sampled."""

    max_instances: int = 30
    pixels: int = 64


@dataclass(frozen=True, kw_only=True)
class InstanceEmbeddingRecipe(Recipe):
    """A run that trains a network with an embedding per pixel for instance segmentation."""

    task: Literal["instance_embedding"] = "instance_embedding"
    model: EmbeddingModel
    data: InstanceDataSection
    augmentation: InstanceAugmentation = field(default_factory=InstanceAugmentation)
    sampling: SamplingSection = field(default_factory=SamplingSection)
    loss: EmbeddingLossSettings = field(default_factory=EmbeddingLossSettings)
    decoding: EmbeddingClusterSpec = field(default_factory=EmbeddingClusterSpec)

    def load_data(self) -> InstanceTrainingData:
        return InstanceTrainingData(self)


@dataclass(frozen=True)
class InstancePart:
    """A part that was read, and its classes."""

    source: AnnotatedInstances | DrawnShapes
    class_set: ClassSet
    name: str

    def __str__(self) -> str:
        return self.name


class InstanceTrainingData(TaskData):
    """Pictures of the recipe's parts; validated by average precision of masks in pixels of the pictures.

    ``val/ap``, ``val/ap50`` and ``val/ap75`` are those of the clusters of embeddings; ``val/components_ap``, ... those of
    connected components of the same foreground, which is what can be had without embeddings.

    Raises:
        ValueError: the parts have different classes, or the architecture is none for this task.
        AnnotationError: a file is broken, or has no picture with an instance.
        MissingExtraError: average precision cannot be computed here.
    """

    monitor = Monitor("ap", "max")
    sheet = Sheet(count=12, columns=4, cell=(256, 256))

    def __init__(self, recipe: InstanceEmbeddingRecipe) -> None:
        self.recipe = recipe
        root = Path(recipe.data.root).expanduser()
        self.train_parts = [load_part(part, root, recipe.seed) for part in recipe.data.train]
        # Validation pictures are the same whatever the run's seed.
        self.val_part = load_part(recipe.data.val, root, fixed=True) if recipe.data.val else None
        parts = [*self.train_parts, *([] if self.val_part is None else [self.val_part])]
        for part in parts[1:]:
            if part.class_set.classes != parts[0].class_set.classes:
                raise ValueError(
                    f"all parts of a run must have the same classes: {parts[0]} has {', '.join(parts[0].class_set.classes)}, "
                    f"{part} has {', '.join(part.class_set.classes)}; name them with 'classes'"
                )
        self.card = build_card(recipe, parts[0].class_set)
        if self.val_part is not None and find_spec("faster_coco_eval") is None:
            raise MissingExtraError("average precision needs faster-coco-eval: pip install 'hrnet[train]'")

    def summary(self) -> str:
        trained = f"{' and '.join(map(str, self.train_parts))} to train on"
        return trained if self.val_part is None else f"{trained}, {self.val_part} to validate"

    def train_samples(self) -> list[Samples]:
        return [self._samples(part, self.recipe.augmentation) for part in self.train_parts]

    def val_samples(self) -> InstanceSamples | None:
        return None if self.val_part is None else self._samples(self.val_part, None)

    def build_task(self) -> InstanceEmbedding:
        return InstanceEmbedding(build_embedding_network(self.card), self.card, self.recipe.loss)

    def measure(self, found: Mapping[int, InstancesFound]) -> dict[str, float]:
        if self.val_part is None:
            return {}
        clusters, components = (MaskAveragePrecision(self.card.class_set.classes) for _ in range(2))
        for index, entry in found.items():
            truth = self.val_part.source.truth(index)
            clusters.update(entry.clusters, truth)
            components.update(entry.components, truth)
        numbers = {}
        for prefix, metric in (("", clusters), ("components_", components)):
            values = metric.compute().values
            numbers |= {f"{prefix}{name}": values[name.upper()] for name in ("ap", "ap50", "ap75")}
        return numbers

    def draw(self, index: int, found: InstancesFound) -> NDArray[np.uint8] | None:
        return None if self.val_part is None else found.clusters.plot(self.val_part.source.scene(0, index).image)

    def _samples(self, part: InstancePart, augmentation: InstanceAugmentation | None) -> InstanceSamples:
        recipe = self.recipe
        return InstanceSamples(
            part.source,
            recipe.model.input_size,
            augmentation,
            recipe.seed,
            recipe.sampling.max_instances,
            recipe.sampling.pixels,
        )


def load_part(part: InstanceFiles, root: Path, seed: int = 0, fixed: bool = False) -> InstancePart:
    """Read a part, or say how it is drawn; ``fixed`` for the same drawn pictures in every epoch. Errors as of the readers."""
    if part.drawn is not None:
        source = DrawnShapes(part.drawn.length, part.drawn.layout, seed, fixed)
        return InstancePart(source, part.drawn.layout.class_set, f"{part.drawn.length} drawn pictures")
    found: CocoInstances = load_coco_instances(
        root / str(part.annotations), root / str(part.images), part.classes, part.empty_pictures
    )
    name = f"{found.instances} instances in {len(found)} pictures"
    return InstancePart(AnnotatedInstances(found.pictures), found.class_set, name)


def build_card(recipe: InstanceEmbeddingRecipe, class_set: ClassSet) -> InstanceEmbeddingCard:
    """What the weights of a run will say about themselves."""
    model = recipe.model
    return InstanceEmbeddingCard(
        architecture=model.architecture,
        class_set=class_set,
        input_size=model.input_size,
        decoding=recipe.decoding,
        options=model.options,
        training_data=recipe.data.terms or ", ".join(part.annotations or "drawn shapes" for part in recipe.data.train),
        source="trained with hrnet",
    )
