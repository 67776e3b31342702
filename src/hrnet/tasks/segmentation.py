"""Semantic segmentation: a picture in, a class for every pixel out, and the losses in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hrnet.losses.segmentation import HardPixelCrossEntropy, PixelCrossEntropy, SegmentationLoss, resize_logits
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.models.seg_hrnet_ocr import OCRLogits, SegHRNetOCR
from hrnet.models.variants import build_model, list_models
from hrnet.tasks.normalization import PictureNormalization
from hrnet.tasks.task import Batch, Task, Validated
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry
from hrnet.weights.segmentation_card import SEGMENTATION_CARD_KEY, SegmentationCard

SegmentationNetwork = SegHRNet | SegHRNetOCR
"""Networks that give each pixel a class."""


@dataclass(frozen=True)
class PixelLossSettings:
    """Parts of the loss; the defaults are those of HRNet on Cityscapes, without its class weights.

    Attributes:
        kind: ``cross_entropy`` of all pixels, or of the ``hard_pixels`` alone (OHEM).
        hard_threshold, hard_min_kept: of the hard pixels, see `HardPixelCrossEntropy`.
        class_weights: a factor for each class; ``published`` for those of the data set's trainings; ``median_frequency`` for
            those that the training labels suggest (Eigen and Fergus, ICCV 2015, section 6.3.2); None for 1 each.
        class_weight_power: the weights are raised to it; 0.5 halves their spread.
        auxiliary_weight: of OCR's rough segmentation.
        dice_weight: of a Dice loss in addition.
    """

    kind: Literal["cross_entropy", "hard_pixels"] = "cross_entropy"
    hard_threshold: float = 0.9
    hard_min_kept: int = 131072
    class_weights: tuple[float, ...] | Literal["published", "median_frequency"] | None = None
    class_weight_power: float = 1.0
    auxiliary_weight: float = 0.4
    dice_weight: float = 0.0


class FoundPixels(NamedTuple):
    """What was found in a validation picture.

    Attributes:
        pairs, counts: (N,) the entries of its confusion matrix that are not 0, ``true class * C + predicted class``, and how
            many pixels they stand for.
        classes: (H, W) the prediction, of the pictures that are drawn.
    """

    pairs: NDArray[np.int32]
    counts: NDArray[np.int64]
    classes: NDArray[np.integer] | None = None

    def confusion(self, num_classes: int) -> NDArray[np.int64]:
        """The matrix (C, C), rows by true class."""
        matrix = np.zeros(num_classes * num_classes, np.int64)
        matrix[self.pairs] = self.counts
        return matrix.reshape(num_classes, num_classes)


def build_segmentation_network(card: SegmentationCard) -> SegmentationNetwork:
    """Build the network that ``card`` describes, with fresh weights.

    Raises:
        ValueError: there is no such network, or it is none for segmentation; the message names some that are.
    """
    network = build_model(card.architecture, card.num_outputs, **card.options)
    if not isinstance(network, SegmentationNetwork):
        names = list_models("segmentation")
        raise ValueError(f"{card.architecture} is no network for segmentation; such are {', '.join(names[:4])} ...")
    return network


class Segmentation(Task):
    """A segmentation network together with all that is needed to train it and to read its outputs.

    Args:
        network: pictures (B, 3, H, W), normalised, to logits at a quarter of the size.
        card: classes, normalisation, and how outputs are resized.
        loss: what it is trained with; weights by name must have been looked up.
        drawn: of the first ``drawn`` validation pictures the predictions are kept.
    """

    def __init__(
        self, network: SegmentationNetwork, card: SegmentationCard, loss: PixelLossSettings | None = None, drawn: int = 0
    ) -> None:
        super().__init__()
        loss = loss or PixelLossSettings()
        self.network = network
        self.card = card
        self.drawn = drawn
        self.normalization = PictureNormalization(card.mean, card.std, card.channel_order)
        self.loss = _loss(loss, card)

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 RGB pictures (B, H, W, 3) to network inputs (B, 3, H, W), channels last in memory."""
        return self.normalization(images, next(self.network.parameters()).dtype)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a batch of `hrnet.data.segmentation_samples.SegmentationSample`."""
        return self.loss(self.network(self.normalize(batch["image"])), batch["label"])

    def logits(self, images: Tensor) -> Tensor:
        """Logits (B, C, h, w) of uint8 pictures (B, H, W, 3), averaged with those of the mirrored pictures on the flip test."""
        inputs = self.normalize(images)
        plain = _last(self.network(inputs)).float()
        if not self.card.flip_test:
            return plain
        mirrored = _last(self.network(inputs.flip(-1))).float().flip(-1)
        return (plain + mirrored[:, list(self.card.class_set.flip_indices)]) / 2

    def validate(self, batch: Batch) -> Validated:
        """The loss of the output that is used, and by index what was found, at the size of the label map."""
        logits = self.logits(batch["image"])
        label = batch["label"].long()
        at_label = self._resize_to_labels(logits, batch["image"].shape[1:3], batch["shown"], label.shape[-2:])
        classes = at_label.argmax(1)
        found = {
            int(index): self._found(int(index), classes[row], label[row]) for row, index in enumerate(batch["index"].tolist())
        }
        return Validated({"total": self.loss.pixels(at_label, label)}, found)

    def texts(self) -> dict[str, str]:
        card = self.card
        entry = NetworkEntry(card.architecture, card.num_outputs, card.options, card.source)
        return {NETWORK_KEY: entry.to_json(), SEGMENTATION_CARD_KEY: card.to_json()}

    def _resize_to_labels(self, logits: Tensor, inputs: Any, shown: Tensor, labels: Any) -> Tensor:
        """Logits (B, C, h, w) to the size of the label maps; what is padding of an input (height, width) is cut off first."""
        aligned = self.card.align_corners
        if bool((shown == torch.tensor(inputs, device=shown.device)).all()):
            return resize_logits(logits, labels, aligned)
        whole = resize_logits(logits, inputs, aligned)
        rows = [one[None, :, :height, :width] for one, (height, width) in zip(whole, shown.tolist(), strict=True)]
        return torch.cat([resize_logits(one, labels, aligned) for one in rows])

    def _found(self, index: int, classes: Tensor, label: Tensor) -> FoundPixels:
        count = self.card.num_outputs
        labelled = label != self.card.class_set.ignore_label
        pixels = torch.bincount(label[labelled] * count + classes[labelled], minlength=count * count)
        pairs = pixels.nonzero()[:, 0]
        counts = pixels[pairs].cpu().numpy()
        kept = classes.to(torch.uint8 if count <= 256 else torch.int32).cpu().numpy() if index < self.drawn else None
        return FoundPixels(pairs.to(torch.int32).cpu().numpy(), counts, kept)


def _last(outputs: Tensor | OCRLogits) -> Tensor:
    return outputs if isinstance(outputs, Tensor) else outputs.out


def _loss(settings: PixelLossSettings, card: SegmentationCard) -> SegmentationLoss:
    classes = card.class_set
    weights = settings.class_weights
    if isinstance(weights, str):
        raise ValueError(f"class weights must be numbers here, got {weights!r}")
    if weights is not None:
        if len(weights) != classes.num_classes or not all(0 <= weight < float("inf") for weight in weights):
            expected = f"{classes.num_classes} numbers of at least 0 for {classes.name!r}"
            raise ValueError(f"loss.class_weights must be {expected}, got {list(weights)}")
        weights = tuple(weight**settings.class_weight_power for weight in weights)
    if settings.kind == "hard_pixels":
        pixels: PixelCrossEntropy = HardPixelCrossEntropy(
            settings.hard_threshold, settings.hard_min_kept, weights, classes.ignore_label
        )
    else:
        pixels = PixelCrossEntropy(weights, classes.ignore_label)
    return SegmentationLoss(pixels, settings.auxiliary_weight, settings.dice_weight, card.align_corners)
