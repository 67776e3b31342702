"""Losses of associative embedding: keypoints of a person get equal tags, people get different ones.

Newell et al., "Associative Embedding", NeurIPS 2017, section 3.3; Cheng et al., "HigherHRNet", CVPR 2020, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from hrnet.codecs.multi_person_targets import MultiPersonTargets


class TagLosses(NamedTuple):
    """``push`` (B,): how close the people's mean tags are; ``pull`` (B,): how far a person's tags are from their mean."""

    push: Tensor
    pull: Tensor


class _People(NamedTuple):
    """``means`` (B, D, P), ``deviations`` (B, P) and ``present`` (B, P): who has a used keypoint; ``count`` (B,) of them."""

    means: Tensor
    deviations: Tensor
    present: Tensor
    count: Tensor


class TagLoss(nn.Module):
    """Push and pull of tags, per picture.

    With the mean tag ``m_n`` of each of the N people who have a keypoint at all: ``pull`` is the mean over people of the mean
    squared deviation of their tags, per tag dimension; ``push`` is half the mean over pairs of people of
    ``exp(-|m_i - m_j|^2)``, or of ``max(0, 1 - |m_i - m_j|)``. Nobody: both are 0. One person: ``push`` is 0.

    Args:
        kind: form of the push.
        dimensions: D, of a tag.
        epsilon: added to both denominators; 1e-6 in the written-out description of the hourglass, 0 elsewhere.
    """

    def __init__(self, kind: Literal["exp", "max"] = "exp", dimensions: int = 1, epsilon: float = 0.0) -> None:
        super().__init__()
        if kind not in ("exp", "max"):
            raise ValueError(f"kind must be 'exp' or 'max', got {kind!r}")
        if dimensions < 1:
            raise ValueError(f"dimensions must be at least 1, got {dimensions}")
        self.kind = kind
        self.dimensions = dimensions
        self.epsilon = epsilon

    def forward(self, tags: Tensor, positions: Tensor, used: Tensor) -> TagLosses:
        """Compute the losses.

        Args:
            tags: (B, D * K, h, w), all keypoints of the first dimension before those of the second, or (B, D, h, w) where all
                keypoints share a map.
            positions, used: (B, P, K) of `MultiPersonTargets`, for maps of this size.

        Raises:
            ValueError: the channels are not a multiple of the dimensions, or there is another number of pictures.
        """
        people = self._people(tags, positions, used)
        return TagLosses(self._push(people), self._pull(people))

    def _people(self, tags: Tensor, positions: Tensor, used: Tensor) -> _People:
        if tags.shape[1] % self.dimensions or tags.shape[1] == 0:
            raise ValueError(f"expected tag channels in a multiple of {self.dimensions} dimensions, got {tags.shape[1]}")
        if len(tags) != len(positions) or positions.shape != used.shape:
            raise ValueError(
                f"expected positions and used (B, P, K) of {len(tags)} pictures, got "
                f"{tuple(positions.shape)} and {tuple(used.shape)}"
            )
        flat = tags.unflatten(1, (self.dimensions, -1)).flatten(2)
        indices = positions.flatten(1)[:, None].expand(-1, self.dimensions, -1)
        picked = flat.gather(2, indices).unflatten(2, used.shape[1:]).float()  # (B, D, P, K)
        counts = used.sum(dim=-1)
        # Not by multiplication: a tag that is infinite where nobody looks must not turn into NaN.
        picked = torch.where(used[:, None], picked, 0.0)
        divisor = counts.clamp(min=1)[:, None].float()
        means = picked.sum(dim=-1) / divisor
        squares = torch.where(used[:, None], picked - means[..., None], 0.0).square().sum(dim=-1) / divisor
        present = counts > 0
        return _People(means, squares.mean(dim=1), present, present.sum(dim=-1))

    def _pull(self, people: _People) -> Tensor:
        return people.deviations.sum(dim=-1) / (people.count.clamp(min=1) + self.epsilon)

    def _push(self, people: _People) -> Tensor:
        difference = people.means[..., :, None] - people.means[..., None, :]  # (B, D, P, P)
        if self.kind == "exp":
            terms = torch.exp(-difference.square().sum(dim=1))
        elif self.dimensions == 1:
            terms = torch.relu(1 - difference[:, 0].abs())
        else:
            terms = torch.relu(1 - torch.linalg.vector_norm(difference, dim=1))
        total = (terms * self._pairs(people.present)).sum(dim=(-2, -1))
        return 0.5 * total / self._ordered_pairs(people.count)

    @staticmethod
    def _pairs(present: Tensor) -> Tensor:
        """(B, P, P): 1 for two different people who are both there."""
        others = ~torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
        return present[:, :, None] & present[:, None, :] & others

    def _ordered_pairs(self, count: Tensor) -> Tensor:
        return (count * (count - 1)).clamp(min=1) + self.epsilon


class OpenMMLabTagLoss(TagLoss):
    """The tag loss of the OpenMMLab code base: each dimension pushes for itself, and everybody is paired with themselves too,
    which adds ``N * D`` to the sum over pairs and no gradient. Its batch is summed, not averaged; that is left to the caller.
    """

    def __init__(self, dimensions: int = 1) -> None:
        super().__init__("exp", dimensions, epsilon=1e-6)

    def _push(self, people: _People) -> Tensor:
        difference = people.means[..., :, None] - people.means[..., None, :]
        both = people.present[:, :, None] & people.present[:, None, :]
        total = (torch.exp(-difference.square()).sum(dim=1) * both).sum(dim=(-2, -1))
        return torch.where(people.count > 1, 0.5 * total / self._ordered_pairs(people.count), 0.0)


class MaskedHeatmapLoss(nn.Module):
    """Squared error of heatmaps where a mask allows, per picture; masked pixels stay in the denominator."""

    def forward(self, heatmaps: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (B,) of heatmaps and target (B, K, h, w) and mask (B, h, w)."""
        if heatmaps.shape != target.shape:
            raise ValueError(f"expected heatmaps of shape {tuple(target.shape)}, got {tuple(heatmaps.shape)}")
        error = (heatmaps.float() - target).square()
        if mask is not None:
            error = error * mask[:, None]
        return error.mean(dim=(1, 2, 3))


class MultiResolutionLoss(nn.Module):
    """Loss of networks that predict heatmaps at several resolutions, some with tags (HigherHRNet, section 3.3).

    Args:
        num_keypoints: K; the first K channels of a resolution are its heatmaps, those that follow its tags.
        tag_loss: None for `TagLoss`.
        heatmap_weights: of each resolution.
        tag_levels: which resolutions have tags.
        push_weight, pull_weight: of the tag losses.
    """

    def __init__(
        self,
        num_keypoints: int,
        tag_loss: TagLoss | None = None,
        heatmap_weights: Sequence[float] = (1.0, 1.0),
        tag_levels: Sequence[bool] = (True, False),
        push_weight: float = 1e-3,
        pull_weight: float = 1e-3,
    ) -> None:
        super().__init__()
        if num_keypoints < 1:
            raise ValueError(f"num_keypoints must be at least 1, got {num_keypoints}")
        if not heatmap_weights or len(heatmap_weights) != len(tag_levels):
            raise ValueError(
                f"heatmap_weights and tag_levels name the same resolutions, got {len(heatmap_weights)} and {len(tag_levels)}"
            )
        self.num_keypoints = num_keypoints
        self.tag_loss = tag_loss or TagLoss()
        self.heatmap_loss = MaskedHeatmapLoss()
        self.heatmap_weights = tuple(heatmap_weights)
        self.tag_levels = tuple(tag_levels)
        self.push_weight, self.pull_weight = push_weight, pull_weight

    def forward(self, outputs: Sequence[Tensor], targets: MultiPersonTargets) -> dict[str, Tensor]:
        """Named scalars, averaged over the batch and weighted: ``heatmap_0`` ..., ``push``, ``pull`` and their sum ``total``.

        Args:
            outputs: (B, K or more, h, w) per resolution, as the network gives them.
        """
        if len(outputs) != len(self.heatmap_weights) or len(targets.heatmaps) != len(outputs):
            raise ValueError(
                f"expected {len(self.heatmap_weights)} resolutions, got {len(outputs)} outputs "
                f"and {len(targets.heatmaps)} targets"
            )
        losses: dict[str, Tensor] = {}
        for level, maps in enumerate(outputs):
            for name, value in self._level(maps, targets, level, self.tag_levels[level]).items():
                losses[name] = losses[name] + value if name in losses else value
        losses["total"] = torch.stack(list(losses.values())).sum()
        return losses

    def _level(self, maps: Tensor, targets: MultiPersonTargets, level: int, tagged: bool) -> dict[str, Tensor]:
        count = self.num_keypoints
        mask = None if targets.masks is None else targets.masks[level]
        error = self.heatmap_loss(maps[:, :count], targets.heatmaps[level], mask)
        losses = {f"heatmap_{level}": self.heatmap_weights[level] * error.mean()}
        if tagged:
            push, pull = self.tag_loss(maps[:, count:], targets.positions[level], targets.used[level])
            losses |= {"push": self.push_weight * push.mean(), "pull": self.pull_weight * pull.mean()}
        return losses


class StackedLoss(MultiResolutionLoss):
    """Loss of the associative embedding hourglass: every stack is held to the same targets, and the stacks are averaged.

    Args:
        num_keypoints: K; channels 0..K-1 are heatmaps, the next K (or D * K) tags, further ones are not looked at.
    """

    def __init__(
        self, num_keypoints: int, tag_loss: TagLoss | None = None, push_weight: float = 1e-3, pull_weight: float = 1e-3
    ) -> None:
        super().__init__(num_keypoints, tag_loss, (1.0,), (True,), push_weight, pull_weight)

    def forward(self, outputs: Tensor, targets: MultiPersonTargets) -> dict[str, Tensor]:  # pyright: ignore
        """Named scalars ``heatmap_0``, ``push``, ``pull`` and ``total`` of outputs (B, stacks, C, h, w)."""
        if outputs.ndim != 5:
            raise ValueError(f"expected outputs (B, stacks, C, h, w), got {tuple(outputs.shape)}")
        stacks, channels = outputs.shape[1], self.num_keypoints * (1 + self.tag_loss.dimensions)
        # All stacks at once, as pictures of a larger batch.

        def repeat(tensors: list[Tensor]) -> list[Tensor]:
            return [tensor.repeat_interleave(stacks, dim=0) for tensor in tensors]

        masks = None if targets.masks is None else repeat(targets.masks)
        repeated = MultiPersonTargets(repeat(targets.heatmaps), repeat(targets.positions), repeat(targets.used), masks)
        return super().forward([outputs[:, :, :channels].flatten(0, 1)], repeated)
