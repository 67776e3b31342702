"""UDP: sizes counted in unit lengths, so that crop, heatmap and mirror image agree exactly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hrnet.codecs.heatmap import HeatmapCodec, HeatmapTargets
from hrnet.codecs.peaks import blur_keeping_peaks, find_peaks, gaussian_blur, newton_step, pixels_at
from hrnet.geometry import CropConvention

_FLOAT32_EPSILON = 1.1920929e-07


class UDPCodec(HeatmapCodec):
    """Unbiased data processing with Gaussian targets (Huang et al., CVPR 2020, sections 3 and 4).

    A perfect target decodes to its keypoint. (The OpenMMLab code multiplies by W / (W - 1) on decoding and takes the
    factor back when it maps crops to pictures; here both use W - 1.)
    """

    convention = CropConvention.UNIT_LENGTH
    shifts_flipped_maps = False

    def __init__(
        self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 2.0, blur_kernel: int = 11
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma)
        self.blur_kernel = blur_kernel

    def encode(self, keypoints: Tensor, visibility: Tensor) -> HeatmapTargets:
        center = self._to_heatmap(keypoints)
        nearest = (center + 0.5).trunc()
        radius = 3 * self.sigma
        cut = [offset.abs() > radius for offset in self._offsets(nearest)]
        columns, rows = (offset.masked_fill(mask, torch.inf) for offset, mask in zip(self._offsets(center), cut, strict=True))
        return self._gaussian_targets(columns, rows, visibility, nearest)

    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        peaks, scores = find_peaks(heatmaps)
        smooth = blur_keeping_peaks(heatmaps, self.blur_kernel)

        def at(dx: int, dy: int) -> Tensor:
            return pixels_at(smooth, peaks, dx, dy).clamp(1e-3, 50).log()

        center, right, left, below, above = at(0, 0), at(1, 0), at(-1, 0), at(0, 1), at(0, -1)
        gradient_x, gradient_y = 0.5 * (right - left), 0.5 * (below - above)
        curvature_xx = right - 2 * center + left + _FLOAT32_EPSILON
        curvature_yy = below - 2 * center + above + _FLOAT32_EPSILON
        curvature_xy = 0.5 * (at(1, 1) - right - below + 2 * center - left - above + at(-1, -1))
        return peaks + newton_step(gradient_x, gradient_y, curvature_xx, curvature_yy, curvature_xy), scores


class UDPCombinedCodec(HeatmapCodec):
    """UDP with three channels per keypoint: a disc, and the x and y offsets to the keypoint within it (section 4).

    Args:
        radius_factor: radius of the disc in units of the longer side of the heatmap.
        blur_kernel: the disc is smoothed with a kernel of ``2 * blur_kernel + 1`` pixels before its peak is taken.
    """

    convention = CropConvention.UNIT_LENGTH
    shifts_flipped_maps = False
    channels_per_keypoint = 3

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 2.0,
        radius_factor: float = 0.0546875,
        blur_kernel: int = 11,
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma)
        self.radius = radius_factor * max(heatmap_size)
        self.blur_kernel = blur_kernel

    def encode(self, keypoints: Tensor, visibility: Tensor) -> HeatmapTargets:
        columns, rows = self._offsets(self._to_heatmap(keypoints))
        toward_x, toward_y = -columns.unsqueeze(-2) / self.radius, -rows.unsqueeze(-1) / self.radius
        weights = visibility.float()
        disc = toward_x.square() + toward_y.square() <= 1
        drawn = (weights > 0.5)[..., None, None, None]
        # The offsets are drawn on the whole map; the loss looks at them within the disc alone.
        maps = torch.stack([disc.float(), *torch.broadcast_tensors(toward_x, toward_y)], dim=2) * drawn
        return HeatmapTargets(maps.flatten(1, 2), weights)

    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        discs = gaussian_blur(heatmaps[:, 0::3], 2 * self.blur_kernel + 1, padding="mirror")
        peaks, scores = find_peaks(discs)
        step = torch.stack([pixels_at(heatmaps[:, 1::3], peaks), pixels_at(heatmaps[:, 2::3], peaks)], dim=-1)
        return peaks + step * self.radius, scores

    def flip_back(self, heatmaps: Tensor, flip_indices: Sequence[int]) -> Tensor:
        maps = heatmaps.unflatten(1, (-1, 3)).flip(-1)[:, list(flip_indices)]
        # Mirrored, what lay to the left lies to the right.
        return (maps * maps.new_tensor([1.0, -1.0, 1.0]).view(1, 1, 3, 1, 1)).flatten(1, 2)
