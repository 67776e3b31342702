"""What the losses of associative embedding must do whatever the numbers: bounds, symmetry, gradients, bad input."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hrnet.codecs.multi_person_targets import MultiPersonEncoder, MultiPersonTargets
from hrnet.losses.associative_embedding import (
    MaskedHeatmapLoss,
    MultiResolutionLoss,
    OpenMMLabTagLoss,
    StackedLoss,
    TagLoss,
)

JOINTS, SIDE = 5, 12
KINDS: tuple[Literal["exp", "max"], ...] = ("exp", "max")


def people(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Positions and used flags (1, P, K) of random people, no two keypoints on one pixel; everybody has one at least."""
    generator = torch.Generator().manual_seed(seed)
    cells = torch.stack([torch.randperm(SIDE * SIDE, generator=generator)[:count] for _ in range(JOINTS)], dim=1)
    used = torch.rand(count, JOINTS, generator=generator) < 0.7
    used[:, 0] = True
    return (cells + torch.arange(JOINTS) * SIDE * SIDE)[None], used[None]


def perfect_tags(positions: Tensor, used: Tensor, dimensions: int = 1, distance: float = 20.0) -> Tensor:
    """Tags (1, D K, h, w) that are equal within people and far apart between them."""
    tags = torch.zeros(dimensions, JOINTS * SIDE * SIDE)
    for person, (row, flags) in enumerate(zip(positions[0], used[0], strict=True)):
        tags[:, row[flags]] = distance * (person + 1)
    return tags.reshape(1, dimensions * JOINTS, SIDE, SIDE)


@given(st.integers(0, 30), st.integers(1, 3), st.sampled_from(KINDS), st.integers(0, 99))
def test_perfect_tags_cost_nothing(count: int, dimensions: int, kind: Literal["exp", "max"], seed: int) -> None:
    positions, used = people(count, seed)
    losses = TagLoss(kind, dimensions)(perfect_tags(positions, used, dimensions), positions, used)
    assert losses.push.tolist() == [0.0]
    assert losses.pull.tolist() == [0.0]


@given(st.integers(1, 30), st.integers(1, 3), st.sampled_from(KINDS), st.integers(0, 99))
def test_order_of_people_does_not_matter(count: int, dimensions: int, kind: Literal["exp", "max"], seed: int) -> None:
    positions, used = people(count, seed)
    generator = torch.Generator().manual_seed(seed)
    tags = torch.randn(1, dimensions * JOINTS, SIDE, SIDE, generator=generator)
    order = torch.randperm(count, generator=generator)
    for loss in (TagLoss(kind, dimensions), OpenMMLabTagLoss(dimensions)):
        first, second = loss(tags, positions, used), loss(tags, positions[:, order], used[:, order])
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_gradients_are_finite(count: int, dimensions: int, kind: Literal["exp", "max"]) -> None:
    positions, used = people(count)
    for loss in (TagLoss(kind, dimensions), OpenMMLabTagLoss(dimensions)):
        for tags in (torch.randn(1, dimensions * JOINTS, SIDE, SIDE), torch.zeros(1, dimensions * JOINTS, SIDE, SIDE)):
            push, pull = loss(tags.requires_grad_(), positions, used)
            (push + pull).sum().backward()
            assert torch.isfinite(push).all()
            assert torch.isfinite(pull).all()
            assert tags.grad is not None
            assert torch.isfinite(tags.grad).all()


def test_empty_rows_change_nothing() -> None:
    positions, used = people(4)
    tags = torch.randn(1, JOINTS, SIDE, SIDE)
    rows = torch.zeros(1, 26, JOINTS)
    padded = TagLoss()(tags, torch.cat([positions, rows.long()], dim=1), torch.cat([used, rows.bool()], dim=1))
    torch.testing.assert_close(padded, TagLoss()(tags, positions, used))


def test_infinite_tags_where_nobody_is() -> None:
    positions, used = people(3)
    tags = torch.randn(1, JOINTS, SIDE, SIDE).flatten(1)
    hidden = torch.ones_like(tags, dtype=torch.bool)
    hidden[0, positions[used]] = False
    losses = TagLoss()(tags.masked_fill(hidden, torch.inf).reshape(1, JOINTS, SIDE, SIDE), positions, used)
    assert torch.isfinite(losses.push).all()
    assert torch.isfinite(losses.pull).all()


def test_one_map_for_all_keypoints() -> None:
    """Repeating the shared map for every keypoint gives the loss of a map each."""
    positions, used = people(3)
    shared = torch.randn(1, 1, SIDE, SIDE)
    losses = TagLoss()(shared, positions % (SIDE * SIDE), used)
    torch.testing.assert_close(losses, TagLoss()(shared.expand(-1, JOINTS, -1, -1), positions, used))


def test_half_precision_outputs() -> None:
    positions, used = people(30)
    losses = TagLoss()(100 * torch.randn(1, JOINTS, SIDE, SIDE).half(), positions, used)
    assert losses.pull.dtype == torch.float32
    assert torch.isfinite(losses.pull).all()


def test_masked_pixels_cost_nothing_but_count() -> None:
    heatmaps, target = torch.rand(2, JOINTS, 8, 8), torch.rand(2, JOINTS, 8, 8)
    loss = MaskedHeatmapLoss()
    assert loss(heatmaps, target, torch.zeros(2, 8, 8)).tolist() == [0, 0]
    half = torch.ones(2, 8, 8, dtype=torch.bool)
    half[:, :4] = False
    expected = (heatmaps - target)[:, :, 4:].square().sum(dim=(1, 2, 3)) / target[0].numel()
    torch.testing.assert_close(loss(heatmaps, target, half), expected)
    torch.testing.assert_close(loss(heatmaps, target), loss(heatmaps, target, torch.ones(2, 8, 8)))


def targets_of(count: int) -> MultiPersonTargets:
    generator = torch.Generator().manual_seed(count)
    keypoints = torch.rand(2, count, JOINTS, 2, generator=generator) * 32
    return MultiPersonEncoder((32, 32), ((8, 8), (16, 16))).encode(keypoints, torch.ones(2, count, JOINTS))


@pytest.mark.parametrize("count", [0, 1, 30])
def test_two_resolutions(count: int) -> None:
    targets = targets_of(count)
    outputs = [torch.randn(2, 2 * JOINTS, 8, 8, requires_grad=True), torch.randn(2, JOINTS, 16, 16, requires_grad=True)]
    losses = MultiResolutionLoss(JOINTS)(outputs, targets)
    assert set(losses) == {"heatmap_0", "heatmap_1", "push", "pull", "total"}
    losses["total"].backward()
    assert all(output.grad is not None and torch.isfinite(output.grad).all() for output in outputs)
    with torch.no_grad():
        perfect = [torch.cat([targets.heatmaps[0], torch.zeros(2, JOINTS, 8, 8)], dim=1), targets.heatmaps[1]]
        assert MultiResolutionLoss(JOINTS, push_weight=0)(perfect, targets)["total"].item() == 0


def test_tags_at_both_resolutions_add_up() -> None:
    targets = targets_of(3)
    outputs = [torch.randn(2, 2 * JOINTS, 8, 8), torch.randn(2, 2 * JOINTS, 16, 16)]
    both = MultiResolutionLoss(JOINTS, tag_levels=(True, True))(outputs, targets)
    apart = [MultiResolutionLoss(JOINTS, tag_levels=flags)(outputs, targets) for flags in ((True, False), (False, True))]
    for name in ("push", "pull"):
        torch.testing.assert_close(both[name], apart[0][name] + apart[1][name])


def test_stacks_are_averaged() -> None:
    encoder = MultiPersonEncoder((32, 32), ((8, 8),), None)
    targets = encoder.encode(torch.rand(2, 3, JOINTS, 2) * 32, torch.ones(2, 3, JOINTS), [torch.rand(2, 8, 8) > 0.3])
    outputs = torch.randn(2, 4, 4 * JOINTS, 8, 8)
    loss = StackedLoss(JOINTS)
    apart = torch.stack([loss(stack[:, None], targets)["total"] for stack in outputs.unbind(1)])
    torch.testing.assert_close(loss(outputs, targets)["total"], apart.mean())


def test_bad_input() -> None:
    positions, used = people(2)
    with pytest.raises(ValueError, match="'exp' or 'max'"):
        TagLoss("square")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="dimensions must be at least 1"):
        TagLoss(dimensions=0)
    with pytest.raises(ValueError, match="multiple of 2 dimensions, got 5"):
        TagLoss(dimensions=2)(torch.zeros(1, JOINTS, SIDE, SIDE), positions, used)
    with pytest.raises(ValueError, match="dimensions, got 0"):
        TagLoss()(torch.zeros(1, 0, SIDE, SIDE), positions, used)
    with pytest.raises(ValueError, match="of 3 pictures"):
        TagLoss()(torch.zeros(3, JOINTS, SIDE, SIDE), positions, used)
    with pytest.raises(ValueError, match="num_keypoints"):
        MultiResolutionLoss(0)
    with pytest.raises(ValueError, match="same resolutions"):
        MultiResolutionLoss(JOINTS, tag_levels=(True,))
    with pytest.raises(ValueError, match="expected 2 resolutions, got 1 outputs"):
        MultiResolutionLoss(JOINTS)([torch.zeros(2, 2 * JOINTS, 8, 8)], targets_of(1))
    with pytest.raises(ValueError, match="expected heatmaps of shape"):
        MaskedHeatmapLoss()(torch.zeros(1, 4, 8, 8), torch.zeros(1, JOINTS, 8, 8))
    with pytest.raises(ValueError, match="stacks"):
        StackedLoss(JOINTS)(torch.zeros(2, 4, 8, 8), targets_of(1))
