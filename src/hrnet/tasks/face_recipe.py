"""Recipes of facial landmarks: their sections, and the data and the measure of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrnet.codecs import build_codec
from hrnet.codecs.face_heatmap import FaceHeatmapCodec
from hrnet.data.datasets.faces import FaceFormat, load_face_dataset
from hrnet.data.face_augmentation import FaceAugmentation
from hrnet.data.face_samples import FaceSamples, PublishedFaceSamples
from hrnet.data.images import read_image
from hrnet.drawing import draw_poses
from hrnet.metrics.face_alignment import FaceNormalizer, face_alignment
from hrnet.structures import PersonRecord, PoseDataset
from hrnet.tasks.face import FaceLandmarks
from hrnet.tasks.keypoint_data import one_keypoint_set
from hrnet.tasks.pose import build_pose_network
from hrnet.tasks.pose_recipe import PoseModel
from hrnet.tasks.recipe import DataSection, Recipe
from hrnet.tasks.task import Monitor, TaskData
from hrnet.weights.pose_card import PoseCard


@dataclass(frozen=True)
class FaceFiles:
    """One part of a data set: paths relative to the section's ``root``.

    Attributes:
        annotations, images, format, one_based: see `hrnet.data.datasets.faces.load_face_dataset`.
        subset: take this part of the annotations alone, such as ``full`` of 300W.
    """

    annotations: str
    images: str
    format: FaceFormat = "auto"
    one_based: bool | None = None
    subset: str | None = None


@dataclass(frozen=True, kw_only=True)
class FaceDataSection(DataSection):
    """Labelled faces; all parts of ``train`` are one set."""

    train: tuple[FaceFiles, ...]
    val: FaceFiles | None = None


@dataclass(frozen=True, kw_only=True)
class FaceRecipe(Recipe):
    """A run that trains a network for facial landmarks.

    Attributes:
        normalizer: what errors are divided by; None for that of published scores.
    """

    task: Literal["face"] = "face"
    model: PoseModel
    data: FaceDataSection
    augmentation: FaceAugmentation = field(default_factory=FaceAugmentation)
    normalizer: FaceNormalizer | None = None

    def load_data(self) -> FaceTrainingData:
        return FaceTrainingData(self)


class FaceTrainingData(TaskData):
    """Faces of the recipe's parts, one crop each; validated by the normalised mean error, ``val/nme``, a share (0.04 is 4 %).

    With the codec ``face_landmarks`` the faces are cut out as the published networks saw them.

    Raises:
        ValueError: the parts have different landmarks, no face is in the training or validation part, or the crop is not
            square where it has to be.
        AnnotationError: a file is broken, or labelled with other landmarks than the recipe names.
    """

    monitor = Monitor("nme", "min")

    def __init__(self, recipe: FaceRecipe) -> None:
        self.recipe = recipe
        height, width = recipe.model.codec.input_size
        if recipe.model.codec.name.startswith("face_") and height != width:
            raise ValueError(f"model.codec: {recipe.model.codec.name} needs a square input, got {height}x{width}")
        self.train_sets = [self._load(part) for part in recipe.data.train]
        self.val_set = self._load(recipe.data.val) if recipe.data.val else None
        self.keypoint_set = one_keypoint_set([*self.train_sets, *([] if self.val_set is None else [self.val_set])])
        if not any(map(len, self.train_sets)):
            raise ValueError(f"data.train: no labelled face in {', '.join(part.annotations for part in recipe.data.train)}")
        if recipe.data.val is not None and not self.val_records:
            raise ValueError(f"data.val: no labelled face in {recipe.data.val.annotations}")

    @property
    def val_records(self) -> list[PersonRecord]:
        return [] if self.val_set is None else self.val_set.records

    def summary(self) -> str:
        faces = f"{sum(map(len, self.train_sets))} faces to train on"
        return f"{faces}, {len(self.val_records)} to validate" if self.val_records else faces

    def train_samples(self) -> list[FaceSamples]:
        return [self._samples(data, self.recipe.augmentation) for data in self.train_sets]

    def val_samples(self) -> FaceSamples | None:
        return None if self.val_set is None else self._samples(self.val_set, None)

    def build_task(self) -> FaceLandmarks:
        model = self.recipe.model
        card = PoseCard(
            architecture=model.architecture,
            keypoint_set=self.keypoint_set,
            codec=model.codec,
            padding=model.padding,
            # The published scores of faces are without a mirrored pass.
            flip_test=not model.codec.name.startswith("face_"),
            training_data=self.recipe.data.terms or ", ".join(part.annotations for part in self.recipe.data.train),
            source="trained with hrnet",
        )
        return FaceLandmarks(build_pose_network(card), card)

    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        indices = sorted(found)
        landmarks = np.stack([found[index][0] for index in indices])
        records = [self.val_records[index] for index in indices]
        result = face_alignment(landmarks, records, self.keypoint_set, self.recipe.normalizer)
        return {"nme": result.mean, "failures_10": result.failure_rates[0.10], "auc_10": result.auc}

    def draw(self, index: int, found: Any) -> NDArray[np.uint8]:
        landmarks, scores = found
        return draw_poses(read_image(self.val_records[index].image), landmarks[None], scores[None], self.keypoint_set)

    def _load(self, part: FaceFiles) -> PoseDataset:
        root = Path(self.recipe.data.root).expanduser()
        data = load_face_dataset(
            root / part.annotations, root / part.images, part.format, self.recipe.model.keypoint_set, part.one_based
        )
        return data if part.subset is None else data.subset(part.subset)

    def _samples(self, data: PoseDataset, augmentation: FaceAugmentation | None) -> FaceSamples:
        model = self.recipe.model
        codec = build_codec(model.codec)
        kind = PublishedFaceSamples if isinstance(codec, FaceHeatmapCodec) else FaceSamples
        return kind(
            data.records,
            data.keypoint_set,
            model.codec.input_size,
            codec.convention,
            model.padding,
            augmentation,
            self.recipe.seed,
        )
