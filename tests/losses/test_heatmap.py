"""Heatmap losses against recorded values and gradients, and in their corner cases."""

from __future__ import annotations

import pytest
import torch
from golden.cases import assert_close, cases_of
from torch import Tensor, nn

from hrnet.losses import CombinedTargetLoss, HeatmapMSELoss

case = cases_of("topdown")


def tensors(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Output (requiring a gradient), target, and weights (B, K)."""
    given = case(name).inputs
    output, target, weights = (torch.from_numpy(given[key]).clone() for key in ("output", "target", "target_weight"))
    return output.requires_grad_(), target, weights.squeeze(-1)


def value_and_gradient(loss: nn.Module, output: Tensor, target: Tensor, weights: Tensor) -> tuple[float, Tensor]:
    value = loss(output, target, weights)
    (gradient,) = torch.autograd.grad(value, output)
    return value.item(), gradient


@pytest.mark.parametrize("kind", ["weighted", "plain"])
def test_mean_squared_error(kind: str) -> None:
    recorded = case("td_joints_mse_loss")
    output, target, weights = tensors(recorded.name)
    if kind == "plain":
        weights = torch.ones_like(weights)
    value, gradient = value_and_gradient(HeatmapMSELoss(), output, target, weights)
    assert_close(recorded, f"loss_{kind}", value)
    assert_close(recorded, f"grad_l2_{kind}", gradient.norm())
    assert_close(recorded, f"grad_first_map_{kind}", gradient[0, 0])


@pytest.mark.parametrize("kind", ["weighted", "plain"])
@pytest.mark.parametrize("hardest", [3, 8])
def test_hardest_keypoints(kind: str, hardest: int) -> None:
    recorded = case("td_ohkm_loss")
    output, target, weights = tensors(recorded.name)
    if kind == "plain":
        weights = torch.ones_like(weights)
    value, gradient = value_and_gradient(HeatmapMSELoss(hardest), output, target, weights)
    assert_close(recorded, f"loss_{kind}_top{hardest}", value)
    assert_close(recorded, f"grad_l2_{kind}_top{hardest}", gradient.norm())


def test_variants_of_openmmlab() -> None:
    recorded = case("td_losses_mmpose_style")
    output, target, weights = tensors(recorded.name)
    assert_close(recorded, "keypoint_mse", HeatmapMSELoss(weigh_squares=True)(output, target, weights).detach())
    # Theirs lacks the factor 0.5 but weighs the maps, as the reference does.
    assert_close(recorded, "ohkm_top8", 2 * HeatmapMSELoss(hardest=8)(output, target, weights).detach())
    channels = recorded.inputs["combined_channels"]
    combined = CombinedTargetLoss()(output[:, :channels], target[:, :channels], weights[:, : channels // 3])
    assert_close(recorded, "combined_target", combined.detach())


def test_keypoints_without_weight_teach_nothing() -> None:
    output = torch.randn(2, 4, 8, 6, requires_grad=True)
    weights = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).expand(2, 4)
    _, gradient = value_and_gradient(HeatmapMSELoss(), output, torch.zeros_like(output), weights)
    assert gradient[:, 1::2].abs().sum() == 0
    assert gradient[:, ::2].abs().sum() > 0
    nothing, gradient = value_and_gradient(HeatmapMSELoss(), output, torch.zeros_like(output), torch.zeros(2, 4))
    assert nothing == 0
    assert gradient.abs().sum() == 0


def test_combined_offsets_count_within_the_disc_alone() -> None:
    target = torch.zeros(1, 3, 8, 8)
    target[0, 0, 2:5, 2:5] = 1
    output = target.clone()
    output[0, 1:, 6:, 6:] = 100
    assert CombinedTargetLoss()(output, target, torch.ones(1, 1)) == 0
    output[0, 1, 3, 3] = 2
    assert CombinedTargetLoss()(output, target, torch.ones(1, 1)).item() == pytest.approx(0.5 * 4 / 64)


@pytest.mark.parametrize(
    "loss", [HeatmapMSELoss(), HeatmapMSELoss(2), HeatmapMSELoss(weigh_squares=True), CombinedTargetLoss()]
)
def test_half_precision_outputs_are_compared_in_single_precision(loss: nn.Module) -> None:
    output, target = torch.randn(2, 6, 8, 6).bfloat16(), torch.rand(2, 6, 8, 6)
    weights = torch.ones(2, 2 if isinstance(loss, CombinedTargetLoss) else 6)
    value = loss(output, target, weights)
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(output.float(), target, weights))


def test_more_hard_keypoints_than_there_are() -> None:
    output, target, weights = torch.randn(2, 4, 8, 6), torch.rand(2, 4, 8, 6), torch.rand(2, 4)
    assert HeatmapMSELoss(hardest=8)(output, target, weights).item() == pytest.approx(
        HeatmapMSELoss()(output, target, weights).item()
    )
    with pytest.raises(ValueError, match="at least 1"):
        HeatmapMSELoss(hardest=0)
