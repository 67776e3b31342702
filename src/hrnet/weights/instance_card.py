"""What has to be known about a checkpoint for instance segmentation beside its numbers, kept inside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hrnet.codecs.embedding_clusters import EmbeddingClusterSpec
from hrnet.structures.class_set import ClassSet
from hrnet.weights.card import IMAGENET_MEAN, IMAGENET_STD, card_from_json, card_to_json, check_normalization

INSTANCE_CARD_KEY = "hrnet.instance_card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class InstanceEmbeddingCard:
    """Everything that is needed to use a checkpoint for instance segmentation by embeddings as it was trained.

    Attributes:
        architecture, options: for `hrnet.models.build_model`.
        class_set: the classes, without the background, in the order of the foreground logits.
        input_size: (height, width) that pictures are fitted into.
        decoding: how instances are found in the maps.
        channel_order: of the network's input; pictures are RGB and are turned round for a network trained on BGR.
        mean, std: of the input's channels, in that order, in 0..1 units.
        license, training_data, metrics, source: as of `PoseCard`.
    """

    architecture: str
    class_set: ClassSet
    input_size: tuple[int, int] = (512, 512)
    decoding: EmbeddingClusterSpec = field(default_factory=EmbeddingClusterSpec)
    options: Mapping[str, Any] = field(default_factory=dict)
    channel_order: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    license: str | None = None
    training_data: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    source: str | None = None

    def __post_init__(self) -> None:
        if not self.architecture:
            raise ValueError("architecture must name a network of hrnet.models.list_models('instance embedding')")
        if min(self.input_size) < 32 or any(side % 32 for side in self.input_size):
            raise ValueError(f"input_size is (height, width), both multiples of 32 pixels, got {self.input_size}")
        check_normalization(self.mean, self.std)

    @property
    def num_outputs(self) -> int:
        """Foreground logits of the network: one per class."""
        return self.class_set.num_classes

    def to_json(self, indent: int | None = None) -> str:
        """Return strict JSON that `from_json` reads. Raises ValueError for a metric that is not finite."""
        return card_to_json(self, indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> InstanceEmbeddingCard:
        """Read a card. Raises CheckpointError as `PoseCard.from_json` does."""
        return card_from_json(cls, text)
