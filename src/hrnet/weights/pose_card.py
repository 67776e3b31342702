"""What has to be known about a top-down pose or face checkpoint beside its numbers, kept inside the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from hrnet.codecs import CodecSpec
from hrnet.structures import KeypointSet
from hrnet.weights.model_card import ModelCard

CARD_KEY = "hrnet.card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class PoseCard(ModelCard):
    """Everything that is needed to use a pose checkpoint as it was trained.

    Attributes:
        keypoint_set: the keypoints, in the order of the outputs.
        codec: how heatmaps are read, and the size of the network's input.
        padding: factor by which a person's box grows before it is cropped.
        flip_test: whether published or stated metrics average over the mirrored picture.
        others: of `ModelCard`; mean and deviation are 0 and 1 for the hourglasses.
    """

    keypoint_set: KeypointSet
    codec: CodecSpec = field(default_factory=CodecSpec)
    padding: float = 1.25
    flip_test: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.padding < float("inf"):
            raise ValueError(f"padding must be positive, got {self.padding}")

    @property
    def num_outputs(self) -> int:
        """Channels of the network's output: one per keypoint, three with the ``udp_combined`` codec."""
        return self.keypoint_set.num_keypoints * channels_per_keypoint(self.codec)


def channels_per_keypoint(codec: CodecSpec) -> int:
    """How many output channels ``codec`` reads for one keypoint."""
    return 3 if codec.name == "udp_combined" else 1
