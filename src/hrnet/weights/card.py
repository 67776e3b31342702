"""What has to be known about a pose checkpoint beside its numbers, kept inside the file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from hrnet.codecs import CodecSpec
from hrnet.errors import CheckpointError, nearest_name
from hrnet.structures import KeypointSet

CARD_KEY = "hrnet.card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""

CARD_FORMAT = 1
"""Raised when an older reader would misunderstand a card."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Card = TypeVar("Card")


@dataclass(frozen=True)
class PoseCard:
    """Everything that is needed to use a pose checkpoint as it was trained.

    Attributes:
        architecture: name for `hrnet.models.build_model`.
        keypoint_set: the keypoints, in the order of the outputs.
        codec: how heatmaps are read, and the size of the network's input.
        channel_order: of the network's input; pictures are RGB and are turned round for a network trained on BGR.
        mean, std: of the input's channels, in that order, in 0..1 units; ImageNet's by default, 0 and 1 for the hourglasses.
        padding: factor by which a person's box grows before it is cropped.
        flip_test: whether published or stated metrics average over the mirrored picture.
        license, training_data: as the source states them; None when it does not.
        metrics: name to value, such as ``{"PCK@0.2": 75.3}``.
        source: where the weights come from, free text.
    """

    architecture: str
    keypoint_set: KeypointSet
    codec: CodecSpec = field(default_factory=CodecSpec)
    channel_order: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    padding: float = 1.25
    flip_test: bool = True
    license: str | None = None
    training_data: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    source: str | None = None

    def __post_init__(self) -> None:
        if not self.architecture:
            raise ValueError("architecture must name a network of hrnet.models.list_models()")
        check_normalization(self.mean, self.std)
        if not 0 < self.padding < float("inf"):
            raise ValueError(f"padding must be positive, got {self.padding}")

    @property
    def num_outputs(self) -> int:
        """Channels of the network's output: one per keypoint, three with the ``udp_combined`` codec."""
        return self.keypoint_set.num_keypoints * channels_per_keypoint(self.codec)

    def to_json(self, indent: int | None = None) -> str:
        """Return strict JSON that `from_json` reads. Raises ValueError for a metric that is not finite."""
        return card_to_json(self, indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> PoseCard:
        """Read a card.

        Raises:
            CheckpointError: no JSON object, a newer format, an unknown field (the message names the nearest), a missing
                field or a value of the wrong type.
        """
        return card_from_json(cls, text)


def channels_per_keypoint(codec: CodecSpec) -> int:
    """How many output channels ``codec`` reads for one keypoint."""
    return 3 if codec.name == "udp_combined" else 1


def check_normalization(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Raises ValueError for numbers that pictures cannot be normalised with."""
    if not all(abs(value) < float("inf") for value in mean):
        raise ValueError(f"mean must be finite, got {mean}")
    if not all(0 < value < float("inf") for value in std):
        raise ValueError(f"std must be positive, got {std}")


def card_to_json(card: Any, indent: int | None = None) -> str:
    """Strict JSON of a card of any task. Raises ValueError for a number that is not finite."""
    return json.dumps({"format": CARD_FORMAT, **dataclasses.asdict(card)}, indent=indent, allow_nan=False)


def card_from_json(kind: type[Card], text: str | bytes) -> Card:
    """Read a card of the dataclass ``kind``. Raises CheckpointError as `PoseCard.from_json` says."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"the model card is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"the model card must be a JSON object, got {type(data).__name__}")
    version = data.pop("format", None)
    if not isinstance(version, int) or version < 1:
        raise CheckpointError(f"the model card states no format (expected 'format': {CARD_FORMAT}), got {version!r}")
    if version > CARD_FORMAT:
        raise CheckpointError(
            f"the model card has format {version}, this version of hrnet reads up to {CARD_FORMAT}: upgrade hrnet"
        )
    _refuse_unknown_fields(data, kind)
    try:
        return TypeAdapter(kind).validate_json(json.dumps(data))  # as JSON, so that lists become tuples but "1" no number
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "model card"
        raise CheckpointError(f"the model card is not sound: {place}: {first['msg']}") from error


def _refuse_unknown_fields(data: Mapping[str, Any], kind: type, prefix: str = "") -> None:
    known = get_type_hints(kind)
    for name, value in data.items():
        if name not in known:
            raise CheckpointError(f"the model card has an unknown field {prefix + name!r}; {nearest_name(name, known)}")
        if dataclasses.is_dataclass(known[name]) and isinstance(value, dict):
            _refuse_unknown_fields(value, known[name], f"{prefix}{name}.")
