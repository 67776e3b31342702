"""Recorded losses of HigherHRNet, the associative embedding hourglass and OpenMMLab, and their gradients."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of
from torch import Tensor

from hrnet.codecs.multi_person_targets import MultiPersonTargets
from hrnet.losses.associative_embedding import (
    MaskedHeatmapLoss,
    MultiResolutionLoss,
    OpenMMLabTagLoss,
    StackedLoss,
    TagLoss,
    TagLosses,
)

case = cases_of("bottom_up_training")


def split(joints: np.ndarray) -> tuple[Tensor, Tensor]:
    """Positions and used flags of a record (B, P, K, 2)."""
    return torch.from_numpy(joints[..., 0]), torch.from_numpy(joints[..., 1] > 0)


def assert_losses(recorded: Case, suffix: str, losses: TagLosses) -> None:
    assert_close(recorded, f"push_{suffix}", losses.push.detach())
    assert_close(recorded, f"pull_{suffix}", losses.pull.detach())


def assert_gradient(recorded: Case, suffix: str, losses: TagLosses, tags: Tensor) -> None:
    """The record has the gradient of sum(push) + 2 sum(pull) where it is largest."""
    (losses.push.sum() + 2 * losses.pull.sum()).backward()
    assert tags.grad is not None
    gradient = tags.grad.numpy().ravel()
    assert_close(recorded, f"grad_l2_{suffix}", np.linalg.norm(gradient.astype(np.float64)))
    index = recorded.outputs[f"grad_index_{suffix}"]
    if len(index):
        assert_close(recorded, f"grad_value_{suffix}", gradient[index])
    else:
        assert not gradient.any()


@pytest.mark.parametrize("scene", ["none", "one", "two", "five", "mixed_batch"])
@pytest.mark.parametrize("kind", ["exp", "max"])
def test_tag_loss(kind: Literal["exp", "max"], scene: str) -> None:
    recorded = case(f"bu_ae_loss_{kind}")
    tags = torch.from_numpy(recorded.inputs[f"tags_{scene}"]).requires_grad_()
    losses = TagLoss(kind)(tags, *split(recorded.inputs[f"joints_{scene}"]))
    assert_losses(recorded, scene, losses)
    assert_gradient(recorded, scene, losses, tags)


def hourglass_tags(recorded: Case, dimensions: int, scene: str) -> Tensor:
    """(B, joint * res * res + y * res + x, D) of the record."""
    return torch.from_numpy(recorded.inputs[f"tags_dim{dimensions}_{scene}"])


def as_maps(tags: Tensor) -> Tensor:
    return tags.transpose(1, 2).unflatten(2, (17, 10, 10)).flatten(1, 2)


@pytest.mark.parametrize("scene", ["none", "one", "two", "batch"])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_hourglass_tag_loss(dimensions: int, scene: str) -> None:
    recorded = case("ae_tag_loss")
    tags = hourglass_tags(recorded, dimensions, scene).requires_grad_()
    joints = split(recorded.inputs[f"keypoints_dim{dimensions}_{scene}"])
    losses = TagLoss(dimensions=dimensions)(as_maps(tags), *joints)
    assert_losses(recorded, f"dim{dimensions}_{scene}", losses)
    assert_gradient(recorded, f"dim{dimensions}_{scene}", losses, tags)


@pytest.mark.parametrize("scene", ["none", "one", "two", "batch"])
def test_hourglass_tag_loss_as_written_out(scene: str) -> None:
    recorded = case("ae_tag_loss_python_version")
    tags = as_maps(hourglass_tags(recorded, 1, scene))
    assert_losses(recorded, scene, TagLoss(epsilon=1e-6)(tags, *split(recorded.inputs[f"keypoints_dim1_{scene}"])))


@pytest.mark.parametrize("dimensions", [1, 2])
def test_openmmlab_tag_loss(dimensions: int) -> None:
    recorded = case("bu_ae_loss_mmpose")
    tags = torch.from_numpy(recorded.inputs["tags"])[:, : 17 * dimensions]
    positions, used = split(recorded.inputs["keypoint_indices"])
    positions = positions + torch.arange(17) * tags.shape[2] * tags.shape[3]  # the record counts within each map
    losses = OpenMMLabTagLoss(dimensions)(tags, positions, used)
    assert_close(recorded, f"push_dim{dimensions}", losses.push.sum())
    assert_close(recorded, f"pull_dim{dimensions}", losses.pull.sum())


def test_heatmap_loss() -> None:
    recorded = case("bu_heatmap_loss")
    heatmaps, target, mask = (torch.from_numpy(recorded.inputs[key]) for key in ("pred", "target", "mask"))
    loss = MaskedHeatmapLoss()(heatmaps.requires_grad_(), target, mask)
    assert_close(recorded, "loss", loss.detach())
    loss.mean().backward()
    assert heatmaps.grad is not None
    assert_close(recorded, "grad_l2_of_batch_mean", heatmaps.grad.norm())
    assert_close(recorded, "grad_slice", heatmaps.grad[0, 0])


def targets_of(inputs: dict[str, Any], levels: list[tuple[str, str]], joints: str) -> MultiPersonTargets:
    positions, used = split(inputs[joints])
    heatmaps, masks = ([torch.from_numpy(inputs[pair[n]]) for pair in levels] for n in (0, 1))
    return MultiPersonTargets(heatmaps, [positions] * len(levels), [used] * len(levels), masks)


def test_two_resolutions() -> None:
    recorded = case("bu_multi_stage_loss")
    given = recorded.inputs
    outputs = [torch.from_numpy(given[f"out{level}"]).requires_grad_() for level in range(2)]
    targets = targets_of(given, [("target0", "mask0"), ("target1", "mask1")], "joints0")
    losses = MultiResolutionLoss(17, push_weight=given["push_factor"], pull_weight=given["pull_factor"])(outputs, targets)
    for name, value in (("heatmap_0", "heatmap_loss0"), ("heatmap_1", "heatmap_loss1"), ("push", "push0"), ("pull", "pull0")):
        assert_close(recorded, value, losses[name].detach(), recorded.outputs[value].mean())
    assert_close(recorded, "total", losses["total"].detach())
    losses["total"].backward()
    for level, output in enumerate(outputs):
        assert output.grad is not None
        assert_close(recorded, f"grad_l2_out{level}", output.grad.norm())
    tag_losses = TagLoss()(outputs[0][:, 17:], targets.positions[0], targets.used[0])
    for level, output in enumerate(outputs):
        maps = MaskedHeatmapLoss()(output[:, :17], targets.heatmaps[level], (targets.masks or [])[level])
        assert_close(recorded, f"heatmap_loss{level}", maps.detach())
    assert_close(recorded, "push0", given["push_factor"] * tag_losses.push.detach())
    assert_close(recorded, "pull0", given["pull_factor"] * tag_losses.pull.detach())


def test_stacks() -> None:
    recorded = case("ae_stacked_loss")
    given = recorded.inputs
    outputs = torch.from_numpy(given["preds_first34"])
    targets = targets_of(given, [("heatmaps", "masks")], "keypoints")
    assert_close(recorded, "total", StackedLoss(17)(outputs, targets)["total"])
    for stack, maps in enumerate(outputs.unbind(1)):
        losses = TagLoss()(maps[:, 17:], targets.positions[0], targets.used[0])
        assert_close(recorded, "push", losses.push, recorded.outputs["push"][:, stack])
        assert_close(recorded, "pull", losses.pull, recorded.outputs["pull"][:, stack])
        detection = MaskedHeatmapLoss()(maps[:, :17], targets.heatmaps[0], (targets.masks or [])[0])
        assert_close(recorded, "detection", detection, recorded.outputs["detection"][:, stack])
