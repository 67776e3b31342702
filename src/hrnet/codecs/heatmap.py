"""What all heatmap codecs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hrnet.codecs.peaks import gaussian
from hrnet.geometry import CropConvention


class HeatmapTargets(NamedTuple):
    """What a network is trained towards.

    Attributes:
        heatmaps: (B, C, H, W) float32, with C = K times `HeatmapCodec.channels_per_keypoint`.
        weights: (B, K) float32; 0 where a keypoint is not labelled or its mark misses the map.
    """

    heatmaps: Tensor
    weights: Tensor


class HeatmapCodec(nn.Module, ABC):
    """Keypoints in pixels of the network's input to heatmaps and back.

    `encode` and `decode` invert each other for keypoints inside the map, up to the accuracy that each codec states.
    ``forward`` is `decode`, so that a codec can be exported behind a network.

    Args:
        input_size: (height, width) of the network's input, pixels.
        heatmap_size: (height, width) of the heatmaps, pixels.
        sigma: standard deviation of the Gaussian mark, heatmap pixels.
    """

    convention = CropConvention.FULL_SIZE
    channels_per_keypoint = 1
    shifts_flipped_maps = True

    def __init__(self, input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float = 2.0) -> None:
        super().__init__()
        self.input_size = input_size
        self.heatmap_size = heatmap_size
        self.sigma = sigma
        unit = 1 if self.convention is CropConvention.UNIT_LENGTH else 0
        ratio = [(i - unit) / (m - unit) for i, m in zip(input_size[::-1], heatmap_size[::-1], strict=True)]
        self.register_buffer("input_pixels_per_heatmap_pixel", torch.tensor(ratio), persistent=False)

    input_pixels_per_heatmap_pixel: Tensor

    @abstractmethod
    def encode(self, keypoints: Tensor, visibility: Tensor) -> HeatmapTargets:
        """Draw the targets.

        Args:
            keypoints: (B, K, 2) float, pixels of the network's input; outside positions are allowed.
            visibility: (B, K) float; above 0.5 means labelled.
        """

    @abstractmethod
    def refine(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Positions (B, K, 2) in heatmap pixels and scores (B, K) of float32 heatmaps (B, C, H, W)."""

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Find the keypoints.

        Args:
            heatmaps: (B, C, H, W) of any float type.

        Returns:
            keypoints (B, K, 2) float32, pixels of the network's input, and scores (B, K) float32, the raw maxima.
        """
        positions, scores = self.refine(heatmaps.to(torch.float32, memory_format=torch.contiguous_format))
        return positions * self.input_pixels_per_heatmap_pixel, scores

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        return self.decode(heatmaps)

    def flip_back(self, heatmaps: Tensor, flip_indices: Sequence[int]) -> Tensor:
        """Bring heatmaps (B, C, H, W) of the mirrored input to those of the input itself.

        Columns are reversed and left and right channels exchanged; where sizes count full pixels, the maps move one
        column to the right, because the mirrored grid lies about one heatmap pixel off (reference, flip test).
        """
        maps = heatmaps.flip(-1)[:, list(flip_indices)]
        if self.shifts_flipped_maps:
            maps = torch.cat([maps[..., :1], maps[..., :-1]], dim=-1)
        return maps

    def _to_heatmap(self, keypoints: Tensor) -> Tensor:
        return keypoints.float() / self.input_pixels_per_heatmap_pixel

    def _offsets(self, center: Tensor) -> tuple[Tensor, Tensor]:
        """Distances (B, K, W) and (B, K, H) of the columns and rows from centres (B, K, 2)."""
        height, width = self.heatmap_size
        columns = torch.arange(width, device=center.device) - center[..., :1]
        rows = torch.arange(height, device=center.device) - center[..., 1:]
        return columns, rows

    def _touches_map(self, center: Tensor) -> Tensor:
        """(B, K) booleans: the square of half side 3 sigma around the centre reaches the map (the reference's test)."""
        height, width = self.heatmap_size
        limit = torch.tensor([width, height], device=center.device)
        radius = 3 * self.sigma
        return ((center - radius < limit) & (center + radius + 1 >= 0)).all(dim=-1)

    def _gaussian_targets(self, columns: Tensor, rows: Tensor, visibility: Tensor, center: Tensor) -> HeatmapTargets:
        """Gaussians at offsets (B, K, W) and (B, K, H); weight 0 where the mark around ``center`` (B, K, 2) misses the map."""
        weights = visibility.float() * self._touches_map(center)
        drawn = (weights > 0.5)[..., None, None]
        return HeatmapTargets(gaussian(columns, rows, self.sigma) * drawn, weights)
