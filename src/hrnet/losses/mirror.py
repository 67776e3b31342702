"""A loss that tells the keypoints of a pair, such as left and right knee, apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MirrorLoss(nn.Module):
    """Logistic loss of each keypoint against its mirror image's place.

    Squared errors have a saddle: as long as a network cannot tell left from right, two equal maps with half a peak on both
    places are the best that it can do, and there neither the features nor the difference of the two maps has a gradient that
    leads on. Legs of small networks stay there for hundreds of epochs. Here a wrong order costs at once: for keypoint k with
    target ``t``, and ``m`` that of its mirror image, the margin is ``<output, t - m> / <t, t>``, which is 1 for perfect maps
    that do not overlap and -1 for exchanged ones; the loss is the mean of ``log(1 + exp(-steepness * margin))``. Not in the
    papers; our own.

    Args:
        flip_indices: (K,) the keypoint that each becomes in a mirror; those that stay themselves do not count.
        steepness: of the logistic function.
    """

    def __init__(self, flip_indices: Sequence[int], steepness: float = 3.0) -> None:
        super().__init__()
        self.steepness = steepness
        flip = torch.tensor(flip_indices)
        self.register_buffer("flip", flip, persistent=False)
        self.register_buffer("paired", flip != torch.arange(len(flip)), persistent=False)

    flip: Tensor
    paired: Tensor

    def forward(self, heatmaps: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
        """Return the scalar loss of heatmaps (B, K, H, W), target (B, K, H, W) and labelled (B, K), 1 where there is a target.

        Pairs with one label or none do not count; without any pair the loss is 0.
        """
        contrast = target - target[:, self.flip]
        margin = (heatmaps.float() * contrast).sum((2, 3)) / target.square().sum((2, 3)).clamp(min=1)
        both = (labelled > 0) & (labelled[:, self.flip] > 0) & self.paired
        return (F.softplus(-self.steepness * margin) * both).sum() / both.sum().clamp(min=1)
