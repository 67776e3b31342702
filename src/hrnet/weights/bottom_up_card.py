"""What has to be known about a bottom-up pose checkpoint beside its numbers, kept inside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hrnet.codecs.associative_embedding import AssociativeEmbeddingSpec
from hrnet.structures import KeypointSet
from hrnet.weights.model_card import ModelCard

BOTTOM_UP_CARD_KEY = "hrnet.bottom_up_card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class BottomUpCard(ModelCard):
    """Everything that is needed to use a bottom-up pose checkpoint as it was trained.

    Attributes:
        options: for `hrnet.models.build_model`.
        keypoint_set: the keypoints, in the order of the outputs.
        input_size: side in pixels that pictures are brought to.
        size_rule: which side, and how the rest is padded: the short one (`place_picture`, HigherHRNet), or the long one, into
            a square (`place_square`, the hourglass).
        decoding: how people are found in the maps.
        flip_test: whether published or stated metrics average over the mirrored picture.
        others: of `ModelCard`.
    """

    keypoint_set: KeypointSet
    input_size: int = 512
    size_rule: Literal["short_side", "square"] = "short_side"
    decoding: AssociativeEmbeddingSpec = field(default_factory=AssociativeEmbeddingSpec)
    options: Mapping[str, Any] = field(default_factory=dict)
    flip_test: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_size < 32:
            raise ValueError(f"input_size is a side of at least 32 pixels, got {self.input_size}")

    @property
    def num_outputs(self) -> int:
        """Heatmaps of the network: one per keypoint, and one for the centre of people where it predicts that."""
        return self.keypoint_set.num_keypoints + self.decoding.has_center_joint

    @property
    def flip_indices(self) -> tuple[int, ...]:
        """For each of the network's heatmaps the one it becomes in a mirror."""
        flip = self.keypoint_set.flip_indices
        return (*flip, len(flip)) if self.decoding.has_center_joint else flip
