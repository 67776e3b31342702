"""Where a joint lies within its pixel: three published rules."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps
from hrnet.codecs.peaks import newton_step

_FLOAT32_EPSILON = 1.1920929e-07


def quarter_offsets(
    heat: ResizedMaps, maps: Tensor, columns: Tensor, rows: Tensor, last: tuple[int, int] | None = None
) -> Tensor:
    """(N, 2): a quarter of a pixel towards the larger neighbour, backwards if they are equal, then half a pixel more.

    Args:
        maps, columns, rows: (N,) int64 pixels.
        last: (row, column) beyond which no neighbour is looked for; None for the last of the map.
    """
    last_row, last_column = last or (heat.size[0] - 1, heat.size[1] - 1)
    right = heat.at(maps, rows, (columns + 1).clamp_max(min(last_column, heat.size[1] - 1)))
    below = heat.at(maps, (rows + 1).clamp_max(min(last_row, heat.size[0] - 1)), columns)
    left, above = heat.at(maps, rows, (columns - 1).clamp_min(0)), heat.at(maps, (rows - 1).clamp_min(0), columns)
    forward = torch.stack([right > left, below > above], dim=-1)
    return 0.5 * forward + 0.25


def openmmlab_offsets(heat: ResizedMaps, maps: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """(N, 2): as `quarter_offsets`, but nothing between equal neighbours or near the border, each axis for itself."""
    height, width = heat.size
    right, left = heat.at(maps, rows, (columns + 1).clamp_max(width - 1)), heat.at(maps, rows, (columns - 1).clamp_min(0))
    below, above = heat.at(maps, (rows + 1).clamp_max(height - 1), columns), heat.at(maps, (rows - 1).clamp_min(0), columns)
    movable = torch.stack(
        [(columns > 1) & (columns < width - 1) & (rows > 0), (rows > 1) & (rows < height - 1) & (columns > 0)], dim=-1
    )
    return 0.25 * torch.stack([right - left, below - above], dim=-1).sign() * movable + 0.5


def udp_offsets(heat: ResizedMaps, maps: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """(N, 2): one Newton step on `smoothed_logarithm` (Huang et al., UDP, CVPR 2020), as the UDP codec does."""
    smooth = smoothed_logarithm(heat)
    height, width = heat.size

    def at(dx: int, dy: int) -> Tensor:
        return smooth.at(maps, (rows + dy).clamp(0, height - 1), (columns + dx).clamp(0, width - 1))

    center, right, left, below, above = at(0, 0), at(1, 0), at(-1, 0), at(0, 1), at(0, -1)
    gradient_x, gradient_y = 0.5 * (right - left), 0.5 * (below - above)
    curvature_xx = right - 2 * center + left + _FLOAT32_EPSILON
    curvature_yy = below - 2 * center + above + _FLOAT32_EPSILON
    curvature_xy = 0.5 * (at(1, 1) - right - below + 2 * center - left - above + at(-1, -1))
    return newton_step(gradient_x, gradient_y, curvature_xx, curvature_yy, curvature_xy)


def smoothed_logarithm(heat: ResizedMaps) -> ResizedMaps:
    """Logarithm of heat smoothed over three pixels (1, 2, 1), each map rescaled to its maximum before, within [1e-3, 50]."""
    maps = heat.dense()
    smooth = F.pad(maps, [1, 1, 1, 1])
    smooth = (smooth[..., :-2] + 2 * smooth[..., 1:-1] + smooth[..., 2:]) / 4
    smooth = (smooth[:, :-2] + 2 * smooth[:, 1:-1] + smooth[:, 2:]) / 4
    ratio = maps.amax(dim=(1, 2), keepdim=True) / smooth.amax(dim=(1, 2), keepdim=True).clamp_min(1e-20)
    return ResizedMaps([(smooth * ratio).clamp(1e-3, 50).log()])
