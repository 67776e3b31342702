"""Image classification: a picture in, one score per class out, and the loss in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hrnet.losses.classification import Mixing, classification_loss, mix_pictures
from hrnet.metrics.classification import ranks_of
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.models.variants import build_model, list_models
from hrnet.tasks.freezing import freeze_parts, keep_in_evaluation
from hrnet.tasks.normalization import PictureNormalization
from hrnet.tasks.task import Batch, Task, Validated
from hrnet.weights.classification_card import CLASSIFICATION_CARD_KEY, ClassificationCard
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry


class ClassFound(NamedTuple):
    """What a validation picture was taken for.

    Attributes:
        predicted: number of the best class.
        score: its score in 0..1.
        rank: how many classes were better than the true one; 0 where it is the best.
    """

    predicted: int
    score: float
    rank: int


def build_classification_network(card: ClassificationCard) -> ClsHRNet:
    """Build the network that ``card`` describes, with fresh weights.

    Raises:
        ValueError: there is no such network, or it is none for classification; the message names some that are.
    """
    network = build_model(card.architecture, card.num_outputs, **card.options)
    if not isinstance(network, ClsHRNet):
        names = ", ".join(list_models("image classification")[:4])
        raise ValueError(f"{card.architecture} is no network for classification; such are {names} ...")
    return network


class ImageClassification(Task):
    """A classifier together with all that is needed to train it and to read its outputs.

    Args:
        network: pictures (B, 3, H, W), normalised, to logits (B, C).
        card: classes and normalisation.
        mixing: of pictures in training.
        label_smoothing: in training, 0..1.
        freeze: parts of the body that training leaves as they are, of `hrnet.models.backbone.FREEZABLE_PARTS`.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        card: ClassificationCard,
        mixing: Mixing | None = None,
        label_smoothing: float = 0.0,
        freeze: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.card = card
        self.mixing = mixing or Mixing()
        self.label_smoothing = label_smoothing
        self.normalization = PictureNormalization(card.mean, card.std, card.channel_order)
        self.frozen = freeze_parts(network, freeze)
        self.train(self.training)

    def train(self, mode: bool = True) -> ImageClassification:
        """Switch between training and evaluation; what is frozen stays in evaluation."""
        super().train(mode)
        keep_in_evaluation(self.frozen)
        return self

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 RGB pictures (B, H, W, 3) to network inputs (B, 3, H, W), channels last in memory."""
        return self.normalization(images, next(self.network.parameters()).dtype)

    def logits(self, images: Tensor, flip_test: bool = False) -> Tensor:
        """(B, C) float32 of uint8 pictures (B, H, W, 3), averaged with those of the mirrored pictures on ``flip_test``."""
        inputs = self.normalize(images)
        if not flip_test:
            return self.network(inputs).float()
        plain, mirrored = self.network(torch.cat([inputs, inputs.flip(-1)])).float().chunk(2)
        return (plain + mirrored) / 2

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a batch of `hrnet.data.classification_samples.ClassificationSample`."""
        inputs, labels = self.normalize(batch["image"]), batch["label"]
        mixed, targets = mix_pictures(inputs, labels, self.card.num_classes, self.mixing, int(batch["mixing_seed"][0]))
        return {"total": classification_loss(self.network(mixed), targets, self.label_smoothing)}

    def validate(self, batch: Batch) -> Validated:
        """Loss without smoothing, and by index a `ClassFound`."""
        labels = batch["label"]
        logits = self.logits(batch["image"], self.card.flip_test)
        ranks = ranks_of(logits.detach().cpu().numpy(), labels.cpu().numpy())
        best = logits.softmax(-1).max(-1)
        columns = (best.indices.tolist(), best.values.tolist(), ranks.tolist())
        found = {index: ClassFound(*row) for index, *row in zip(batch["index"].tolist(), *columns, strict=True)}
        return Validated({"total": classification_loss(logits, labels)}, found)

    def texts(self) -> dict[str, str]:
        card = self.card
        entry = NetworkEntry(card.architecture, card.num_outputs, dict(card.options), card.source)
        return {NETWORK_KEY: entry.to_json(), CLASSIFICATION_CARD_KEY: card.to_json()}
