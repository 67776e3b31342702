"""The loss that tells left from right."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hrnet.losses import HeatmapMSELoss, MirrorLoss

FLIP = (1, 0, 2)  # a pair, and one keypoint in the middle


def maps(*places: tuple[int, int]) -> Tensor:
    """(1, K, 8, 8) with a peak of 1 at each (x, y)."""
    maps = torch.zeros(1, len(places), 8, 8)
    for k, (x, y) in enumerate(places):
        maps[0, k, y, x] = 1
    return maps


TARGET = maps((1, 3), (6, 3), (4, 0))
LABELLED = torch.ones(1, 3)


@pytest.mark.parametrize(
    ("output", "margin"), [(TARGET, 1), (TARGET[:, [1, 0, 2]], -1), ((TARGET + TARGET[:, [1, 0, 2]]) / 2, 0)]
)
def test_margin_of_right_exchanged_and_undecided_maps(output: Tensor, margin: float) -> None:
    assert MirrorLoss(FLIP, 3.0)(output, TARGET, LABELLED).item() == pytest.approx(math.log(1 + math.exp(-3 * margin)))


def test_keypoint_without_a_pair_does_not_count() -> None:
    loss = MirrorLoss(FLIP)
    other = TARGET.clone()
    other[:, 2] = 7
    assert loss(other, TARGET, LABELLED) == loss(TARGET, TARGET, LABELLED)
    assert MirrorLoss((0, 1, 2))(other, TARGET, LABELLED) == 0


def test_pair_with_one_label_does_not_count() -> None:
    half_labelled = maps((1, 3), (6, 3), (4, 0))
    half_labelled[:, 1] = 0
    output = TARGET.clone().requires_grad_()
    MirrorLoss(FLIP)(output, half_labelled, torch.tensor([[1.0, 0.0, 1.0]])).backward()
    assert output.grad is not None
    assert not output.grad.any()


def test_leaves_the_saddle_of_squared_errors() -> None:
    # A channel that tells the sides apart and one that does not: both maps start as equal readings of the second.
    undecided = (TARGET[:, 0] + TARGET[:, 1]) / 2
    side = TARGET[:, 0] - TARGET[:, 1]

    def slope_of_features(weight: float) -> float:
        """Of how far the two maps read an, as yet empty, side channel: by its contents."""
        content = torch.zeros(1, requires_grad=True)
        output = torch.stack([undecided + weight * content * side, undecided - weight * content * side, TARGET[:, 2]], dim=1)
        loss = HeatmapMSELoss()(output, TARGET, LABELLED) + MirrorLoss(FLIP)(output, TARGET, LABELLED)
        return torch.autograd.grad(loss, content)[0].item()

    assert slope_of_features(0.0) == 0
    assert slope_of_features(0.1) < 0  # any start leads on ...
    assert slope_of_features(-0.1) > 0  # ... in its own direction


def test_network_in_reduced_precision() -> None:
    loss = MirrorLoss(FLIP)(TARGET.bfloat16(), TARGET, LABELLED)
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
