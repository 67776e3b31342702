from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden.cases import assert_close, cases_of

from hrnet.losses.classification import Mixing, classification_loss, mix_pictures

case = cases_of("classification")

LABELS = torch.tensor([0, 1, 2, 0, 3, 1])
# Each picture is of one value, its own number, so that mixtures show whose pixels they have.
INPUTS = torch.arange(6.0)[:, None, None, None].expand(6, 3, 16, 20).contiguous()


def test_golden_cross_entropy() -> None:
    recorded = case("cls_topk_accuracy")
    logits, target = torch.from_numpy(recorded.inputs["logits"]), torch.from_numpy(recorded.inputs["target"])
    assert_close(recorded, "cross_entropy", classification_loss(logits, target).item())
    one_hot = F.one_hot(target, 20).float()
    assert_close(recorded, "cross_entropy", classification_loss(logits.bfloat16().float() * 0 + logits, one_hot).item())


def test_smoothing_by_hand() -> None:
    logits = torch.randn(4, 5, dtype=torch.float64)
    labels = torch.tensor([0, 1, 4, 2])
    wanted = 0.9 * F.one_hot(labels, 5) + 0.1 / 5
    by_hand = -(wanted * logits.log_softmax(1)).sum(1).mean()
    assert classification_loss(logits, labels, 0.1).item() == pytest.approx(by_hand.item(), rel=1e-5)
    assert classification_loss(logits, F.one_hot(labels, 5).float(), 0.1).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_half_precision_is_summed_in_single() -> None:
    assert classification_loss(torch.randn(3, 4).bfloat16(), torch.tensor([0, 1, 2])).dtype == torch.float32


def test_no_mixing_by_default() -> None:
    inputs, targets = mix_pictures(INPUTS, LABELS, 4, Mixing(), 1)
    assert inputs is INPUTS
    assert (targets == F.one_hot(LABELS, 4)).all()


@pytest.mark.parametrize("seed", range(8))
def test_mixup(seed: int) -> None:
    inputs, targets = mix_pictures(INPUTS, LABELS, 4, Mixing(mixup=0.8), seed)
    assert torch.allclose(targets.sum(1), torch.ones(6))
    assert (inputs == inputs[:, :1, :1, :1]).all()  # averages of even pictures are even
    # One share for all: each picture is share * own + (1 - share) * other, and so is its target.
    others = mixed_with(seed, Mixing(mixup=0.8))
    own = torch.arange(6.0)
    moved = others != own
    share = ((inputs[:, 0, 0, 0] - others) / (own - others))[moved]
    assert torch.allclose(share, share[0].expand_as(share), atol=1e-5)
    expected = share[0] * F.one_hot(LABELS, 4) + (1 - share[0]) * F.one_hot(LABELS[others.long()], 4)
    assert torch.allclose(targets[moved], expected[moved], atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_cutmix(seed: int) -> None:
    before = INPUTS.clone()
    inputs, targets = mix_pictures(INPUTS, LABELS, 4, Mixing(cutmix=1.0), seed)
    assert (before == INPUTS).all()
    assert torch.allclose(targets.sum(1), torch.ones(6))
    for row in range(6):
        pasted = inputs[row, 0] != row
        share = pasted.float().mean().item()
        values = inputs[row, 0][pasted].unique()
        assert len(values) <= 1
        if share:
            rows, columns = pasted.any(1).nonzero()[:, 0], pasted.any(0).nonzero()[:, 0]
            assert pasted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()  # one rectangle
            other = LABELS[int(values)]
            expected = (1 - share) * F.one_hot(LABELS[row], 4) + share * F.one_hot(other, 4)
            assert torch.allclose(targets[row], expected, atol=1e-5)


def test_mixtures_follow_from_the_seed() -> None:
    both = Mixing(mixup=0.2, cutmix=1.0)
    first, second, third = (mix_pictures(INPUTS, LABELS, 4, both, seed) for seed in (3, 3, 4))
    assert all((one == two).all() for one, two in zip(first, second, strict=True))
    assert not all((one == two).all() for one, two in zip(first, third, strict=True))


def test_shares_of_batches() -> None:
    mixing = Mixing(mixup=0.2, cutmix=1.0, probability=0.5, cutmix_share=0.5)
    kinds = {"none": 0, "mixup": 0, "cutmix": 0}
    for seed in range(300):
        inputs, _ = mix_pictures(INPUTS, LABELS, 4, mixing, seed)
        even = bool((inputs == inputs[:, :1, :1, :1]).all())
        kinds["none" if inputs is INPUTS else "mixup" if even else "cutmix"] += 1
    assert 110 < kinds["none"] < 190
    assert 35 < kinds["cutmix"] < 110


@pytest.mark.parametrize("numbers", [{"mixup": -1.0}, {"cutmix": float("inf")}, {"probability": 1.5}, {"cutmix_share": -0.1}])
def test_numbers_out_of_range(numbers: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(numbers))):
        Mixing(**numbers)


def mixed_with(seed: int, mixing: Mixing) -> torch.Tensor:
    """(6,) the partners, read from a mixture of one-hot pictures."""
    one_hot = torch.eye(6)[:, :, None, None].expand(6, 6, 16, 20).contiguous()
    inputs, _ = mix_pictures(one_hot, LABELS, 4, mixing, seed)
    shares = inputs[:, :, 0, 0].numpy()
    partners = []
    for row in range(6):
        others = [k for k in np.flatnonzero(shares[row] > 1e-6) if k != row]
        partners.append(others[0] if others else row)
    return torch.tensor(partners).float()
