from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hrnet.losses.pixel_embedding import InstanceTargets, PixelEmbeddingLoss, foreground_targets, sample_pixels


def labels_of_three() -> Tensor:
    labels = torch.zeros(1, 16, 16, dtype=torch.int16)
    labels[0, :8, :8], labels[0, 8:, 8:], labels[0, 12:, :4] = 1, 3, -1
    return labels


def targets_of(labels: Tensor, instances: int = 4, samples: int = 16) -> InstanceTargets:
    draws = torch.rand(len(labels), instances, samples, generator=torch.Generator().manual_seed(0))
    return InstanceTargets(labels, torch.zeros(len(labels), instances, dtype=torch.int64), draws)


def test_sampled_pixels_are_the_instances_own() -> None:
    labels = torch.randint(-1, 5, (3, 20, 30), generator=torch.Generator().manual_seed(1))
    draws = torch.rand(3, 6, 40)
    positions, used = sample_pixels(labels, draws)
    owners = labels.flatten(1).gather(1, positions.flatten(1)).view(3, 6, 40)
    assert used[:, :4].all()
    assert not used[:, 4:].any()
    assert (owners[:, :4] == torch.arange(1, 5)[:, None]).all()


def test_every_pixel_may_be_picked() -> None:
    positions, _ = sample_pixels(labels_of_three(), torch.linspace(0, 1, 640).expand(1, 3, 640))
    inside = labels_of_three().flatten(1)[0] == 1
    assert torch.equal(positions[0, 0].unique(), inside.nonzero()[:, 0])
    assert positions[0, 0].bincount(minlength=256)[inside].tolist() == pytest.approx([10] * 64, abs=1)


def test_foreground_of_each_class() -> None:
    found = foreground_targets(labels_of_three(), torch.tensor([[1, -1, 0]]), 2)
    assert torch.equal(found[0, 0] > 0, labels_of_three()[0] == 3)
    assert torch.equal(found[0, 1] > 0, labels_of_three()[0] == 1)


def test_pull_and_push_by_hand() -> None:
    """Of embeddings that are 0 or 1 in instance 1, 2 in instance 3; everything is sampled evenly."""
    embeddings = torch.zeros(1, 2, 16, 16)
    embeddings[0, :, :8, 4:8] = 1
    embeddings[0, :, 8:, 8:] = 2
    even = (torch.arange(64) + 0.5) / 64
    targets = InstanceTargets(labels_of_three(), torch.zeros(1, 3, dtype=torch.int64), even.expand(1, 3, 64))
    losses = PixelEmbeddingLoss(2, pull_weight=2.0, push_weight=3.0)(torch.zeros(1, 1, 16, 16), embeddings, targets)
    assert losses["pull"].item() == pytest.approx(2.0 * 0.25 / 2)
    assert losses["push"].item() == pytest.approx(3.0 * 0.5 * math.exp(-2 * 1.5**2), rel=1e-4)
    assert losses["foreground"].item() == pytest.approx(math.log(2))
    assert losses["total"].item() == pytest.approx(sum(losses[name].item() for name in ("foreground", "pull", "push")))


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("push", ["exp", "max"])
def test_nobody_and_one_alone(count: int, push: str) -> None:
    labels = torch.zeros(2, 16, 16, dtype=torch.int16)
    if count:
        labels[0, 2:10, 2:10] = 1
    embeddings = torch.randn(2, 3, 4, 4, requires_grad=True)
    logits = torch.zeros(2, 1, 4, 4, requires_grad=True)
    losses = PixelEmbeddingLoss(3, push)(logits, embeddings, targets_of(labels))  # pyright: ignore[reportArgumentType]
    assert losses["push"] == 0
    assert (losses["pull"] > 0) == bool(count)
    losses["total"].backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def test_what_does_not_count_is_not_looked_at() -> None:
    labels = labels_of_three()
    logits = torch.zeros(1, 1, 16, 16)
    logits[:, :, 12:, :4] = torch.inf
    loss = PixelEmbeddingLoss(2)
    assert loss(logits, torch.zeros(1, 2, 16, 16), targets_of(labels))["foreground"].item() == pytest.approx(math.log(2))
    nothing = loss(logits, torch.zeros(1, 2, 16, 16), targets_of(torch.full_like(labels, -1)))
    assert nothing["total"] == 0


def test_descending_parts_instances() -> None:
    targets = targets_of(labels_of_three())
    embeddings = (0.1 * torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(2))).requires_grad_()
    optimizer = torch.optim.Adam([embeddings], 0.1)
    loss = PixelEmbeddingLoss(2, push="max", pull_weight=4.0)
    for _ in range(60):
        optimizer.zero_grad()
        loss(torch.zeros(1, 1, 16, 16), embeddings, targets)["total"].backward()
        optimizer.step()
    picked = embeddings.detach().flatten(2)[0][:, sample_pixels(targets.labels, targets.draws).positions[0]]  # (2, N, S)
    means = picked.mean(dim=2)
    assert (means[:, 0] - means[:, 2]).norm() > 0.9
    assert picked[:, [0, 2]].std(dim=2).max() < 0.1


def test_sizes_that_do_not_divide() -> None:
    with pytest.raises(ValueError, match="multiple of 5 x 4"):
        PixelEmbeddingLoss(2)(torch.zeros(1, 1, 5, 4), torch.zeros(1, 2, 5, 4), targets_of(labels_of_three()))
