"""Losses of pixels against the record, and what they do where nothing is labelled."""

from __future__ import annotations

import pytest
import torch
from golden.cases import assert_close, cases_of
from torch import Tensor

from hrnet.losses.segmentation import DiceLoss, HardPixelCrossEntropy, PixelCrossEntropy, SegmentationLoss

case = cases_of("segmentation_training")

HARD = {"ohem_t90_k100": (0.9, 100), "ohem_t10_k200": (0.1, 200), "ohem_t70_k100000": (0.7, 100_000)}


def recorded_tensors() -> tuple[Tensor, Tensor, Tensor, list[float]]:
    inputs = case("seg_losses").inputs
    main, aux = (torch.tensor(inputs[name]) for name in ("score_main", "score_aux"))
    return main, aux, torch.tensor(inputs["target"]), inputs["class_weights"].tolist()


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_are_as_recorded(weighted: bool, align_corners: bool) -> None:
    recorded = case("seg_losses")
    main, aux, target, class_weights = recorded_tensors()
    weights = class_weights if weighted else None
    suffix = ("_weighted" if weighted else "") + ("_align" if align_corners else "")
    kinds = {"ce": PixelCrossEntropy(weights)} | {name: HardPixelCrossEntropy(*hard, weights) for name, hard in HARD.items()}
    for name, pixels in kinds.items():
        scores = main.clone().requires_grad_()
        total = SegmentationLoss(pixels, align_corners=align_corners)(scores, target)["total"]
        total.backward()
        assert scores.grad is not None
        assert_close(recorded, name + suffix, total.item())
        assert_close(recorded, f"{name}{suffix}_grad_l2", scores.grad.norm().item())
    both = SegmentationLoss(kinds["ce"], align_corners=align_corners)((aux, main), target)
    assert_close(recorded, f"ocr_ce{suffix}", both["total"].item())
    assert both["total"].item() == pytest.approx(both["main"].item() + 0.4 * both["auxiliary"].item())
    mined = SegmentationLoss(kinds["ohem_t90_k100"], align_corners=align_corners)((aux, main), target)
    assert_close(recorded, f"ocr_ohem_mean{suffix}", mined["total"].item())
    assert_close(recorded, f"ocr_ohem_shape{suffix}", target.shape)


def test_hard_pixels_are_chosen() -> None:
    # True classes of probability 0.1, 0.2, ..., 0.9.
    shares = torch.arange(1, 10) / 10
    logits = torch.stack([shares.log(), (1 - shares).log()])[None, :, None]
    target = torch.zeros(1, 1, 9, dtype=torch.long)
    nll = -shares.log()
    for threshold, kept, wanted in ((0.45, 1, 4), (0.05, 3, 3), (0.45, 6, 6), (0.95, 1, 9), (0.3, 100, 8)):
        loss = HardPixelCrossEntropy(threshold, kept)(logits, target)
        assert loss.item() == pytest.approx(nll[:wanted].mean().item(), rel=1e-5), (threshold, kept)
    for wrong in ((0.0, 1), (1.1, 1), (0.5, 0)):
        with pytest.raises(ValueError, match="threshold"):
            HardPixelCrossEntropy(*wrong)


@pytest.mark.parametrize("pixels", [PixelCrossEntropy([1.0, 2.0]), PixelCrossEntropy(), HardPixelCrossEntropy()])
def test_nothing_labelled(pixels: PixelCrossEntropy) -> None:
    logits = torch.randn(2, 2, 4, 4, requires_grad=True)
    losses = SegmentationLoss(pixels, dice_weight=1.0)((logits, logits), torch.full((2, 8, 8), 255, dtype=torch.uint8))
    losses["total"].backward()
    assert {name: value.item() for name, value in losses.items()} == dict.fromkeys(("total", "main", "auxiliary", "dice"), 0.0)
    assert logits.grad is not None
    assert not logits.grad.any()


def test_ignored_pixels_teach_nothing() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    target = torch.randint(0, 3, (1, 4, 4))
    target[:, :2] = 255
    for loss in (PixelCrossEntropy(), HardPixelCrossEntropy(1.0, 1), DiceLoss()):
        (gradient,) = torch.autograd.grad(loss(logits, target), logits)
        assert not gradient[:, :, :2].any()
        assert gradient[:, :, 2:].any()


def test_dice() -> None:
    target = torch.tensor([[[0, 0, 1, 255]]])
    sure = torch.full((1, 3, 1, 4), -50.0)
    sure[0, 0, 0, :2] = sure[0, 1, 0, 2] = 50.0
    assert DiceLoss()(sure, target).item() == pytest.approx(0, abs=1e-5)
    wrong = sure[:, [1, 0, 2]]
    assert DiceLoss()(wrong, target).item() == pytest.approx(1, abs=1e-5)
    # Everything is class 0: its Dice is 2 * 2 / (3 + 2), that of class 1 is 0; class 2 is not there.
    one = torch.full((1, 3, 1, 4), -50.0)
    one[0, 0] = 50.0
    assert DiceLoss()(one, target).item() == pytest.approx(1 - (0.8 + 0) / 2, abs=1e-5)


def test_half_precision_outputs() -> None:
    main, _, target, _ = recorded_tensors()
    loss = SegmentationLoss(PixelCrossEntropy(), dice_weight=0.5)
    full, half = (loss(scores, target)["total"] for scores in (main, main.bfloat16()))
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(full.item(), rel=1e-2)
