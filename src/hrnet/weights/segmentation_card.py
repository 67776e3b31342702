"""What has to be known about a segmentation checkpoint beside its numbers, kept inside the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hrnet.structures.class_set import ClassSet
from hrnet.weights.model_card import ModelCard

SEGMENTATION_CARD_KEY = "hrnet.segmentation_card"
"""Under this key the JSON of a card lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class SegmentationTest:
    """How pictures are brought to the network, and in how many passes.

    Attributes:
        size_rule: what becomes of a picture at scale s. ``long_side``: the long side has ``base_size * s`` pixels, rounded.
            ``short_side``: the short side has. ``stretch``: it is resized to the crop size times s, whatever its
            proportions (LIP). ``own``: s times its own size, whatever ``base_size`` says.
        base_size: pixels at scale 1.
        windows: which parts of the resized picture the network sees. ``whole``: all of it in one pass. ``two_thirds``: windows
            of the crop size at every two thirds of it, the last ones padded; a picture that is no larger than the smaller crop
            side is padded and seen once. ``two_thirds_inside``: the same steps, the last ones moved back inside (OpenMMLab).
            ``shifted``: all of it for s <= 1, otherwise windows side by side, the last ones moved back inside (Cityscapes).
        scales: of which the scores are added.
        pad_multiple: a picture seen whole is padded to the right and below until both sides are multiples of this; 1 for none.
        window_size: (height, width) of windows, where it is not the crop size.
        combination: what is averaged over windows and scales: ``exp`` of the logits (the authors), or ``logits`` (OpenMMLab).
    """

    size_rule: Literal["long_side", "short_side", "stretch", "own"] = "long_side"
    base_size: int = 2048
    windows: Literal["whole", "two_thirds", "two_thirds_inside", "shifted"] = "whole"
    scales: tuple[float, ...] = (1.0,)
    pad_multiple: int = 1
    window_size: tuple[int, int] | None = None
    combination: Literal["exp", "logits"] = "exp"

    def __post_init__(self) -> None:
        if self.base_size < 1 or self.pad_multiple < 1:
            raise ValueError(f"base_size and pad_multiple must be positive, got {self.base_size} and {self.pad_multiple}")
        if self.window_size is not None and min(self.window_size) < 1:
            raise ValueError(f"window_size must be positive, got {self.window_size}")
        if not self.scales or not all(0 < scale < float("inf") for scale in self.scales):
            raise ValueError(f"scales must be one or several positive numbers, got {self.scales}")


@dataclass(frozen=True)
class SegmentationCard(ModelCard):
    """Everything that is needed to use a segmentation checkpoint as it was trained.

    Attributes:
        options: for `hrnet.models.build_model`; ``align_corners`` is one of the options.
        class_set: the classes, in the order of the outputs.
        crop_size: (height, width) that it was trained at, and of windows.
        test: how whole pictures are brought to the network.
        flip_test: whether published or stated metrics average over the mirrored picture.
        others: of `ModelCard`.
    """

    class_set: ClassSet
    crop_size: tuple[int, int] = (512, 1024)
    test: SegmentationTest = field(default_factory=SegmentationTest)
    options: Mapping[str, Any] = field(default_factory=dict)
    flip_test: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.crop_size) < 32:
            raise ValueError(f"crop_size is (height, width) of at least 32 pixels each, got {self.crop_size}")

    @property
    def num_outputs(self) -> int:
        """Channels of the network's output: one per class."""
        return self.class_set.num_classes

    @property
    def align_corners(self) -> bool:
        """How outputs are resized to pictures: as the network resizes its branches; by default True with the OCR head alone."""
        return bool(self.options.get("align_corners", self.architecture.endswith("_ocr")))
