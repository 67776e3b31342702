"""The feature pyramid: sizes, what a level averages, and small pictures."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hrnet.necks.hrfpn import HRFPN

CHANNELS = (2, 4, 8, 16)


def branches(height: int, width: int, batch: int = 2) -> list[Tensor]:
    """Random maps of the four branches of a picture."""
    sizes = [tuple(-(-side // stride) for side in (height, width)) for stride in (4, 8, 16, 32)]
    return [torch.randn(batch, channels, *size) for channels, size in zip(CHANNELS, sizes, strict=True)]


@pytest.mark.parametrize(("stride", "first"), [(1, 4), (2, 8)])
def test_every_level_halves(stride: int, first: int) -> None:
    levels = HRFPN(CHANNELS, out_channels=6, stride=stride)(branches(128, 256))
    assert [tuple(level.shape) for level in levels] == [
        (2, 6, 128 // first // 2**index, 256 // first // 2**index) for index in range(5)
    ]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (33, 65), (64, 8), (75, 200)])
def test_pictures_of_any_size_have_every_level(size: tuple[int, int], stride: int) -> None:
    levels = HRFPN(CHANNELS, out_channels=6, stride=stride)(branches(*size))
    assert len(levels) == 5
    for coarse, fine in zip(levels[1:], levels, strict=False):
        assert coarse.isfinite().all()
        assert all(1 <= small <= large for small, large in zip(coarse.shape[2:], fine.shape[2:], strict=True))


def test_a_level_is_a_mean_of_squares() -> None:
    neck = HRFPN(CHANNELS, out_channels=6, num_levels=3)
    maps = branches(32, 32, batch=1)
    with torch.no_grad():
        levels = neck(maps)
        enlarged = [F.interpolate(x, scale_factor=2**b, mode="bilinear") if b else x for b, x in enumerate(maps)]
        fused = neck.reduction_conv(torch.cat(enlarged, dim=1))
        squares = fused.reshape(1, 6, 2, 4, 2, 4).mean(dim=(3, 5))
        assert torch.allclose(levels[2], neck.fpn_convs[2](squares), atol=1e-5)
        assert torch.allclose(levels[0], neck.fpn_convs[0](fused), atol=1e-5)


def test_levels_have_layers_of_their_own() -> None:
    neck = HRFPN(CHANNELS, out_channels=6)
    neck(branches(64, 64))[3].square().mean().backward()
    trained = {key for key, parameter in neck.named_parameters() if parameter.grad is not None}
    assert trained == {f"{layer}.conv.{kind}" for layer in ("reduction_conv", "fpn_convs.3") for kind in ("weight", "bias")}


def test_impossible_numbers() -> None:
    with pytest.raises(ValueError, match="num_levels=0"):
        HRFPN(CHANNELS, num_levels=0)
