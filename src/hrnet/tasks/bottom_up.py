"""Bottom-up pose: a whole picture in, all its people out, and the losses in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from hrnet.codecs.associative_embedding import (
    AssociativeEmbeddingDecoder,
    DecodedPeople,
    ScaledPass,
    aggregate,
    separate_outputs,
)
from hrnet.codecs.multi_person_targets import Mirroring, MultiPersonEncoder
from hrnet.geometry import apply_affine
from hrnet.losses.associative_embedding import MultiResolutionLoss, StackedLoss, TagLoss
from hrnet.models.ae_hrnet import AEHRNet
from hrnet.models.higher_hrnet import HigherHRNet
from hrnet.models.pose_ae import PoseAE
from hrnet.models.variants import build_model, list_models
from hrnet.tasks.normalization import PictureNormalization
from hrnet.tasks.task import Batch, Task, Validated
from hrnet.weights.bottom_up_card import BOTTOM_UP_CARD_KEY, BottomUpCard
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry

TaggingNetwork = HigherHRNet | AEHRNet | PoseAE
"""Networks that give heatmaps, and tags that say which keypoints belong together."""


@dataclass(frozen=True)
class TargetSettings:
    """What a network is trained towards; the defaults are HigherHRNet's.

    Attributes:
        sigma: of the Gaussians, pixels of each map alike; None for a 64th of the map's side.
        scale_aware: a sigma for each person instead, by the size of the box.
        mirroring: where keypoints of mirrored pictures are expected.
        center_keypoint: one keypoint more for every person, the mean of the others.
        max_people: of more people in a picture the largest are kept.
    """

    sigma: float | None = 2.0
    scale_aware: bool = False
    mirroring: Mirroring = Mirroring.COLUMNS
    center_keypoint: bool = False
    max_people: int = 30


@dataclass(frozen=True)
class LossSettings:
    """Parts of the loss; the defaults are HigherHRNet's.

    Attributes:
        push: form of the loss that gives people different tags.
        push_weight, pull_weight: of the tag losses.
        heatmap_weights: of the resolutions, coarsest first; None for 1 each.
    """

    push: Literal["exp", "max"] = "exp"
    push_weight: float = 1e-3
    pull_weight: float = 1e-3
    heatmap_weights: tuple[float, ...] | None = None


def build_tagging_network(card: BottomUpCard) -> TaggingNetwork:
    """Build the network that ``card`` describes, with fresh weights.

    Raises:
        ValueError: there is no such network, or it has no tags; the message names some that have.
    """
    network = build_model(card.architecture, card.num_outputs, **card.options)
    if not isinstance(network, TaggingNetwork):
        names = [name for name in list_models("bottom-up pose") if not name.startswith("dekr")]
        raise ValueError(f"{card.architecture} is no network with tags for bottom-up pose; such are {', '.join(names[:4])} ...")
    return network


def map_sizes(network: TaggingNetwork, input_size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """(height, width) of the maps of each resolution, for inputs of (height, width)."""
    height, width = (-(-side // 4) for side in input_size)
    levels = len(network.output_strides) if isinstance(network, HigherHRNet) else 1
    return tuple((height * 2**level, width * 2**level) for level in range(levels))


class BottomUpPose(Task):
    """A network with tags, together with all that is needed to train it and to read its outputs.

    Args:
        network: pictures (B, 3, H, W), normalised, to heatmaps and tags.
        card: keypoint set, normalisation and decoding.
        input_size: (height, width) that it is trained at; by default the card's, square.
        targets, loss: what it is trained towards.
    """

    def __init__(
        self,
        network: TaggingNetwork,
        card: BottomUpCard,
        input_size: tuple[int, int] | None = None,
        targets: TargetSettings | None = None,
        loss: LossSettings | None = None,
    ) -> None:
        super().__init__()
        targets, loss = targets or TargetSettings(), loss or LossSettings()
        self.network = network
        self.card = card
        self.decoder = AssociativeEmbeddingDecoder(card.decoding)
        self.normalization = PictureNormalization(card.mean, card.std, card.channel_order)
        self.scale_aware = targets.scale_aware
        size = input_size or (card.input_size, card.input_size)
        sizes = map_sizes(network, size)
        self.encoder = MultiPersonEncoder(size, sizes, targets.sigma, mirroring=targets.mirroring)
        self.loss = _loss(network, card.num_outputs, len(sizes), loss)

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 RGB pictures (B, H, W, 3) to network inputs (B, 3, H, W), channels last in memory."""
        return self.normalization(images, next(self.network.parameters()).dtype)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a batch of `hrnet.data.multi_person_samples.MultiPersonSample`."""
        return self._losses(self.network(self.normalize(batch["image"])), batch)

    def validate(self, batch: Batch) -> Validated:
        """Losses, and by index people in pixels of the picture: keypoints (N, K, 2), their scores (N, K), scores (N,)."""
        inputs = self.normalize(batch["image"])
        outputs = self.network(inputs)
        mirrored = self.network(inputs.flip(-1)) if self.card.flip_test else None
        size = inputs.shape[2], inputs.shape[3]
        found: dict[int, tuple[np.ndarray, ...]] = {}
        to_image = batch["to_image"].cpu().numpy()
        for row, people in enumerate(self.decode(outputs, mirrored, size)):
            in_image = apply_affine(to_image[row], people.keypoints)
            found[int(batch["index"][row])] = in_image, people.keypoint_scores, people.scores
        return Validated(self._losses(outputs, batch), found)

    def decode(
        self, outputs: Tensor | Sequence[Tensor], mirrored: Tensor | Sequence[Tensor] | None, input_size: tuple[int, int]
    ) -> list[DecodedPeople]:
        """People of each of B pictures from the network's outputs for them and, for the flip test, for mirrored ones.

        Keypoints come in pixels of the input of (height, width).
        """
        count = self.card.num_outputs
        plain, other = separate_outputs(outputs, count), None if mirrored is None else separate_outputs(mirrored, count)
        maps = aggregate([ScaledPass(1, plain, other)], self.card.decoding, self.card.flip_indices, input_size)
        stride = np.array(input_size[::-1], np.float32) / maps.size[::-1]
        return [people._replace(keypoints=people.keypoints * stride) for people in self.decoder.decode(maps)]

    def texts(self) -> dict[str, str]:
        card = self.card
        entry = NetworkEntry(card.architecture, card.num_outputs, dict(card.options), card.source)
        return {NETWORK_KEY: entry.to_json(), BOTTOM_UP_CARD_KEY: card.to_json()}

    def _losses(self, outputs: Tensor | Sequence[Tensor], batch: Batch) -> dict[str, Tensor]:
        sigmas = batch["sigmas"] if self.scale_aware else None
        targets = self.encoder.encode(
            batch["keypoints"], batch["visibility"], batch["masks"], sigmas, mirrored=batch["mirrored"]
        )
        if isinstance(self.network, AEHRNet):
            outputs = [torch.cat(tuple(outputs), dim=1)]
        return self.loss(outputs, targets)  # pyright: ignore[reportArgumentType]


def _loss(network: nn.Module, count: int, levels: int, settings: LossSettings) -> MultiResolutionLoss:
    weights = settings.heatmap_weights or (1.0,) * levels
    if len(weights) != levels:
        raise ValueError(f"loss.heatmap_weights must hold {levels} numbers, one for each resolution, got {list(weights)}")
    tags = TagLoss(settings.push)
    if isinstance(network, PoseAE):
        if weights != (1.0,):
            raise ValueError("loss.heatmap_weights is not for stacked hourglasses, whose stacks count alike: leave it out")
        return StackedLoss(count, tags, settings.push_weight, settings.pull_weight)
    tagged = (True, *(False for _ in weights[1:]))  # only the coarsest maps have tags
    return MultiResolutionLoss(count, tags, weights, tagged, settings.push_weight, settings.pull_weight)
