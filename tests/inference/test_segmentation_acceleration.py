"""Rewritten segmentation heads compute the same."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

from hrnet.inference import segmentation_acceleration
from hrnet.inference.acceleration import prepare_network
from hrnet.inference.segmentation_acceleration import accelerate_segmentation
from hrnet.models import build_model
from hrnet.models.seg_hrnet_ocr import SegHRNetOCR

CPU = torch.device("cpu")
NAMES = ["seg_hrnet_w4", "seg_hrnet_w4_ocr"]


@cache
def lively(name: str, align_corners: bool) -> nn.Module:
    """Statistics as after training, and logits that differ from place to place."""
    network = build_model(name, 7, align_corners=align_corners)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.3, 1.0)
            nn.init.normal_(module.bias, std=0.2)
            module.momentum = 1.0
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.3)
    with torch.no_grad():
        network.train()(torch.randn(2, 3, 128, 128))  # statistics that fit, so that numbers keep their size
        if isinstance(network, SegHRNetOCR):
            network.aux_head[3].weight.mul_(0.1)  # pyright: ignore[reportCallIssue]  # a softmax of large numbers is chaotic
    return network.eval()


def last(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return outputs if isinstance(outputs, torch.Tensor) else outputs[-1]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_nothing_changes_but_rounding(name: str, align_corners: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    network = lively(name, align_corners)
    fast = accelerate_segmentation(prepare_network(network, CPU, reduce_precision=False))
    for shape, strip in [((2, 3, 61, 93), 2**22), ((1, 3, 60, 64), 2**13), ((1, 3, 33, 1), 1)]:
        monkeypatch.setattr(segmentation_acceleration, "_CPU_STRIP", strip)
        inputs = torch.randn(shape)
        expected = last(network(inputs))
        found = fast(inputs)
        assert found.shape == expected.shape
        assert (found - expected).abs().max() <= 1e-4 * expected.std()


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_bfloat16_is_as_close_as_without(name: str) -> None:
    network = lively(name, False)
    inputs = torch.randn(1, 3, 64, 96)
    expected = last(network(inputs))
    plain = prepare_network(network, CPU, reduce_precision=False).to(torch.bfloat16)
    error = (last(plain(inputs.bfloat16())).float() - expected).std()
    found = accelerate_segmentation(plain)(inputs.bfloat16())
    assert found.dtype == torch.bfloat16
    assert error < 0.2 * expected.std()
    assert (found.float() - expected).std() <= 1.5 * error


def test_other_networks_stay_what_they_are() -> None:
    network = nn.Conv2d(3, 4, 1)
    assert accelerate_segmentation(network) is network
