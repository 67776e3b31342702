"""PCK between predicted and target heatmaps: the running accuracy printed while training."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class HeatmapPCK:
    """Accuracy of one batch.

    Attributes:
        per_keypoint: (K,) share of hits, -1 for a keypoint that is in no target.
        mean: () mean over the keypoints that occur, 0 if none does.
        count: () how many keypoints occur.
        keypoints: (B, K, 2) x, y of the predicted maxima in heatmap pixels, (0, 0) where the maximum is not positive.
    """

    per_keypoint: torch.Tensor
    mean: torch.Tensor
    count: torch.Tensor
    keypoints: torch.Tensor


@torch.no_grad()
def heatmap_pck(output: torch.Tensor, target: torch.Tensor, threshold: float = 0.5) -> HeatmapPCK:
    """Compare the maxima of predicted and target heatmaps (B, K, H, W), on their device.

    A hit is a distance below ``threshold`` (strictly) after x is divided by H/10 and y by W/10. Height and width are
    exchanged in the reference implementation of Xiao et al. 2018 and kept so, to give the same numbers. Targets whose
    maximum lies at x <= 1 or y <= 1 do not count. It only follows the training; use `hrnet.metrics.pck.PCK` to report.

    Raises:
        ValueError: when the shapes differ or are not (B, K, H, W).
    """
    if output.shape != target.shape or output.ndim != 4:
        raise ValueError(
            f"output and target must be heatmaps (B, K, H, W) of one shape, got {tuple(output.shape)} and {tuple(target.shape)}"
        )
    height, width = output.shape[-2:]
    found, wanted = _maxima(output), _maxima(target)
    divisors = torch.tensor([height / 10, width / 10], device=output.device)
    distances = torch.linalg.vector_norm(found / divisors - wanted / divisors, dim=-1)
    counted = (wanted > 1).all(-1)
    counts = counted.sum(0)
    hits = ((distances < threshold) & counted).sum(0)
    present = counts > 0
    rates = hits / counts.clamp(min=1)
    total = present.sum()
    mean = torch.where(present, rates, torch.zeros_like(rates)).sum() / total.clamp(min=1)
    return HeatmapPCK(torch.where(present, rates, -torch.ones_like(rates)), mean, total, found)


def _maxima(heatmaps: torch.Tensor) -> torch.Tensor:
    """(B, K, 2) float x, y of the first maximum of every map; (0, 0) where it is not positive."""
    values, indices = heatmaps.flatten(2).max(-1)
    width = heatmaps.shape[-1]
    points = torch.stack([indices % width, torch.div(indices, width, rounding_mode="floor")], -1).float()
    return points * (values > 0).unsqueeze(-1)
