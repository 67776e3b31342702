"""Instance segmentation by associative embedding: a picture in, masks of its instances out, and the losses in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hrnet.codecs.connected_components import ConnectedComponents
from hrnet.codecs.embedding_clusters import EmbeddingClusterDecoder
from hrnet.codecs.found_instances import FoundInstances, MapPlacement
from hrnet.geometry import Floats, compose
from hrnet.losses.pixel_embedding import InstanceTargets, PixelEmbeddingLoss
from hrnet.models.embedding_hrnet import EmbeddingHRNet, EmbeddingMaps
from hrnet.models.variants import build_model
from hrnet.structures.instance_result import InstanceResult
from hrnet.tasks.normalization import PictureNormalization
from hrnet.tasks.task import Batch, Task, Validated
from hrnet.weights.instance_card import INSTANCE_CARD_KEY, InstanceEmbeddingCard
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry


@dataclass(frozen=True)
class EmbeddingLossSettings:
    """Parts of the loss.

    Attributes:
        push: form of the loss that gives instances different embeddings.
        foreground_weight, push_weight, pull_weight: of the parts.
    """

    push: Literal["exp", "max"] = "exp"
    foreground_weight: float = 1.0
    push_weight: float = 1.0
    pull_weight: float = 1.0


class InstancesFound(NamedTuple):
    """What was found in a picture: by clustering embeddings, and, to compare, as connected components of the foreground."""

    clusters: InstanceResult
    components: InstanceResult


def build_embedding_network(card: InstanceEmbeddingCard) -> EmbeddingHRNet:
    """Build the network that ``card`` describes, with fresh weights.

    Raises:
        ValueError: there is no such network, it has no embedding per pixel, or an option is unknown.
    """
    network = build_model(card.architecture, card.num_outputs, **card.options)
    if not isinstance(network, EmbeddingHRNet):
        raise ValueError(
            f"{card.architecture} is no network with an embedding for every pixel; such are embedding_hrnet_w18, "
            "embedding_hrnet_w32, embedding_hrnet_w18_small_v1 ..."
        )
    return network


class InstanceEmbedding(Task):
    """A network with an embedding per pixel, together with all that is needed to train it and to read its outputs.

    Args:
        network: pictures (B, 3, H, W), normalised, to `EmbeddingMaps`.
        card: classes, normalisation and decoding.
        loss: what it is trained by.
    """

    def __init__(self, network: EmbeddingHRNet, card: InstanceEmbeddingCard, loss: EmbeddingLossSettings | None = None) -> None:
        super().__init__()
        loss = loss or EmbeddingLossSettings()
        self.network = network
        self.card = card
        self.decoder = EmbeddingClusterDecoder(card.decoding)
        self.components = ConnectedComponents(card.decoding.foreground_threshold, max_instances=card.decoding.max_instances)
        self.normalization = PictureNormalization(card.mean, card.std, card.channel_order)
        self.loss = PixelEmbeddingLoss(
            network.embedding_dimensions, loss.push, loss.foreground_weight, loss.push_weight, loss.pull_weight
        )

    def maps(self, images: Tensor) -> EmbeddingMaps:
        """Outputs for uint8 RGB pictures (B, H, W, 3)."""
        return self.network(self.normalization(images, next(self.network.parameters()).dtype))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a batch of `hrnet.data.instance_samples.InstanceSample`."""
        return self._losses(self.maps(batch["image"]), batch)

    def validate(self, batch: Batch) -> Validated:
        """Losses, and by index `InstancesFound` in pixels of the picture."""
        maps = self.maps(batch["image"])
        to_image = batch["to_image"].cpu().numpy().astype(np.float64)
        sizes = batch["image_size"].tolist()
        found = {}
        for row, placement in enumerate(self.placements(maps, batch["image"].shape[1:3], to_image, sizes)):
            logits, embeddings = _row(maps, row)
            clusters = self.result(self.decoder.decode(logits, embeddings, placement))
            components = self.result(self.components.decode(logits, placement))
            found[int(batch["index"][row])] = InstancesFound(clusters, components)
        return Validated(self._losses(maps, batch), found)

    def decode(self, maps: EmbeddingMaps, placements: list[MapPlacement]) -> list[InstanceResult]:
        """Instances of each of B pictures, in their pixels, from the network's outputs."""
        return [self.result(self.decoder.decode(*_row(maps, row), place)) for row, place in enumerate(placements)]

    def placements(
        self, maps: EmbeddingMaps, input_size: torch.Size | tuple[int, int], to_image: Floats, image_sizes: list[list[int]]
    ) -> list[MapPlacement]:
        """Where the maps lie in the pictures, from the (B, 2, 3) matrices from inputs of (height, width) to pictures."""
        down, right = (side / small for side, small in zip(input_size, maps.logits.shape[2:], strict=True))
        to_input = np.array([[right, 0.0, (right - 1) / 2], [0.0, down, (down - 1) / 2]])
        return [
            MapPlacement(compose(matrix, to_input), (height, width))
            for matrix, (height, width) in zip(to_image, image_sizes, strict=True)
        ]

    def result(self, found: FoundInstances) -> InstanceResult:
        """What a decoder found, with the names of the classes."""
        return InstanceResult.from_labels(found.labels, found.scores, found.class_ids, self.card.class_set.classes)

    def texts(self) -> dict[str, str]:
        card = self.card
        entry = NetworkEntry(card.architecture, card.num_outputs, dict(card.options), card.source)
        return {NETWORK_KEY: entry.to_json(), INSTANCE_CARD_KEY: card.to_json()}

    def _losses(self, maps: EmbeddingMaps, batch: Batch) -> dict[str, Tensor]:
        return self.loss(*maps, InstanceTargets(batch["labels"], batch["class_ids"], batch["draws"]))


def _row(maps: EmbeddingMaps, row: int) -> tuple[np.ndarray, np.ndarray]:
    return maps.logits[row].float().cpu().numpy(), maps.embeddings[row].float().cpu().numpy()
