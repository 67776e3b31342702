"""From whole pictures to the class of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Literal

import numpy as np
import torch
from torch import nn

from hrnet.errors import nearest_name
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.class_scores import ClassScores, Combination
from hrnet.inference.picture_predictor import PicturePredictor
from hrnet.inference.presets import find_preset
from hrnet.inference.segmentation_acceleration import accelerate_segmentation
from hrnet.inference.segmentation_passes import SegmentationPasses
from hrnet.inference.windows import LARGEST_VIEW, View, view_of, wanted_size
from hrnet.structures.class_set import ClassSet
from hrnet.structures.segmentation_result import SegmentationResult, class_map_dtype
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest

KeptScores = Literal["none", "winner", "all"]
Resolution = Literal["trained", "own"]

CPU_PIXELS_PER_PASS = 2_800_000  # a picture of 1024 x 2048, and a third more
GPU_PIXELS_PER_PASS = 4_200_000


def build_segmentation_predictor(
    network: nn.Module,
    card: SegmentationCard,
    *,
    name: str = "segmentation",
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    scales: Sequence[float] | None = None,
    resolution: Resolution = "trained",
    scores: KeptScores = "none",
    announce: Callable[[str], None] | None = None,
) -> SegmentationPredictor:
    """A predictor from a segmentation network and its card.

    Args:
        name: for summaries.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        preset: ``fast`` (no mirrored picture), ``balanced``, ``accurate`` (float32): the whole picture, in tiles where it is
            too large for one pass. ``published``: float32, with the windows, scales and mirrored pictures of the card's test.
        batch_size: pictures that are taken together; those of one size share passes. 4 on a GPU, 1 on a CPU where it is not
            given.
        scales: of the picture that the network looks at, instead of 1, or of the card's with ``published``.
        resolution: ``trained``: pictures are brought to the size that the card's test says; ``own``: they stay as they are.
        scores: what results keep beside the classes: nothing, the share of the ``winner``, or of ``all`` classes.
        announce: called with one sentence per fallback; a warning by default.

    Raises:
        ValueError: an unknown preset, device, resolution or kind of scores; scales out of range; a network with another number
            of classes than the card.
    """
    announce = announce or warn
    chosen = find_preset(preset)
    place = resolve_device(device)
    outputs = getattr(network, "num_classes", card.num_outputs)
    if outputs != card.num_outputs:
        raise ValueError(f"the card is for {card.num_outputs} classes ({card.class_set.name}), the network has {outputs}")
    if resolution not in ("trained", "own"):
        raise ValueError(f"there is no resolution {resolution!r}; {nearest_name(str(resolution), ('trained', 'own'))}")
    published = preset == "published"
    test = card.test if published else replace(card.test, windows="whole", scales=(1.0,), pad_multiple=1)
    if scales is not None:
        test = replace(test, scales=tuple(float(scale) for scale in scales))
    if resolution == "own":
        test = replace(test, size_rule="own")
    return SegmentationPredictor(
        accelerate_segmentation(prepare_network(network, place, chosen.reduced_precision, announce)),
        card,
        test=test,
        flip_test=card.flip_test if published else chosen.flip_test,
        combination=card.test.combination if published else "softmax",
        scores=scores,
        batch_size=batch_size_for(place, batch_size, on_cpu=1, elsewhere=4),
        pixels_per_pass=CPU_PIXELS_PER_PASS if place.type == "cpu" else GPU_PIXELS_PER_PASS,
        name=name,
        announce=announce,
    )


class SegmentationPredictor(PicturePredictor[SegmentationResult]):
    """Gives every pixel of a picture a class. Build one with `hrnet.load`.

    Args:
        network: normalised pictures (B, 3, H, W) to logits (B, C, H / 4, W / 4), prepared for its device.
        card: classes, normalisation, and how maps are resized.
        test: sizes, windows and scales; the card's own where it is not given.
        flip_test: average with the mirrored picture.
        combination: what is averaged over windows and added over scales; ``exp`` is what published tests do.
        scores: what results keep, see `build_segmentation_predictor`.
        batch_size: pictures that are taken together.
        pixels_per_pass: of the network; a larger window goes through it in tiles.
        overlap: pixels that neighbouring tiles share.
        name: for summaries.
        announce: called with one sentence on what was done in place of what was asked; a warning by default.
    """

    def __init__(
        self,
        network: nn.Module,
        card: SegmentationCard,
        *,
        test: SegmentationTest | None = None,
        flip_test: bool = False,
        combination: Combination = "softmax",
        scores: KeptScores = "none",
        batch_size: int = 1,
        pixels_per_pass: int = CPU_PIXELS_PER_PASS,
        overlap: int = 256,
        name: str = "segmentation",
        announce: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name, batch_size)
        for kind, value, known in (
            ("combination", combination, ("exp", "softmax", "logits")),
            ("kind of scores", scores, ("none", "winner", "all")),
        ):
            if value not in known:
                raise ValueError(f"there is no {kind} {value!r}; {nearest_name(str(value), known)}")
        self.card = card
        self.test = test or card.test
        self.combination: Combination = combination
        self.scores: KeptScores = scores
        self._passes = SegmentationPasses(network, card, flip_test, pixels_per_pass, overlap)
        self._announce = announce or warn
        self._reduction_announced = False

    @property
    def class_set(self) -> ClassSet:
        """Names and colours of the C classes."""
        return self.card.class_set

    @property
    def flip_test(self) -> bool:
        """Whether the mirrored picture is looked at as well."""
        return self._passes.flip_test

    @torch.inference_mode()
    def predict_pictures(self, images: Sequence[np.ndarray]) -> list[SegmentationResult]:
        """Classes of the pixels of pictures (H, W, 3) RGB uint8, of any sizes, in order.

        Raises:
            ValueError: the network does not fit the card, or gives NaN or infinity.
        """
        results = []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size]
            results += [self._result(scores) for scores in self._scored(batch)]
        return results

    @torch.inference_mode()
    def class_scores(self, image: np.ndarray) -> ClassScores:
        """The scores of one picture (H, W, 3) RGB uint8, to be read by rows."""
        return self._scored([image])[0]

    def _scored(self, images: Sequence[np.ndarray]) -> list[ClassScores]:
        scales = self.test.scales
        seen = self._passes.scored([(image, self._view(image, scale)) for image in images for scale in scales])
        return [
            ClassScores(
                size=(image.shape[0], image.shape[1]),
                views=seen[index * len(scales) : (index + 1) * len(scales)],
                combination=self.combination,
                align_corners=self.card.align_corners,
            )
            for index, image in enumerate(images)
        ]

    def _view(self, image: np.ndarray, scale: float) -> View:
        height, width = image.shape[:2]
        view = view_of((height, width), self.test, scale, self.card.crop_size)
        wanted = prod(wanted_size((height, width), self.test, scale, self.card.crop_size))
        if wanted > LARGEST_VIEW + 1 and not self._reduction_announced:
            self._reduction_announced = True
            self._announce(
                f"a picture of {width}x{height} pixels would have to be looked at in {wanted / 1e6:.0f} million pixels; "
                f"it is looked at in {view.size[1]}x{view.size[0]}"
            )
        return view

    def _result(self, scores: ClassScores) -> SegmentationResult:
        kept = None
        if self.scores == "all":
            kept = scores.shares()
            classes = kept.max(dim=0).indices
        elif self.scores == "winner":
            classes, kept = scores.classes_with_shares()
        else:
            classes = scores.classes()
        class_map = classes.cpu().numpy().astype(class_map_dtype(self.class_set))
        return SegmentationResult(class_map, self.class_set, scores.size, scores=None if kept is None else kept.cpu().numpy())
