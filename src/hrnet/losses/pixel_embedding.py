"""Losses of instance segmentation by associative embedding: foreground, and embeddings of sampled pixels.

Newell et al., "Associative Embedding", NeurIPS 2017, section on instance segmentation: pixels are sampled from each instance;
those of one are pulled together, instances are pushed apart. Pull and push go by the instances' means (`TagLoss`), which is
what the paper's sums over pairs of pixels come to, and the foreground by cross entropy in place of the squared error.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.losses.associative_embedding import TagLoss


class InstanceTargets(NamedTuple):
    """What B pictures show.

    Attributes:
        labels: (B, H, W) integers: n for the n-th instance, counted from 1, 0 for the background, -1 where nothing counts.
        class_ids: (B, N) of the instances, counted from 0; rows beyond a picture's last instance are not looked at.
        draws: (B, N, S) random numbers in 0..1 that say which S pixels of each instance are sampled.
    """

    labels: Tensor
    class_ids: Tensor
    draws: Tensor


class SampledPixels(NamedTuple):
    """``positions`` (B, N, S), places in the flattened map, and ``used`` (B, N, S), False for an instance without pixels."""

    positions: Tensor
    used: Tensor


def sample_pixels(labels: Tensor, draws: Tensor) -> SampledPixels:
    """Pick pixels of each instance, with replacement: without a loop, and in time that grows as that of sorting the map.

    Args:
        labels: (B, h, w) as of `InstanceTargets`, none greater than N.
        draws: (B, N, S) in 0..1: 0 picks an instance's first pixel, numbers towards 1 its last.
    """
    flat = labels.flatten(1).long() + 1  # what does not count comes first, then the background
    counts = flat.new_zeros(len(flat), draws.shape[1] + 2).scatter_add_(1, flat, torch.ones_like(flat))
    order = flat.argsort(dim=1, stable=True)
    first = counts.cumsum(dim=1) - counts
    first, counts = first[:, 2:, None], counts[:, 2:, None]
    places = first + (draws * counts).long().clamp(max=(counts - 1).clamp(min=0))
    used = (counts > 0).expand_as(places)
    places = torch.where(used, places, 0).flatten(1)
    return SampledPixels(order.gather(1, places).view_as(draws.long()), used)


def foreground_targets(labels: Tensor, class_ids: Tensor, num_classes: int) -> Tensor:
    """(B, C, H, W) of 0 and 1: where each class is."""
    nothing = class_ids.new_full((len(class_ids), 1), -1)
    class_of_label = torch.cat([nothing, class_ids], dim=1)
    classes = class_of_label.gather(1, labels.long().clamp(min=0).flatten(1)).view(labels.shape)
    return (classes[:, None] == torch.arange(num_classes, device=labels.device)[:, None, None]).float()


class PixelEmbeddingLoss(nn.Module):
    """Cross entropy of the foreground, and push and pull of embeddings.

    Args:
        dimensions: D, of the embedding.
        push: form of the push, as of `TagLoss`: instances are pushed to a distance of about 2 by ``"exp"``, of 1 by ``"max"``.
        foreground_weight, push_weight, pull_weight: of the parts.
    """

    def __init__(
        self,
        dimensions: int,
        push: Literal["exp", "max"] = "exp",
        foreground_weight: float = 1.0,
        push_weight: float = 1.0,
        pull_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.embedding_loss = TagLoss(push, dimensions)
        self.foreground_weight = foreground_weight
        self.push_weight, self.pull_weight = push_weight, pull_weight

    def forward(self, logits: Tensor, embeddings: Tensor, targets: InstanceTargets) -> dict[str, Tensor]:
        """Named scalars, averaged over the batch and weighted: ``foreground``, ``push``, ``pull`` and their sum ``total``.

        The foreground is compared pixel by pixel of the labels, to whose size logits are enlarged; embeddings are sampled at
        their own size. Without an instance push and pull are 0, with one push is.

        Args:
            logits, embeddings: (B, C, h, w) and (B, D, h, w).
            targets: their height and width are multiples of h and w.

        Raises:
            ValueError: they are not.
        """
        (height, width), (rows, columns) = targets.labels.shape[-2:], logits.shape[-2:]
        if height % rows or width % columns:
            raise ValueError(f"expected labels of a multiple of {rows} x {columns} pixels, got {height} x {width}")
        down, right = height // rows, width // columns
        small = targets.labels[:, down // 2 :: down, right // 2 :: right]
        push, pull = self.embedding_loss(embeddings, *sample_pixels(small, targets.draws))
        losses = {
            "foreground": self.foreground_weight * self._foreground(logits, targets),
            "push": self.push_weight * push.mean(),
            "pull": self.pull_weight * pull.mean(),
        }
        losses["total"] = torch.stack(list(losses.values())).sum()
        return losses

    @staticmethod
    def _foreground(logits: Tensor, targets: InstanceTargets) -> Tensor:
        size = targets.labels.shape[-2], targets.labels.shape[-1]
        large = F.interpolate(logits.float(), size, mode="bilinear", align_corners=False)
        wanted = foreground_targets(targets.labels, targets.class_ids, logits.shape[1])
        counted = (targets.labels >= 0)[:, None].expand_as(large)
        error = F.binary_cross_entropy_with_logits(large, wanted, reduction="none")
        # Not by multiplication: what is infinite where nothing counts must not turn into NaN.
        return torch.where(counted, error, 0.0).sum() / counted.sum().clamp(min=1)
