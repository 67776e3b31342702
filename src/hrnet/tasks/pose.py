"""Top-down pose: one person per crop, pixels in, keypoints out, and the losses in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hrnet.codecs import UDPCombinedCodec, build_codec
from hrnet.geometry import apply_affine
from hrnet.losses import CombinedTargetLoss, HeatmapMSELoss, MirrorLoss
from hrnet.models import PoseNetwork, build_model, list_models
from hrnet.tasks.normalization import PictureNormalization
from hrnet.tasks.task import Batch, Task, Validated
from hrnet.weights.pose_card import CARD_KEY

if TYPE_CHECKING:
    from hrnet.codecs import HeatmapCodec
    from hrnet.weights.pose_card import PoseCard


def build_pose_network(card: PoseCard) -> PoseNetwork:
    """Build the network that ``card`` describes, with fresh weights and as many outputs as its codec wants.

    Raises:
        ValueError: there is no such network, or it does not turn one crop into heatmaps.
    """
    network = build_model(card.architecture, card.num_outputs)
    if not isinstance(network, PoseNetwork):
        raise ValueError(
            f"{card.architecture} is no network for top-down pose; such are {', '.join(list_models('pose')[:4])} ..."
        )
    return network


class TopDownPose(Task):
    """A pose network together with all that is needed to read its outputs.

    Args:
        network: crops (B, 3, H, W), normalised, to heatmaps (B, C, h, w), or (B, stacks, C, h, w) for stacked networks.
        card: codec, keypoint set and normalisation.
        hardest_keypoints: train with OHKM on that many keypoints; None for all.
        joint_weights: train with the keypoint set's weights, which stress wrists and ankles, instead of equal ones.
        mirror_weight: of the `MirrorLoss` that is added to the loss of the heatmaps; 0 for none.

    Raises:
        ValueError: a choice that the codec or the keypoint set does not allow.
    """

    def __init__(
        self,
        network: nn.Module,
        card: PoseCard,
        hardest_keypoints: int | None = None,
        joint_weights: bool = False,
        mirror_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.card = card
        self.codec: HeatmapCodec = build_codec(card.codec)
        combined = isinstance(self.codec, UDPCombinedCodec)
        if combined and hardest_keypoints is not None:
            raise ValueError("hardest_keypoints (OHKM) is not defined for codec 'udp_combined'; use None")
        if combined and mirror_weight:
            raise ValueError("mirror_weight is not defined for codec 'udp_combined'; use 0")
        self.loss = CombinedTargetLoss() if combined else HeatmapMSELoss(hardest_keypoints)
        self.mirror_weight = mirror_weight
        self.mirror_loss = MirrorLoss(card.keypoint_set.flip_indices)
        self.normalization = PictureNormalization(card.mean, card.std, card.channel_order)
        weights = card.keypoint_set.joint_weights if joint_weights else None
        if joint_weights and weights is None:
            raise ValueError(f"keypoint set {card.keypoint_set.name!r} has no joint_weights: leave joint_weights off")
        self.register_buffer("joint_weights", torch.tensor(weights or [1.0]), persistent=False)

    joint_weights: Tensor

    @property
    def mean(self) -> Tensor:
        """Of the network's input, (3,), in 0..255."""
        return self.normalization.mean

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 RGB crops (B, H, W, 3) to network inputs (B, 3, H, W), channels last in memory."""
        return self.normalization(images, next(self.network.parameters()).dtype)

    def heatmaps(self, images: Tensor, flip_test: bool = False) -> Tensor:
        """Heatmaps (B, C, h, w) of uint8 crops (B, H, W, 3), averaged with those of the mirrored crops on ``flip_test``."""
        inputs = self.normalize(images)
        if flip_test:
            inputs = torch.cat([inputs, inputs.flip(-1)])
        maps = self.network(inputs)
        if maps.ndim == 5:
            maps = maps[:, -1]
        if flip_test:
            plain, mirrored = maps.float().chunk(2)
            maps = (plain + self.codec.flip_back(mirrored, self.card.keypoint_set.flip_indices)) / 2
        return maps

    def forward(self, images: Tensor, flip_test: bool = False) -> tuple[Tensor, Tensor]:
        """Keypoints (B, K, 2) in pixels of the crop and scores (B, K) of uint8 crops (B, H, W, 3)."""
        return self.codec.decode(self.heatmaps(images, flip_test))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a batch of `hrnet.data.samples.PoseSample`; ``total`` is the one to minimise.

        Of the batch are used: ``image`` (B, H, W, 3) uint8; ``keypoints`` (B, K, 2) pixels of the crop; ``visibility`` (B, K),
        1 where labelled; ``absent`` (B, K) booleans: certainly not in the crop, so that an empty heatmap is right.
        """
        heatmaps, weights = self.codec.encode(batch["keypoints"], batch["visibility"])
        weights = torch.where(batch["absent"], torch.ones_like(weights), weights) * self.joint_weights
        maps = self.network(self.normalize(batch["image"]))
        stages = maps.unbind(1) if maps.ndim == 5 else [maps]
        loss = torch.stack([self.loss(stage, heatmaps, weights) for stage in stages]).sum()
        if not self.mirror_weight:
            return {"total": loss}
        mirror = torch.stack([self.mirror_loss(stage, heatmaps, batch["visibility"]) for stage in stages]).sum()
        return {"total": loss + self.mirror_weight * mirror, "heatmaps": loss.detach(), "mirror": mirror.detach()}

    def validate(self, batch: Batch) -> Validated:
        """Loss, and by index keypoints (K, 2) in pixels of the picture with scores (K,)."""
        maps = self.heatmaps(batch["image"], self.card.flip_test)
        loss = self.loss(maps, *self.codec.encode(batch["keypoints"], batch["visibility"]))
        keypoints, scores = self.codec.decode(maps)
        in_image = apply_affine(batch["to_image"].cpu().numpy(), keypoints.cpu().numpy())
        indices = batch["index"].tolist()
        return Validated({"total": loss}, dict(zip(indices, zip(in_image, scores.cpu().numpy(), strict=True), strict=True)))

    def texts(self) -> dict[str, str]:
        return {CARD_KEY: self.card.to_json()}
