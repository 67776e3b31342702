"""Pictures as they are stored to inputs as networks want them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PictureNormalization(nn.Module):
    """Subtract the mean and divide by the deviation.

    Args:
        mean, std: of the channels, in 0..1 units, in ``channel_order``.
        channel_order: ``"rgb"``, or ``"bgr"`` to turn the channels round.
    """

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], channel_order: str = "rgb") -> None:
        super().__init__()
        self.channel_order = channel_order
        self.register_buffer("mean", torch.tensor(mean) * 255, persistent=False)
        self.register_buffer("deviation", torch.tensor(std) * 255, persistent=False)

    mean: Tensor
    deviation: Tensor

    def forward(self, images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """uint8 RGB pictures (B, H, W, 3) to (B, 3, H, W) of ``dtype``, channels last in memory."""
        if self.channel_order == "bgr":
            images = images.flip(-1)
        width = images.shape[2]
        # On whole rows, where broadcasting over three channels at a time would take ten times as long.
        rows = images.flatten(2).to(torch.float32, copy=True)
        rows.sub_(self.mean.repeat(width)).div_(self.deviation.repeat(width))
        return rows.to(dtype).unflatten(2, (width, 3)).permute(0, 3, 1, 2)
