"""Recipes of top-down pose: their sections, and the data and the measure of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrnet.codecs import CodecSpec, build_codec
from hrnet.data.augmentation import PoseAugmentation
from hrnet.data.datasets import load_pose_dataset
from hrnet.data.images import read_image
from hrnet.data.samples import PoseSamples
from hrnet.drawing import draw_poses
from hrnet.metrics.pck import PCK, TORSO
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset
from hrnet.tasks.keypoint_data import one_keypoint_set
from hrnet.tasks.pose import TopDownPose, build_pose_network
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.task import Monitor, TaskData
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD
from hrnet.weights.pose_card import PoseCard


@dataclass(frozen=True, kw_only=True)
class PoseModel(ModelSection):
    """What is trained.

    Attributes:
        codec: how keypoints become heatmaps.
        keypoint_set: a name of `hrnet.list_keypoint_sets`; None to take what the annotations say.
        padding: around boxes.
    """

    codec: CodecSpec = field(default_factory=CodecSpec)
    keypoint_set: str | None = None
    padding: float = 1.25


@dataclass(frozen=True)
class PoseFiles:
    """One part of a data set: paths relative to the section's ``root``."""

    annotations: str
    images: str
    format: Literal["auto", "coco", "mpii", "lsp"] = "auto"


@dataclass(frozen=True, kw_only=True)
class PoseDataSection(DataSection):
    """Labelled people; all parts of ``train`` are one set."""

    train: tuple[PoseFiles, ...]
    val: PoseFiles | None = None


@dataclass(frozen=True, kw_only=True)
class PoseRecipe(Recipe):
    """A run that trains a network for top-down pose.

    Attributes:
        hardest_keypoints: train on the hardest keypoints of each person alone (OHKM).
        joint_weights: weigh the loss with the keypoint set's weights; off in all published recipes.
        mirror_weight: of a loss that tells left from right where a small network does not learn it (`hrnet.losses.MirrorLoss`);
            0.01 weighs about as much as the heatmaps. Not in the papers (0).
    """

    task: Literal["pose"] = "pose"
    model: PoseModel
    data: PoseDataSection
    augmentation: PoseAugmentation = field(default_factory=PoseAugmentation)
    hardest_keypoints: int | None = None
    joint_weights: bool = False
    mirror_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mirror_weight < 0:
            raise ValueError(f"mirror_weight must be at least 0, got {self.mirror_weight}")

    def load_data(self) -> PoseTrainingData:
        return PoseTrainingData(self)


class PoseTrainingData(TaskData):
    """People of the recipe's parts, one crop each; validated by PCK in pixels of the pictures.

    ``val/pck`` is PCK@0.2 of the torso where the keypoint set has a right shoulder and a left hip, otherwise PCK@0.1 of the
    longer box side.

    Raises:
        ValueError: the parts are labelled with different keypoints, or nobody is labelled in the training or validation part.
        AnnotationError: a file is broken, or labelled with other keypoints than the recipe names.
    """

    monitor = Monitor("pck", "max")

    def __init__(self, recipe: PoseRecipe) -> None:
        self.recipe = recipe
        self.train_sets = [self._load(part) for part in recipe.data.train]
        self.val_set = self._load(recipe.data.val) if recipe.data.val else None
        self.keypoint_set = one_keypoint_set([*self.train_sets, *([] if self.val_set is None else [self.val_set])])
        if not any(map(len, self.train_sets)):
            raise ValueError(f"data.train: no labelled person in {', '.join(part.annotations for part in recipe.data.train)}")
        if recipe.data.val is not None and not self.val_records:
            raise ValueError(f"data.val: no labelled person in {recipe.data.val.annotations}")

    @property
    def val_records(self) -> list[PersonRecord]:
        return [] if self.val_set is None else self.val_set.records

    def summary(self) -> str:
        people = f"{sum(map(len, self.train_sets))} people to train on"
        return f"{people}, {len(self.val_records)} to validate" if self.val_records else people

    def train_samples(self) -> list[PoseSamples]:
        return [self._samples(data, self.recipe.augmentation) for data in self.train_sets]

    def val_samples(self) -> PoseSamples | None:
        return None if self.val_set is None else self._samples(self.val_set, None)

    def build_task(self) -> TopDownPose:
        card = build_card(self.recipe, self.keypoint_set)
        recipe = self.recipe
        return TopDownPose(build_pose_network(card), card, recipe.hardest_keypoints, recipe.joint_weights, recipe.mirror_weight)

    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        if set(TORSO) <= set(self.keypoint_set.keypoints):
            metric = PCK(self.keypoint_set, thresholds=(0.2,), normalizer="torso")
        else:
            metric = PCK(self.keypoint_set, thresholds=(0.1,), normalizer="bbox")
        indices = sorted(found)
        metric.update(np.stack([found[index][0] for index in indices]), [self.val_records[index] for index in indices])
        return {"pck": float(metric.compute().mean[0])}

    def draw(self, index: int, found: Any) -> NDArray[np.uint8]:
        keypoints, scores = found
        return draw_poses(read_image(self.val_records[index].image), keypoints[None], scores[None], self.keypoint_set)

    def _load(self, part: PoseFiles) -> PoseDataset:
        root = Path(self.recipe.data.root).expanduser()
        return load_pose_dataset(
            root / part.annotations, root / part.images, format=part.format, keypoint_set=self.recipe.model.keypoint_set
        )

    def _samples(self, data: PoseDataset, augmentation: PoseAugmentation | None) -> PoseSamples:
        model = self.recipe.model
        convention = build_codec(model.codec).convention
        return PoseSamples(
            data.records, data.keypoint_set, model.codec.input_size, convention, model.padding, augmentation, self.recipe.seed
        )


def build_card(recipe: PoseRecipe, keypoint_set: KeypointSet) -> PoseCard:
    """What the weights of a run will say about themselves."""
    model = recipe.model
    # The hourglasses take pictures in 0..1 as they are, all others ImageNet's normalisation.
    plain = model.architecture.startswith("stacked_hourglass")
    return PoseCard(
        architecture=model.architecture,
        keypoint_set=keypoint_set,
        codec=model.codec,
        padding=model.padding,
        training_data=recipe.data.terms or ", ".join(part.annotations for part in recipe.data.train),
        source="trained with hrnet",
        mean=(0.0, 0.0, 0.0) if plain else IMAGENET_MEAN,
        std=(1.0, 1.0, 1.0) if plain else IMAGENET_STD,
    )
