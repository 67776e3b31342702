"""Operations on stacks of heatmaps that several codecs share. All are batched and free of data-dependent Python."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


def find_peaks(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Largest pixel of each map (the first in reading order on ties).

    Args:
        heatmaps: (B, K, H, W).

    Returns:
        positions (B, K, 2) int64 as (x, y), and values (B, K). Maps without a positive pixel give (0, 0).
    """
    width = heatmaps.shape[-1]
    values, index = heatmaps.flatten(2).max(dim=2)
    positions = torch.stack([index % width, index.div(width, rounding_mode="floor")], dim=-1)
    return positions * (values > 0).unsqueeze(-1), values


def pixels_at(heatmaps: Tensor, positions: Tensor, dx: int = 0, dy: int = 0) -> Tensor:
    """Values (B, K) of maps (B, K, H, W) at positions (B, K, 2) + (dx, dy); beyond the border the border's pixel counts."""
    height, width = heatmaps.shape[-2:]
    x = (positions[..., 0] + dx).clamp(0, width - 1)
    y = (positions[..., 1] + dy).clamp(0, height - 1)
    return heatmaps.flatten(2).gather(2, (y * width + x).unsqueeze(-1)).squeeze(-1)


def is_refinable(positions: Tensor, heatmaps: Tensor, margin: int) -> Tensor:
    """(B, K, 2) booleans per axis: 1 < x < W - margin, the reference's (lopsided) test for a peak that may move."""
    limits = torch.tensor([heatmaps.shape[-1] - margin, heatmaps.shape[-2] - margin], device=positions.device)
    return (positions > 1) & (positions < limits)


def gaussian_blur(heatmaps: Tensor, kernel_size: int, padding: Literal["zeros", "mirror"] = "zeros") -> Tensor:
    """Blur (B, K, H, W) with a Gaussian of sigma 0.3 ((k - 1) / 2 - 1) + 0.8, OpenCV's rule for a kernel of k pixels."""
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd, got {kernel_size}")
    radius = kernel_size // 2
    sigma = 0.3 * (radius - 1) + 0.8
    offsets = torch.arange(-radius, radius + 1, device=heatmaps.device, dtype=heatmaps.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    height, width = heatmaps.shape[-2:]
    # Two matrix products: a convolution of one channel by one is more than ten times slower on a CPU.
    return _blur_matrix(kernel, height, padding).T @ (heatmaps @ _blur_matrix(kernel, width, padding))


def _blur_matrix(kernel: Tensor, length: int, padding: Literal["zeros", "mirror"]) -> Tensor:
    """(length, length): row i is what the kernel makes of a unit impulse at i."""
    impulses = torch.eye(length, device=kernel.device, dtype=kernel.dtype).unsqueeze(1)
    radius = len(kernel) // 2
    padded = F.pad(impulses, [radius, radius], mode="reflect" if padding == "mirror" else "constant")
    return F.conv1d(padded, kernel.view(1, 1, -1)).squeeze(1)


def blur_keeping_peaks(heatmaps: Tensor, kernel_size: int) -> Tensor:
    """Blur, then rescale each map so that its maximum is as before (Zhang et al., DARK, CVPR 2020, section 3.2)."""
    blurred = gaussian_blur(heatmaps, kernel_size)
    # A map without any response has a maximum of 0 after the blur as before it: the floor avoids 0 / 0.
    ratio = heatmaps.amax(dim=(2, 3), keepdim=True) / blurred.amax(dim=(2, 3), keepdim=True).clamp_min(1e-20)
    return blurred * ratio


def gaussian(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    """Outer product of two Gaussians: offsets (B, K, W) and (B, K, H) from the centre to maps (B, K, H, W), peak 1.

    Offsets that a codec cuts off are infinite.
    """
    scale = -0.5 / sigma**2
    return torch.exp(x.square() * scale).unsqueeze(-2) * torch.exp(y.square() * scale).unsqueeze(-1)


def newton_step(gradient_x: Tensor, gradient_y: Tensor, xx: Tensor, yy: Tensor, xy: Tensor) -> Tensor:
    """The step (B, K, 2) to the stationary point of a parabola, from its gradient and its second derivatives, each (B, K).

    Where the determinant of the second derivatives is 0, the step is 0.
    """
    determinant = xx * yy - xy**2
    flat = determinant == 0
    step = torch.stack([xy * gradient_y - yy * gradient_x, xy * gradient_x - xx * gradient_y], dim=-1)
    step = step / torch.where(flat, torch.ones_like(determinant), determinant).unsqueeze(-1)
    return torch.where(flat.unsqueeze(-1), torch.zeros_like(step), step)
