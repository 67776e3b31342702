"""From pictures to classes: takes their middles, runs the network on batches of them, and names what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from hrnet.data.resampling import center_crop
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.picture_predictor import PicturePredictor
from hrnet.inference.presets import find_preset
from hrnet.structures.classification_result import ClassificationResult
from hrnet.tasks.classification import ImageClassification
from hrnet.weights.classification_card import ClassificationCard


class ClassificationPredictor(PicturePredictor[ClassificationResult]):
    """Says which class pictures are of.

    Args:
        task: network and card, on its device.
        flip_test: average with the mirrored picture.
        batch_size: pictures per pass.
        name: for summaries.
    """

    def __init__(
        self, task: ImageClassification, flip_test: bool = False, batch_size: int = 8, name: str = "classification"
    ) -> None:
        super().__init__(name, batch_size)
        self.task = task
        self.flip_test = flip_test

    @property
    def card(self) -> ClassificationCard:
        """What is known about the network."""
        return self.task.card

    @property
    def classes(self) -> tuple[str, ...]:
        """The C names; numbers where ``card.classes`` is None."""
        return self.card.class_names

    @torch.inference_mode()
    def predict_pictures(self, images: Sequence[np.ndarray]) -> list[ClassificationResult]:
        """Results of pictures (H, W, 3) RGB uint8, of any sizes, in order; ``batch_size`` of them go through together."""
        card, names = self.card, self.classes
        results = []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size]
            views = np.stack([center_crop(image, card.input_size, card.crop_share, card.interpolation) for image in batch])
            pixels = torch.from_numpy(views).to(self.task.normalization.mean.device)
            logits = self.task.logits(pixels, self.flip_test).cpu().numpy()
            results += [
                ClassificationResult(row, names, image.shape[:2], named=card.classes is not None)
                for row, image in zip(logits, batch, strict=True)
            ]
        return results


def build_classification_predictor(
    network: nn.Module,
    card: ClassificationCard,
    *,
    name: str | None = None,
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    announce: Callable[[str], None] | None = None,
) -> ClassificationPredictor:
    """Make a predictor of a network and its card.

    Args:
        name: for summaries; the architecture's where it is not given.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        preset: ``fast``, ``balanced`` and ``accurate`` as for pose; ``published`` averages with the mirrored picture only if
            the card says so, which published classifiers do not.
        batch_size: pictures per pass; 32 on a GPU, 8 on a CPU where it is not given.
        announce: called with one sentence per fallback.

    Raises:
        ValueError: an unknown preset, or a device that is not there.
    """
    chosen = find_preset(preset)
    place = resolve_device(device)
    prepared = prepare_network(network, place, chosen.reduced_precision, announce)
    task = ImageClassification(prepared, card).to(place).eval()
    return ClassificationPredictor(
        task,
        flip_test=card.flip_test if preset == "published" else chosen.flip_test,
        batch_size=batch_size_for(place, batch_size, on_cpu=8, elsewhere=32),
        name=name or card.architecture,
    )
