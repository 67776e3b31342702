"""Recipes of bottom-up pose: their sections, and the data and the measure of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hrnet.codecs.associative_embedding import AssociativeEmbeddingSpec
from hrnet.data.augmentation import PoseAugmentation
from hrnet.data.multi_person_samples import MultiPersonSample, MultiPersonSamples, SceneAugmentation
from hrnet.drawing import draw_poses
from hrnet.errors import MissingExtraError
from hrnet.metrics.average_precision import KeypointAveragePrecision
from hrnet.structures import KeypointSet, PersonRecord
from hrnet.tasks.bottom_up import BottomUpPose, LossSettings, TargetSettings, build_tagging_network, map_sizes
from hrnet.tasks.keypoint_data import one_keypoint_set
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.scene_files import SceneFiles, ScenePart, load_scenes
from hrnet.tasks.task import Monitor, Samples, Sheet, TaskData
from hrnet.weights.bottom_up_card import BottomUpCard
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD

_STREAM = 0x636F6C  # keeps the draws of colours apart from those of the augmentation with the same seed, epoch and index


@dataclass(frozen=True, kw_only=True)
class BottomUpModel(ModelSection):
    """What is trained.

    Attributes:
        input_size: (height, width) of the network's input.
        keypoint_set: a name of `hrnet.list_keypoint_sets`; None to take what the annotations say.
        options: of the architecture, such as ``num_deconvolutions`` of HigherHRNet.
    """

    input_size: tuple[int, int] = (512, 512)
    keypoint_set: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.input_size) < 64:
            raise ValueError(f"input_size is (height, width) of at least 64 pixels, got {self.input_size}")


@dataclass(frozen=True, kw_only=True)
class SceneDataSection(DataSection):
    """Pictures with labelled people; all parts of ``train`` are one set."""

    train: tuple[SceneFiles, ...]
    val: SceneFiles | None = None


@dataclass(frozen=True)
class SceneSection(SceneAugmentation):
    """Strengths of the augmentation, and ``color``, of random brightness, contrast and colour cast, 0..1 (not in the paper)."""

    color: float = 0.0


@dataclass(frozen=True, kw_only=True)
class BottomUpRecipe(Recipe):
    """A run that trains a network with tags for bottom-up pose."""

    task: Literal["bottom_up_pose"] = "bottom_up_pose"
    model: BottomUpModel
    data: SceneDataSection
    augmentation: SceneSection = field(default_factory=SceneSection)
    targets: TargetSettings = field(default_factory=TargetSettings)
    loss: LossSettings = field(default_factory=LossSettings)

    def load_data(self) -> BottomUpTrainingData:
        return BottomUpTrainingData(self)


class BottomUpTrainingData(TaskData):
    """Scenes of the recipe's parts; validated by average precision in pixels of the pictures.

    ``val/ap`` and ``val/ap50`` need the sigmas of the keypoint set; without, the best checkpoint is that of the least loss.

    Raises:
        ValueError: the parts are labelled with different keypoints, or the architecture is none for this task.
        AnnotationError: a file is broken, has nobody labelled, or other keypoints than the recipe names.
        MissingExtraError: average precision cannot be computed here.
    """

    sheet = Sheet(count=12, columns=4, cell=(320, 320))

    def __init__(self, recipe: BottomUpRecipe) -> None:
        self.recipe = recipe
        root = Path(recipe.data.root).expanduser()
        names = recipe.model.keypoint_set
        self.train_parts = [load_scenes(part, root, names, recipe.seed) for part in recipe.data.train]
        # Validation pictures are the same whatever the run's seed.
        self.val_part = load_scenes(recipe.data.val, root, names, fixed=True) if recipe.data.val else None
        parts: list[ScenePart] = [*self.train_parts, *([] if self.val_part is None else [self.val_part])]
        self.keypoint_set = one_keypoint_set([part.dataset for part in parts])
        self.card = build_card(recipe, self.keypoint_set)
        with torch.device("meta"):  # shapes only
            self.map_sizes = map_sizes(build_tagging_network(self.card), recipe.model.input_size)
        if self.val_part is not None and self.keypoint_set.sigmas is not None:
            if find_spec("faster_coco_eval") is None:
                raise MissingExtraError("average precision needs faster-coco-eval: pip install 'hrnet[train]'")
            self.monitor = Monitor("ap", "max")

    def summary(self) -> str:
        trained = f"{' and '.join(map(str, self.train_parts))} to train on"
        return trained if self.val_part is None else f"{trained}, {self.val_part} to validate"

    def train_samples(self) -> list[Samples]:
        parts = [self._samples(part, self.recipe.augmentation) for part in self.train_parts]
        color = self.recipe.augmentation.color
        return [Recolored(part, color, self.recipe.seed) if color > 0 else part for part in parts]

    def val_samples(self) -> MultiPersonSamples | None:
        return None if self.val_part is None else self._samples(self.val_part, None)

    def build_task(self) -> BottomUpPose:
        recipe = self.recipe
        network = build_tagging_network(self.card)
        return BottomUpPose(network, self.card, recipe.model.input_size, recipe.targets, recipe.loss)

    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        if self.monitor.name != "ap" or self.val_part is None:
            return {}
        truth = self._truth
        if isinstance(truth, Path):
            identities = {index: self.val_part.dataset.pictures[index].image_id for index in found}
            metric = KeypointAveragePrecision(self.keypoint_set, truth, image_ids=list(identities.values()))
        else:
            seen = [record for record in truth if record.image_id in found]
            metric = KeypointAveragePrecision(self.keypoint_set, seen)
            # A mosaic without anybody is unknown to the metric.
            identities = {int(record.image_id): record.image_id for record in seen}
        for index, image_id in identities.items():
            keypoints, _, scores = found[index]
            metric.update(keypoints, scores=scores, image_ids=[image_id] * len(keypoints))
        values = metric.compute().values
        return {"ap": values["AP"], "ap50": values["AP50"]}

    def draw(self, index: int, found: Any) -> NDArray[np.uint8] | None:
        if self.val_part is None:
            return None
        keypoints, keypoint_scores, _ = found
        image = self.val_part.scenes.scene(0, index).image
        shown = self.card.decoding.detection_threshold
        return draw_poses(image, keypoints, keypoint_scores, self.keypoint_set, threshold=shown)

    @cached_property
    def _truth(self) -> Path | list[PersonRecord]:
        return [] if self.val_part is None else self.val_part.truth()

    def _samples(self, part: ScenePart, augmentation: SceneAugmentation | None) -> MultiPersonSamples:
        targets = self.recipe.targets
        return MultiPersonSamples(
            part.scenes, self.keypoint_set, self.recipe.model.input_size, self.map_sizes, augmentation, self.recipe.seed,
            targets.max_people, targets.center_keypoint,
        )  # fmt: skip


class Recolored:
    """Samples whose pictures have other brightness, contrast and colours, by seed, epoch and index."""

    def __init__(self, samples: MultiPersonSamples, strength: float, seed: int) -> None:
        self.samples, self.seed = samples, seed
        self.augmentation = PoseAugmentation(color=strength)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> MultiPersonSample:
        sample = self.samples[key]
        sample["image"] = self.augmentation.recolor(sample["image"], np.random.default_rng((self.seed, _STREAM, *key)))
        return sample


def build_card(recipe: BottomUpRecipe, keypoint_set: KeypointSet) -> BottomUpCard:
    """What the weights of a run will say about themselves."""
    model, targets = recipe.model, recipe.targets
    # The hourglass takes pictures in 0..1 as they are, in a square, and is decoded in its own way.
    hourglass = model.architecture.startswith("pose_ae")
    decoding = AssociativeEmbeddingSpec.hourglass() if hourglass else AssociativeEmbeddingSpec()
    return BottomUpCard(
        architecture=model.architecture,
        keypoint_set=keypoint_set,
        input_size=min(model.input_size),
        size_rule="square" if hourglass else "short_side",
        decoding=replace(decoding, has_center_joint=targets.center_keypoint),
        options=model.options,
        training_data=recipe.data.terms or ", ".join(part.annotations for part in recipe.data.train),
        source="trained with hrnet",
        mean=(0.0, 0.0, 0.0) if hourglass else IMAGENET_MEAN,
        std=(1.0, 1.0, 1.0) if hourglass else IMAGENET_STD,
    )
