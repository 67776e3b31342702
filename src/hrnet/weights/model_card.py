"""What has to be known about a checkpoint of any task beside its numbers, kept inside the file."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from hrnet.errors import CheckpointError, nearest_name

CARD_FORMAT = 1
"""Raised when an older reader would misunderstand a card."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

CardT = TypeVar("CardT", bound="ModelCard")


@dataclass(frozen=True)
class ModelCard(ABC):
    """What the cards of all tasks say; each task's card adds how its outputs are read.

    Attributes:
        architecture: name for `hrnet.models.build_model`.
        channel_order: of the network's input; pictures are RGB and are turned round for a network trained on BGR.
        mean, std: of the input's channels, in that order, in 0..1 units; ImageNet's by default.
        license, training_data: as the source states them; None when it does not.
        metrics: name to value, such as ``{"PCK@0.2": 75.3}``.
        source: where the weights come from, free text.
    """

    architecture: str
    _: KW_ONLY
    channel_order: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    license: str | None = None
    training_data: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    source: str | None = None

    def __post_init__(self) -> None:
        if not self.architecture:
            raise ValueError("architecture must name a network of hrnet.models.list_models()")
        if not all(abs(value) < float("inf") for value in self.mean):
            raise ValueError(f"mean must be finite, got {self.mean}")
        if not all(0 < value < float("inf") for value in self.std):
            raise ValueError(f"std must be positive, got {self.std}")

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """Channels of the network's output, which `hrnet.models.build_model` wants to know."""

    def to_json(self, indent: int | None = None) -> str:
        """Return strict JSON that `from_json` reads. Raises ValueError for a number that is not finite."""
        return json.dumps({"format": CARD_FORMAT, **dataclasses.asdict(self)}, indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls: type[CardT], text: str | bytes) -> CardT:
        """Read a card.

        Raises:
            CheckpointError: no JSON object, a newer format, an unknown field (the message names the nearest), a missing
                field or a value of the wrong type.
        """
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
        _refuse_unknown_fields(data, cls)
        try:
            return TypeAdapter(cls).validate_json(json.dumps(data))  # as JSON, so that lists become tuples but "1" no number
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
