"""Where each keypoint is, seen from every pixel: adaptive convolutions, one group of channels per keypoint."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hrnet.errors import MissingExtraError

# Sampling positions of a 3x3 convolution around its centre, tap by tap: y, x, and 1 for translations.
REGULAR_GRID = ((-1, -1, -1, 0, 0, 0, 1, 1, 1), (-1, 0, 1, -1, 0, 1, -1, 0, 1), (1, 1, 1, 1, 1, 1, 1, 1, 1))


class DeformableConv2d(nn.Conv2d):
    """Convolution whose taps are moved by offsets, each group of channels by its own (Dai et al., ICCV 2017, section 2.1).

    Shape: x (B, C, H, W) and offsets (B, groups 2 kernel^2, H, W), pixels, per group tap by tap, y before x; to the shape
    of an ordinary convolution. Sampling is bilinear, zero outside, and computed in float32 or better.

    Raises:
        MissingExtraError: at the first call, if torchvision, which has the operator, is not installed.
    """

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            from torchvision.ops import deform_conv2d
        except ImportError as error:
            raise MissingExtraError("deformable convolutions need torchvision: pip install 'hrnet[detect]'") from error
        # A position in half precision is off by a tenth of a pixel at the far end of a heatmap.
        precision = torch.promote_types(x.dtype, torch.float32)
        out = deform_conv2d(
            x.to(precision),
            offsets.to(precision),
            self.weight.to(precision),
            None if self.bias is None else self.bias.to(precision),
            stride=(self.stride[0], self.stride[1]),
            padding=(int(self.padding[0]), int(self.padding[1])),
            dilation=(self.dilation[0], self.dilation[1]),
        )
        return out.to(x.dtype)


class AdaptiveBlock(nn.Module):
    """Residual 3x3 convolution whose sampling grid every pixel bends for itself, per group of channels.

    Source: Geng et al., "Bottom-Up Human Pose Estimation Via Disentangled Keypoint Regression", CVPR 2021, section 3.2.
    A grouped convolution predicts six numbers per group and pixel, a 2x3 matrix A: a tap at g = (y, x, 1) of the regular grid
    moves by A g. Zeros are an ordinary convolution; other matrices turn, scale, shear and shift the grid.

    Shape: (B, channels, H, W) to the same shape.
    """

    regular_matrix: Tensor

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        # Part of published state dicts, though it never changes.
        self.register_buffer("regular_matrix", torch.tensor(REGULAR_GRID, dtype=torch.float32))
        self.transform_matrix_conv = nn.Conv2d(channels, 6 * groups, 3, 1, 1, groups=groups)
        self.adapt_conv = DeformableConv2d(channels, channels, 3, 1, 1, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def start_regular(self) -> None:
        """Start training from scratch with almost the regular grid, an ordinary convolution."""
        nn.init.normal_(self.transform_matrix_conv.weight, std=0.001)
        assert self.transform_matrix_conv.bias is not None
        nn.init.zeros_(self.transform_matrix_conv.bias)

    def offsets(self, x: Tensor) -> Tensor:
        """How far each tap moves, (B, groups 18, H, W), pixels: per group tap by tap, y before x."""
        matrices = self.transform_matrix_conv(x).unflatten(1, (self.groups, 2, 3))
        moved = torch.einsum("bgarhw,rt->bgtahw", matrices, self.regular_matrix)
        return moved.flatten(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm(self.adapt_conv(x, self.offsets(x))).add_(x))
