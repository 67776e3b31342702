"""What has to be known about a classifier beside its numbers, kept inside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hrnet.weights.model_card import ModelCard

CLASSIFICATION_CARD_KEY = "hrnet.classification_card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class ClassificationCard(ModelCard):
    """Everything that is needed to use a classifier as it was trained.

    Attributes:
        options: for `hrnet.models.build_model`.
        num_classes: C, outputs of the network.
        classes: the C names, in the order of the outputs; None where nobody knows them.
        input_size: (height, width) of the network's input.
        crop_share: share of a picture's shorter side that is in the input; see `hrnet.data.resampling.center_crop`.
        interpolation: how pictures are resized.
        flip_test: whether published or stated metrics average over the mirrored picture.
        others: of `ModelCard`.
    """

    num_classes: int
    classes: tuple[str, ...] | None = None
    input_size: tuple[int, int] = (224, 224)
    crop_share: float = 0.875
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    options: Mapping[str, Any] = field(default_factory=dict)
    flip_test: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_classes < 1:
            raise ValueError(f"num_classes must be at least 1, got {self.num_classes}")
        if self.classes is not None and len(self.classes) != self.num_classes:
            raise ValueError(f"there are {self.num_classes} outputs, but {len(self.classes)} names of classes")
        check_input(self.input_size, self.crop_share)

    @property
    def num_outputs(self) -> int:
        """Outputs of the network: one for each class."""
        return self.num_classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C names, ``"class 207"`` and so on where nobody knows them."""
        return self.classes or tuple(f"class {number}" for number in range(self.num_classes))


def check_input(input_size: tuple[int, int], crop_share: float) -> None:
    """Raise ValueError for an input that is too small for a network, or a share outside 0..1."""
    if min(input_size) < 32:
        raise ValueError(f"input_size is (height, width) of at least 32 pixels, got {input_size}")
    if not 0 < crop_share <= 1:
        raise ValueError(f"crop_share must be above 0 and at most 1, got {crop_share}")
