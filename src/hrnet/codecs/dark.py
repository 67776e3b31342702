"""DARK: an unbiased Gaussian target, and one Newton step on the logarithm of the smoothed heatmap."""

from __future__ import annotations

import torch
from torch import Tensor

from hrnet.codecs.heatmap import HeatmapCodec, HeatmapTargets
from hrnet.codecs.peaks import blur_keeping_peaks, find_peaks, is_refinable, newton_step, pixels_at


class DarkCodec(HeatmapCodec):
    """Distribution-aware codec (Zhang et al., "Distribution-Aware Coordinate Representation", CVPR 2020, section 3).

    Args:
        blur_kernel: pixels of the smoothing before the Newton step; 11 for sigma 2, 17 for sigma 3.
    """

    def __init__(
        self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 2.0, blur_kernel: int = 11
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma)
        self.blur_kernel = blur_kernel

    def encode(self, keypoints: Tensor, visibility: Tensor) -> HeatmapTargets:
        center = self._to_heatmap(keypoints)
        columns, rows = self._offsets(center)
        return self._gaussian_targets(columns, rows, visibility, center)

    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        peaks, scores = find_peaks(heatmaps)
        # The pixels around a peak suffice: the logarithm of whole maps is never needed.
        smooth = blur_keeping_peaks(heatmaps, self.blur_kernel)

        def at(dx: int, dy: int) -> Tensor:
            return pixels_at(smooth, peaks, dx, dy).clamp_min(1e-10).log()

        center = at(0, 0)
        gradient_x = 0.5 * (at(1, 0) - at(-1, 0))
        gradient_y = 0.5 * (at(0, 1) - at(0, -1))
        curvature_xx = 0.25 * (at(2, 0) - 2 * center + at(-2, 0))
        curvature_yy = 0.25 * (at(0, 2) - 2 * center + at(0, -2))
        curvature_xy = 0.25 * (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1))
        step = newton_step(gradient_x, gradient_y, curvature_xx, curvature_yy, curvature_xy)
        movable = is_refinable(peaks, heatmaps, margin=2).all(dim=-1, keepdim=True)
        return peaks + torch.where(movable, step, torch.zeros_like(step)), scores
