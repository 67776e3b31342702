"""What has to be known about a checkpoint for instance segmentation beside its numbers, kept inside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hrnet.codecs.embedding_clusters import EmbeddingClusterSpec
from hrnet.structures.class_set import ClassSet
from hrnet.weights.model_card import ModelCard

INSTANCE_CARD_KEY = "hrnet.instance_card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class InstanceEmbeddingCard(ModelCard):
    """Everything that is needed to use a checkpoint for instance segmentation by embeddings as it was trained.

    Attributes:
        options: for `hrnet.models.build_model`.
        class_set: the classes, without the background, in the order of the foreground logits.
        input_size: (height, width) that pictures are fitted into.
        decoding: how instances are found in the maps.
        others: of `ModelCard`.
    """

    class_set: ClassSet
    input_size: tuple[int, int] = (512, 512)
    decoding: EmbeddingClusterSpec = field(default_factory=EmbeddingClusterSpec)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.input_size) < 32 or any(side % 32 for side in self.input_size):
            raise ValueError(f"input_size is (height, width), both multiples of 32 pixels, got {self.input_size}")

    @property
    def num_outputs(self) -> int:
        """Foreground logits of the network: one per class."""
        return self.class_set.num_classes
