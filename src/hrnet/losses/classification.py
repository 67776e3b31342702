"""Cross entropy with soft targets, and the mixtures of pictures that make them: mixup and CutMix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Mixing:
    """How pictures of a batch are mixed; by default they are not.

    Attributes:
        mixup: alpha of mixup (Zhang et al., ICLR 2018): pictures are averaged with weights of Beta(alpha, alpha); 0 for none.
        cutmix: alpha of CutMix (Yun et al., ICCV 2019): a rectangle of another picture is pasted, whose share of the area is
            drawn likewise; 0 for none.
        probability: that a batch is mixed at all.
        cutmix_share: of the mixed batches, where both are on, that take CutMix.

    Raises:
        ValueError: a number outside its range.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    probability: float = 1.0
    cutmix_share: float = 0.5

    def __post_init__(self) -> None:
        for name in ("mixup", "cutmix"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is an alpha of at least 0, got {getattr(self, name)}")
        for name in ("probability", "cutmix_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in 0..1, got {getattr(self, name)}")


def mix_pictures(inputs: Tensor, labels: Tensor, num_classes: int, mixing: Mixing, seed: int) -> tuple[Tensor, Tensor]:
    """Mix each picture of a batch with another one.

    Args:
        inputs: (B, C, H, W), normalised; they are not changed.
        labels: (B,) numbers of classes.
        seed: everything random follows from it.

    Returns:
        inputs (B, C, H, W) and targets (B, num_classes), which sum to 1 for each picture.
    """
    targets = F.one_hot(labels.long(), num_classes).float()
    draws = np.random.default_rng(seed)
    if (mixing.mixup <= 0 and mixing.cutmix <= 0) or draws.random() >= mixing.probability:
        return inputs, targets
    pastes = mixing.cutmix > 0 and (mixing.mixup <= 0 or draws.random() < mixing.cutmix_share)
    alpha = mixing.cutmix if pastes else mixing.mixup
    share = float(draws.beta(alpha, alpha))  # of the picture itself
    others = torch.from_numpy(draws.permutation(len(labels))).to(labels.device)
    if pastes:
        top, bottom, left, right = _rectangle(inputs.shape[2], inputs.shape[3], 1 - share, draws)
        inputs = inputs.clone(memory_format=torch.preserve_format)
        inputs[:, :, top:bottom, left:right] = inputs[others][:, :, top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / (inputs.shape[2] * inputs.shape[3])
    else:
        inputs = torch.lerp(inputs[others], inputs, share)
    return inputs, torch.lerp(targets[others], targets, share)


def classification_loss(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross entropy of (B, C) logits and labels (B,) or targets (B, C) that sum to 1, in float32.

    Args:
        label_smoothing: share of every target that is spread over all classes (Szegedy et al., CVPR 2016, section 7).
    """
    wanted = targets.float() if targets.is_floating_point() else targets.long()
    return F.cross_entropy(logits.float(), wanted, label_smoothing=label_smoothing)


def _rectangle(height: int, width: int, share: float, draws: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a rectangle of about ``share`` of the area, its centre anywhere, cut at the border."""
    side = float(np.sqrt(share))
    y, x = draws.integers(height), draws.integers(width)
    down, across = int(height * side) // 2, int(width * side) // 2
    return max(0, y - down), min(height, y + down), max(0, x - across), min(width, x + across)
