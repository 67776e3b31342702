"""The blur, beside a convolution."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
import torch.nn.functional as F

from hrnet.codecs.peaks import gaussian_blur


@pytest.mark.parametrize("padding", ["zeros", "mirror"])
@pytest.mark.parametrize("size", [(12, 16), (64, 48)])
def test_blur_is_a_convolution_with_a_gaussian(padding: Literal["zeros", "mirror"], size: tuple[int, int]) -> None:
    maps = torch.randn(2, 3, *size, dtype=torch.float64)
    offsets = torch.arange(-5, 6, dtype=torch.float64)
    kernel = torch.exp(-offsets.square() / (2 * 2.0**2))  # the rule gives sigma 2 for 11 pixels
    kernel = kernel / kernel.sum()
    padded = F.pad(maps, [5] * 4, mode="reflect" if padding == "mirror" else "constant")
    expected = F.conv2d(padded.flatten(0, 1).unsqueeze(1), torch.outer(kernel, kernel)[None, None]).view_as(maps)
    torch.testing.assert_close(gaussian_blur(maps, 11, padding), expected)


def test_blur_needs_an_odd_kernel() -> None:
    with pytest.raises(ValueError, match="odd"):
        gaussian_blur(torch.zeros(1, 1, 8, 8), 4)
