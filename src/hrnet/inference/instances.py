"""From pictures to masks of the instances in them, by networks with an embedding for every pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from hrnet.data.instance_samples import fit_matrix
from hrnet.geometry import invert_affine, warp
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.picture_predictor import PicturePredictor
from hrnet.inference.presets import find_preset
from hrnet.models.embedding_hrnet import EmbeddingHRNet
from hrnet.structures.class_set import ClassSet
from hrnet.structures.instance_result import InstanceResult
from hrnet.tasks.instance_embedding import InstanceEmbedding
from hrnet.weights.instance_card import InstanceEmbeddingCard


def build_instance_predictor(
    network: EmbeddingHRNet,
    card: InstanceEmbeddingCard,
    *,
    name: str = "instances",
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    min_score: float = 0.0,
    announce: Callable[[str], None] | None = None,
) -> InstancePredictor:
    """A predictor from a network with an embedding per pixel and its card.

    Args:
        name: for summaries.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        preset: says in which precision the network runs. None has a flip test: embeddings of a mirrored picture are others.
        batch_size: pictures per pass; 8 on a GPU, 1 on a CPU where it is not given.
        min_score: instances that score less are left out.
        announce: called with one sentence per fallback; a warning by default.

    Raises:
        ValueError: an unknown preset or device, a score out of range, or a network that does not fit the card.
    """
    place = resolve_device(device)
    if not isinstance(network, EmbeddingHRNet) or network.num_classes != card.num_outputs:
        given = f"{network.num_classes} classes" if isinstance(network, EmbeddingHRNet) else type(network).__name__
        raise ValueError(
            f"the card is for an EmbeddingHRNet of {card.num_outputs} classes ({card.class_set.name}), the network has {given}"
        )
    prepared = prepare_network(network, place, find_preset(preset).reduced_precision, announce or warn)
    assert isinstance(prepared, EmbeddingHRNet)
    return InstancePredictor(
        InstanceEmbedding(prepared, card).to(place).eval(),
        batch_size=batch_size_for(place, batch_size, on_cpu=1, elsewhere=8),
        min_score=min_score,
        name=name,
    )


class InstancePredictor(PicturePredictor[InstanceResult]):
    """Finds the instances of a picture, with masks. Build one with `hrnet.load`.

    Args:
        task: network and card, on its device.
        batch_size: pictures per pass.
        min_score: instances that score less are left out.
        name: for summaries.
    """

    def __init__(self, task: InstanceEmbedding, batch_size: int = 1, min_score: float = 0.0, name: str = "instances") -> None:
        super().__init__(name, batch_size)
        if not 0 <= min_score <= 1:
            raise ValueError(f"min_score must lie within 0..1, got {min_score}")
        self.task = task
        self.min_score = min_score

    @property
    def class_set(self) -> ClassSet:
        """Names of the classes."""
        return self.task.card.class_set

    def predict_pictures(self, images: Sequence[np.ndarray]) -> list[InstanceResult]:
        """Instances of pictures (H, W, 3) RGB uint8 of any sizes, best first, in pixels of each; B pictures at a time."""
        results: list[InstanceResult] = []
        for start in range(0, len(images), self.batch_size):
            results += self._predict(images[start : start + self.batch_size])
        return results

    @torch.inference_mode()
    def _predict(self, images: Sequence[np.ndarray]) -> list[InstanceResult]:
        size = self.task.card.input_size
        matrices = [fit_matrix((image.shape[0], image.shape[1]), size) for image in images]
        inputs = np.stack([warp(image, matrix, size) for image, matrix in zip(images, matrices, strict=True)])
        maps = self.task.maps(torch.from_numpy(inputs).to(next(self.task.network.parameters()).device))
        sizes = [[image.shape[0], image.shape[1]] for image in images]
        placements = self.task.placements(maps, size, invert_affine(np.stack(matrices)), sizes)
        found = self.task.decode(maps, placements)
        return [result[result.scores >= self.min_score] for result in found]
