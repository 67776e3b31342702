"""The reference codec: Gaussians on whole pixels, arg-max and a quarter of a pixel towards the larger neighbour."""

from __future__ import annotations

import torch
from torch import Tensor

from hrnet.codecs.heatmap import HeatmapCodec, HeatmapTargets
from hrnet.codecs.peaks import find_peaks, is_refinable, pixels_at


class QuarterOffsetCodec(HeatmapCodec):
    """Codec of SimpleBaseline and HRNet (Sun et al., CVPR 2019, section 3): exact to half a heatmap pixel.

    Args:
        independent_axes: test each axis for itself whether the peak may move, as the OpenMMLab code does, instead of
            both together.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 2.0,
        independent_axes: bool = False,
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma)
        self.independent_axes = independent_axes

    def encode(self, keypoints: Tensor, visibility: Tensor) -> HeatmapTargets:
        # trunc, not floor: the reference rounds by an integer cast, which turns -0.7 into 0.
        center = (self._to_heatmap(keypoints) + 0.5).trunc()
        columns, rows = self._offsets(center)
        radius = 3 * self.sigma
        columns = columns.masked_fill(columns.abs() > radius, torch.inf)
        rows = rows.masked_fill(rows.abs() > radius, torch.inf)
        return self._gaussian_targets(columns, rows, visibility, center)

    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        peaks, scores = find_peaks(heatmaps)
        step = torch.stack(
            [
                pixels_at(heatmaps, peaks, dx=1) - pixels_at(heatmaps, peaks, dx=-1),
                pixels_at(heatmaps, peaks, dy=1) - pixels_at(heatmaps, peaks, dy=-1),
            ],
            dim=-1,
        ).sign()
        movable = is_refinable(peaks, heatmaps, margin=1)
        if self.independent_axes:
            not_at_border = (peaks > 0) & (peaks < torch.tensor(heatmaps.shape[:-3:-1], device=peaks.device))
            movable = movable & not_at_border.flip(-1)
        else:
            movable = movable.all(dim=-1, keepdim=True)
        return peaks + 0.25 * step * movable, scores
