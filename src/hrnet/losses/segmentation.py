"""Losses between logits of pixels and label maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PixelCrossEntropy(nn.Module):
    """Cross-entropy of pixels: the mean over labelled pixels, weighted by class.

    Args:
        class_weights: C factors; the mean divides by their sum over the pixels, as usual.
        ignore_label: of pixels that do not count.
    """

    def __init__(self, class_weights: Sequence[float] | None = None, ignore_label: int = 255) -> None:
        super().__init__()
        self.ignore_label = ignore_label
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights, persistent=False)

    class_weights: Tensor | None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The scalar loss of logits (B, C, H, W) and target (B, H, W); 0 where no pixel is labelled."""
        loss = F.cross_entropy(logits, target, self.class_weights, ignore_index=self.ignore_label, reduction="sum")
        labelled = target != self.ignore_label
        if self.class_weights is None:
            return loss / labelled.sum().clamp(min=1)
        weights = self.class_weights[torch.where(labelled, target, 0)] * labelled
        return loss / weights.sum().clamp(min=1e-12)

    def map(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each pixel (B, H, W), weighted by class, 0 where ignored."""
        return F.cross_entropy(logits, target, self.class_weights, ignore_index=self.ignore_label, reduction="none")


class HardPixelCrossEntropy(PixelCrossEntropy):
    """Cross-entropy of the hard pixels alone (online hard example mining; Shrivastava et al., CVPR 2016).

    Of all labelled pixels of the batch those count whose true class has a probability below a threshold: ``threshold``, or the
    probability of the pixel number ``min_kept`` in ascending order, where that is larger. The mean is plain: class
    weights multiply, but are not divided by.

    Args:
        threshold: of the probability; 0.9 in the published HRNet trainings.
        min_kept: 131072 there.
        class_weights, ignore_label: as of `PixelCrossEntropy`.
    """

    def __init__(
        self,
        threshold: float = 0.9,
        min_kept: int = 131072,
        class_weights: Sequence[float] | None = None,
        ignore_label: int = 255,
    ) -> None:
        super().__init__(class_weights, ignore_label)
        if not 0 < threshold <= 1 or min_kept < 1:
            raise ValueError(f"threshold is within 0..1 and min_kept at least 1, got {threshold} and {min_kept}")
        self.threshold = threshold
        self.min_kept = min_kept

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The scalar loss of logits (B, C, H, W) and target (B, H, W); 0 where no pixel is labelled."""
        losses = self.map(logits, target)
        labelled = target != self.ignore_label
        with torch.no_grad():
            true = torch.where(labelled, target, 0)[:, None]
            # Of the probabilities only those of the true classes are needed: no softmax over the whole map is kept.
            shares = (logits.gather(1, true) - logits.logsumexp(1, keepdim=True)).exp().squeeze(1)
            hard = labelled & (shares < self._limit(shares[labelled]))
        kept = hard.sum()
        return (losses * hard).sum() / kept.clamp(min=1)

    def _limit(self, shares: Tensor) -> Tensor | float:
        place = min(self.min_kept, len(shares) - 1)
        # The pixel at that place in ascending order is no harder than the threshold: nothing has to be sorted.
        if place < 0 or int((shares <= self.threshold).sum()) > place:
            return self.threshold
        return shares.kthvalue(place + 1).values


class DiceLoss(nn.Module):
    """Soft Dice loss, the mean over the classes in the batch's labels of 1 - 2 |A and B| / (|A| + |B|).

    After Milletari et al., V-Net, 3DV 2016, section 3. Small classes count as much as large ones.
    """

    def __init__(self, ignore_label: int = 255) -> None:
        super().__init__()
        self.ignore_label = ignore_label

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The scalar loss of logits (B, C, H, W) and target (B, H, W); 0 where no pixel is labelled."""
        labelled = target != self.ignore_label
        scores = logits.softmax(1) * labelled[:, None]
        count = logits.shape[1]
        true = torch.where(labelled, target, count)
        pixels = torch.bincount(true.flatten(), minlength=count + 1)[:count].to(scores.dtype)
        hit = scores.gather(1, true.clamp(max=count - 1)[:, None])[:, 0] * labelled
        both = torch.zeros(count + 1, dtype=scores.dtype, device=scores.device).index_add(0, true.flatten(), hit.flatten())
        dice = 2 * both[:count] / (scores.sum((0, 2, 3)) + pixels).clamp(min=1e-6)
        present = pixels > 0
        return ((1 - dice) * present).sum() / present.sum().clamp(min=1)


class SegmentationLoss(nn.Module):
    """The loss of all outputs of a network, each resized to the label map first.

    The last output is the one to use; those before it are auxiliary (OCR's rough segmentation). With hard pixels only the last
    is mined; the loss of the others is then the mean over all pixels, ignored ones counted with 0, as in the published code.

    Args:
        pixels: loss of the last output.
        auxiliary_weight: of each output before the last; 0.4 in the published trainings.
        dice_weight: of a Dice loss of the last output in addition; not in the published trainings (0).
        align_corners: how logits are resized.
    """

    def __init__(
        self,
        pixels: PixelCrossEntropy,
        auxiliary_weight: float = 0.4,
        dice_weight: float = 0.0,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.dice = DiceLoss(pixels.ignore_label)
        self.auxiliary_weight = auxiliary_weight
        self.dice_weight = dice_weight
        self.align_corners = align_corners

    def forward(self, outputs: Tensor | Sequence[Tensor], target: Tensor) -> dict[str, Tensor]:
        """Named losses of logits (B, C, h, w), or of several such, and target (B, H, W); ``total`` is the one to minimise."""
        every = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        target = target.long()
        last = resize_logits(every[-1].float(), target.shape[-2:], self.align_corners)
        total = self.pixels(last, target)
        losses = {}
        if len(every) > 1:
            losses["main"] = total
            rough = [
                self._auxiliary(resize_logits(one.float(), target.shape[-2:], self.align_corners), target) for one in every[:-1]
            ]
            losses["auxiliary"] = torch.stack(rough).sum()
            total = total + self.auxiliary_weight * losses["auxiliary"]
        if self.dice_weight > 0:
            losses["dice"] = self.dice(last, target)
            total = total + self.dice_weight * losses["dice"]
        return {"total": total, **losses}

    def _auxiliary(self, logits: Tensor, target: Tensor) -> Tensor:
        if isinstance(self.pixels, HardPixelCrossEntropy):
            return self.pixels.map(logits, target).mean()
        return self.pixels(logits, target)


def resize_logits(logits: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """Resize (B, C, h, w) to (B, C, *size) bilinearly."""
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, tuple(size), mode="bilinear", align_corners=align_corners)
