"""The codec of the published face networks: everything is cut down to whole pixels, on the way in and on the way out."""

from __future__ import annotations

import torch
from torch import Tensor

from hrnet.codecs.dark import DarkCodec
from hrnet.codecs.heatmap import HeatmapCodec, HeatmapTargets
from hrnet.codecs.peaks import find_peaks, gaussian, pixels_at


class FaceHeatmapCodec(HeatmapCodec):
    """Codec of HRNet's facial landmark networks (Wang et al., TPAMI 2020): exact to a whole heatmap pixel.

    `encode` cuts the fraction of a position off, so that a peak lies half a heatmap pixel before its landmark on average;
    `decode` adds that half. All maps weigh alike, also those of landmarks that are not labelled or miss the map: their
    targets are empty. The published landmarks are whole pixels of the picture, and their targets are drawn one pixel of the
    picture off: see `hrnet.data.face_crop` and `hrnet.tasks.face.landmarks_of_picture`.

    Args:
        input_size, heatmap_size, sigma: as of `HeatmapCodec`; sigma 1 for 300W, 1.5 for others.
        whole_pixels: give what the published code gives; else the mean of what may have been rounded to it.
    """

    shifts_flipped_maps = False

    def __init__(
        self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 1.5, whole_pixels: bool = True
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma)
        self.whole_pixels = whole_pixels

    def encode(self, keypoints: Tensor, visibility: Tensor) -> HeatmapTargets:
        heatmaps = self.draw(self._to_heatmap(keypoints).trunc(), visibility)
        return HeatmapTargets(heatmaps, torch.ones_like(visibility, dtype=torch.float32))

    def draw(self, positions: Tensor, visibility: Tensor) -> Tensor:
        """Gaussians (B, K, H, W) on the pixels that the published code chooses for positions (B, K, 2) on the map."""
        height, width = self.heatmap_size
        start, stop = (positions - 3 * self.sigma).trunc(), (positions + 3 * self.sigma + 1).trunc()
        limit = torch.tensor([width, height], device=positions.device)
        drawn = (visibility > 0.5) & ((start < limit) & (stop >= 0)).all(dim=-1)
        columns = self._window(width, start[..., :1], stop[..., :1])
        rows = self._window(height, start[..., 1:], stop[..., 1:])
        return gaussian(columns, rows, self.sigma) * drawn[..., None, None]

    def _window(self, length: int, start: Tensor, stop: Tensor) -> Tensor:
        """Distances (B, K, length) from the peak, which lies at a fixed place of the window; infinite outside of it."""
        places = torch.arange(length, device=start.device) - start
        inside = (places >= 0) & (places < 6 * self.sigma + 1) & (places < stop - start)
        return (places - (6 * self.sigma + 1) // 2).masked_fill(~inside, torch.inf)

    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        peaks, scores = find_peaks(heatmaps)
        step = torch.stack(
            [
                pixels_at(heatmaps, peaks, dx=1) - pixels_at(heatmaps, peaks, dx=-1),
                pixels_at(heatmaps, peaks, dy=1) - pixels_at(heatmaps, peaks, dy=-1),
            ],
            dim=-1,
        ).sign()
        limit = torch.tensor(heatmaps.shape[:-3:-1], device=peaks.device) - 1
        movable = ((peaks > 0) & (peaks < limit)).all(dim=-1, keepdim=True)
        # A map without a response reads as pixel 0 of those counted from 1.
        positions = torch.where((scores > 0).unsqueeze(-1), peaks + 0.25 * step * movable, -1.0)
        return positions + 0.5, scores


class FaceDarkCodec(FaceHeatmapCodec):
    """`FaceHeatmapCodec` read by DARK's Newton step, without whole pixels: for users of a published face network.

    Args:
        blur_kernel: as of `DarkCodec`.
        others: as of `FaceHeatmapCodec`.
    """

    def __init__(
        self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 1.5, blur_kernel: int = 7
    ) -> None:
        super().__init__(input_size, heatmap_size, sigma, whole_pixels=False)
        self.dark = DarkCodec(input_size, heatmap_size, sigma, blur_kernel)

    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        positions, scores = self.dark.refine(heatmaps)
        return positions + 0.5, scores
