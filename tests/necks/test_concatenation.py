"""The concatenation of all resolutions."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.exchange import Upsampling


def branches(height: int, width: int) -> list[torch.Tensor]:
    """Maps of 2, 4, 8 and 16 channels, each half the size of the one before, rounded up."""
    return [torch.randn(3, 2 << level, -(-height >> level), -(-width >> level)) for level in range(4)]


@pytest.mark.parametrize("size", [(16, 24), (19, 27), (1, 1), (13, 8)])
def test_all_channels_at_the_finest_size(size: tuple[int, int]) -> None:
    features = branches(*size)
    whole = concatenate_branches(features)
    assert whole.shape == (3, 2 + 4 + 8 + 16, *size)
    assert torch.equal(whole[:, :2], features[0])


@pytest.mark.parametrize("align_corners", [False, True])
def test_order_and_upsampling(align_corners: bool) -> None:
    features = branches(19, 27)
    parts = concatenate_branches(features, Upsampling("bilinear", align_corners)).split([2, 4, 8, 16], dim=1)
    for part, feature in zip(parts, features, strict=True):
        expected = F.interpolate(feature, size=(19, 27), mode="bilinear", align_corners=align_corners)
        assert torch.allclose(part, expected, atol=1e-6)


def test_bilinear_unless_told_otherwise() -> None:
    features = branches(8, 8)
    assert torch.equal(concatenate_branches(features), concatenate_branches(features, Upsampling("bilinear")))
    assert not torch.allclose(concatenate_branches(features), concatenate_branches(features, Upsampling("nearest")))


def test_one_map_stays_what_it_is() -> None:
    features = branches(8, 8)[:1]
    assert torch.equal(concatenate_branches(features), features[0])
