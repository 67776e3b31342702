"""Losses between predicted heatmaps and targets."""

from __future__ import annotations

from torch import Tensor, nn


class HeatmapMSELoss(nn.Module):
    """Mean squared error of heatmaps, each keypoint weighted (Sun et al., CVPR 2019, section 3, "Heatmap estimation").

    Half the mean over batch, keypoints and pixels of ``(w * output - w * target)^2``; keypoints of weight 0 stay in
    the denominator, as in the reference.

    Args:
        hardest: average only the ``hardest`` keypoints of each picture (OHKM, Chen et al., CPN, CVPR 2018, section 3.2).
        weigh_squares: multiply the squared error by the weight once and drop the factor 0.5, as the OpenMMLab code does.
    """

    def __init__(self, hardest: int | None = None, weigh_squares: bool = False) -> None:
        super().__init__()
        if hardest is not None and hardest < 1:
            raise ValueError(f"hardest must be at least 1 or None, got {hardest}")
        self.hardest = hardest
        self.weigh_squares = weigh_squares

    def forward(self, heatmaps: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """Return the scalar loss of heatmaps (B, K, H, W), target (B, K, H, W) and weights (B, K)."""
        error = (heatmaps.float() - target).square().mean(dim=(2, 3))
        error = error * weights if self.weigh_squares else 0.5 * error * weights.square()
        if self.hardest is not None:
            error = error.topk(min(self.hardest, error.shape[1]), dim=1).values
        return error.mean()


class CombinedTargetLoss(nn.Module):
    """Loss of UDP's combined targets: the disc everywhere, the offsets within the disc (Huang et al., CVPR 2020, section 4)."""

    def forward(self, heatmaps: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """Return the scalar loss of maps (B, 3K, H, W), target (B, 3K, H, W) and weights (B, K)."""
        output, wanted = (maps.float().unflatten(1, (-1, 3)) for maps in (heatmaps, target))
        weights = weights[..., None, None]
        disc = wanted[:, :, 0]
        loss = ((output[:, :, 0] - disc) * weights).square().mean()
        for axis in (1, 2):
            loss = loss + (disc * (output[:, :, axis] - wanted[:, :, axis]) * weights).square().mean()
        return 0.5 * loss
