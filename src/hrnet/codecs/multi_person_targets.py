"""Targets of bottom-up pose: heatmaps of all people at several resolutions, and where to read each keypoint's tag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor


class Placement(Enum):
    """Which pixel of a map a keypoint belongs to, and how its mark is drawn there.

    ``TRUNCATED``: the coordinate cut off towards zero, so that -0.7 counts as column 0; the Gaussian reaches ``3 sigma + 1``
    pixels, its window's corners rounded half to even (HigherHRNet, and the associative embedding hourglass).
    ``NEAREST``: the nearest pixel, half up; the Gaussian reaches ``3 sigma`` pixels (OpenMMLab).
    ``EXACT``: as ``NEAREST``, but the Gaussian's peak stays at the real coordinate, and a side of n pixels counts n - 1
    (UDP, Huang et al., CVPR 2020; OpenMMLab).
    """

    TRUNCATED = "truncated"
    NEAREST = "nearest"
    EXACT = "exact"


class Mirroring(Enum):
    """Where a keypoint of a mirrored picture is expected on a map that is ``width`` pixels wide.

    ``COLUMNS``: x on the map becomes width - 1 - x at every resolution, which lies ``stride - 1`` input pixels off the
    picture's content; a mirrored test then needs no shift of the maps (HigherHRNet).
    ``POINTS``: x becomes width - x (associative embedding hourglass).
    ``PICTURE``: where the mirrored picture shows it.
    """

    COLUMNS = "columns"
    POINTS = "points"
    PICTURE = "picture"


class MultiPersonTargets(NamedTuple):
    """What a bottom-up network is trained towards; one entry per resolution.

    Attributes:
        heatmaps: (B, K, h, w) float32; where people's marks meet, the larger value counts.
        positions: (B, P, K) int64 indices into the flattened tag maps, 0 where not ``used``: ``joint * h * w + y * w + x``, or
            ``y * w + x`` for a tag map that all keypoints share.
        used: (B, P, K) booleans: labelled, and inside the map.
        masks: (B, h, w), 0 where the heatmap loss does not count; None to count everything.
    """

    heatmaps: list[Tensor]
    positions: list[Tensor]
    used: list[Tensor]
    masks: list[Tensor] | None


@dataclass(frozen=True)
class MultiPersonEncoder:
    """Keypoints of all people of a picture to heatmaps and tag positions (Cheng et al., HigherHRNet, CVPR 2020, section 3).

    Args:
        input_size: (height, width) of the network's input.
        map_sizes: (height, width) of the maps of each resolution.
        sigma: of the Gaussians, in pixels of each map alike; None for a 64th of the map's side.
        placement, mirroring: the convention.
        shared_tags: all keypoints share one tag map.
    """

    input_size: tuple[int, int]
    map_sizes: tuple[tuple[int, int], ...]
    sigma: float | None = 2.0
    placement: Placement = Placement.TRUNCATED
    mirroring: Mirroring = Mirroring.COLUMNS
    shared_tags: bool = False

    def __post_init__(self) -> None:
        if not self.map_sizes or min(min(size) for size in (self.input_size, *self.map_sizes)) < 1:
            raise ValueError(f"sizes are (height, width) of at least 1, got input {self.input_size}, maps {self.map_sizes}")
        if self.sigma is not None and not self.sigma > 0:
            raise ValueError(f"sigma must be positive, or None for a 64th of the map, got {self.sigma}")

    def encode(
        self,
        keypoints: Tensor,
        visibility: Tensor,
        masks: Sequence[Tensor] | None = None,
        sigmas: Tensor | None = None,
        mirrored: Tensor | None = None,
    ) -> MultiPersonTargets:
        """Draw the targets of a batch.

        Args:
            keypoints: (B, P, K, 2) pixels of the network's input; rows of people who are not there have visibility 0.
            visibility: (B, P, K), above 0 where labelled.
            masks: (B, h, w) for each resolution.
            sigmas: (B, P), a sigma for each person (scale-aware targets); by default ``sigma`` for all.
            mirrored: (B,) booleans, for `Mirroring`.

        Raises:
            ValueError: shapes that do not fit each other, or no keypoints at all (K = 0).
        """
        self._check(keypoints, visibility, masks)
        levels = []
        for size in self.map_sizes:
            points = self.on_map(keypoints, size, mirrored)
            spread = sigmas if sigmas is not None else points.new_full(points.shape[:2], self._sigma_of(size))
            levels.append(self._draw(points, visibility > 0, spread, size))
        heatmaps, positions, used = (list(parts) for parts in zip(*levels, strict=True))
        return MultiPersonTargets(heatmaps, positions, used, None if masks is None else list(masks))

    def on_map(self, keypoints: Tensor, size: tuple[int, int], mirrored: Tensor | None = None) -> Tensor:
        """Input pixels (B, P, K, 2) in pixels of a map of ``size`` (height, width), before rounding."""
        unit = 1 if self.placement is Placement.EXACT else 0
        stride = [max(i - unit, 1) / max(m - unit, 1) for i, m in zip(self.input_size[::-1], size[::-1], strict=True)]
        points = keypoints / torch.tensor(stride, device=keypoints.device)
        if mirrored is None or self.mirroring is Mirroring.PICTURE:
            return points
        # The picture's x became input width - 1 - x; what the convention makes of the map's x differs by this constant.
        shift = size[1] - (self.input_size[1] - 1) / stride[0] - (1 if self.mirroring is Mirroring.COLUMNS else 0)
        return points + mirrored.to(points.dtype)[:, None, None, None] * points.new_tensor([shift, 0.0])

    def _sigma_of(self, size: tuple[int, int]) -> float:
        return math.sqrt(size[0] * size[1]) / 64 if self.sigma is None else self.sigma

    def _draw(self, points: Tensor, labelled: Tensor, sigmas: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Heatmaps, positions and used flags of one resolution."""
        batch, _, joints = labelled.shape
        height, width = size
        pixel = points.trunc() if self.placement is Placement.TRUNCATED else (points + 0.5).trunc()
        limit = pixel.new_tensor([width, height])
        used = labelled & ((pixel >= 0) & (pixel < limit)).all(dim=-1)
        column, row = torch.where(used[..., None], pixel, 0).long().unbind(-1)
        position = row * width + column
        if not self.shared_tags:
            position = position + torch.arange(joints, device=points.device) * (height * width)
        position = torch.where(used, position, 0)

        heatmaps = torch.zeros(batch * joints * height * width, device=points.device)
        # Only who is there is drawn: most rows of a batch are empty.
        picture, person, joint = (used if self.placement is Placement.TRUNCATED else labelled).nonzero(as_tuple=True)
        if len(picture):
            exact, near = points[picture, person, joint], pixel[picture, person, joint]
            sigma = sigmas[picture, person].to(points.dtype)[:, None]
            reach = math.ceil(3 * float(sigma.max())) + 2
            columns, x_values = self._profile(exact[:, :1], near[:, :1], sigma, reach, width)
            rows, y_values = self._profile(exact[:, 1:], near[:, 1:], sigma, reach, height)
            start = (picture * joints + joint) * (height * width)
            cells = start[:, None, None] + rows[:, :, None] * width + columns[:, None, :]
            # All marks are laid onto the maps at once; each joint has a map of its own, so only people compete.
            heatmaps.scatter_reduce_(0, cells.flatten(), (y_values[:, :, None] * x_values[:, None, :]).flatten(), reduce="amax")
        return heatmaps.reshape(batch, joints, height, width), position, used

    def _profile(self, exact: Tensor, pixel: Tensor, sigma: Tensor, reach: int, length: int) -> tuple[Tensor, Tensor]:
        """Along one axis of N keypoints (N, 1): pixels (N, 2 reach + 1) around each, the Gaussian there, 0 outside its window.

        Pixels outside the map, or not a number, are replaced by 0; their value is 0.
        """
        match self.placement:
            case Placement.TRUNCATED:
                low, high = (pixel - 3 * sigma - 1).round(), (pixel + 3 * sigma + 2).round()
                peak = low + (3 * sigma + 1)
            case Placement.NEAREST | Placement.EXACT:
                low, high = (pixel - 3 * sigma).trunc(), (pixel + 3 * sigma + 1).trunc()
                peak = exact if self.placement is Placement.EXACT else pixel
        steps = pixel + torch.arange(-reach, reach + 1, device=pixel.device)
        shown = (steps >= low.clamp(min=0)) & (steps < high.clamp(max=length))
        values = torch.exp(-(steps - peak).square() / (2 * sigma.square()))
        return torch.where(shown, steps, 0).long(), torch.where(shown, values, 0).float()

    def _check(self, keypoints: Tensor, visibility: Tensor, masks: Sequence[Tensor] | None) -> None:
        if keypoints.ndim != 4 or keypoints.shape[-1] != 2 or keypoints.shape[:-1] != visibility.shape:
            raise ValueError(
                "expected keypoints (B, P, K, 2) and visibility (B, P, K), got "
                f"{tuple(keypoints.shape)} and {tuple(visibility.shape)}"
            )
        if keypoints.shape[2] == 0:
            raise ValueError("a network needs at least one keypoint, got K = 0")
        expected = [(len(keypoints), *size) for size in self.map_sizes]
        if masks is not None and [tuple(mask.shape) for mask in masks] != expected:
            raise ValueError(f"expected masks of shapes {expected}, got {[tuple(mask.shape) for mask in masks]}")
