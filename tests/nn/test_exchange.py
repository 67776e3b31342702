"""Sums are written in place: inputs must stay as they were, gradients must be right, and export must work."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hrnet.nn.blocks import BasicBlock, Bottleneck
from hrnet.nn.exchange import ExchangeModule, Upsampling

CHANNELS = (4, 8, 16)


def branches(batch: int = 2) -> list[torch.Tensor]:
    return [torch.rand(batch, width, 16 >> level, 8 >> level, dtype=torch.float64) for level, width in enumerate(CHANNELS)]


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("training", [False, True])
def test_fusion_leaves_its_inputs_alone_and_has_right_gradients(mode: str, training: bool) -> None:
    module = ExchangeModule(CHANNELS, num_blocks=0, upsampling=Upsampling(mode)).double().train(training)  # pyright: ignore[reportArgumentType]
    inputs = branches()
    before = [x.clone() for x in inputs]
    outputs = module(inputs)
    assert [x.shape for x in outputs] == [x.shape for x in inputs]
    assert all(torch.equal(x, kept) for x, kept in zip(inputs, before, strict=True))
    for x in inputs:
        x.requires_grad_()
    assert torch.autograd.gradcheck(lambda *x: tuple(module(x)), inputs, fast_mode=True)


def test_nearest_fusion_is_the_sum_of_its_paths() -> None:
    module = ExchangeModule(CHANNELS, num_blocks=0).double().eval()
    inputs = branches()
    for target, output in enumerate(module(inputs)):
        paths = module.fuse_layers[str(target)]
        assert isinstance(paths, nn.ModuleList)
        terms = [path(x) for path, x in zip(paths, inputs, strict=True)]
        resized = [
            nn.functional.interpolate(term, output.shape[-2:]) if term.shape[-1] < output.shape[-1] else term for term in terms
        ]
        torch.testing.assert_close(output, torch.stack(resized).sum(0).relu())


@pytest.mark.parametrize("block", [BasicBlock(4, 4), BasicBlock(4, 8, stride=2), Bottleneck(4, 2), Bottleneck(4, 1)])
def test_block_leaves_its_input_alone_and_has_right_gradients(block: nn.Module) -> None:
    block = block.double().train()
    x = torch.rand(2, 4, 6, 6, dtype=torch.float64)
    before = x.clone()
    block(x)
    assert torch.equal(x, before)
    assert torch.autograd.gradcheck(block, x.requires_grad_(), fast_mode=True)


def test_fusion_exports() -> None:
    class Fusion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = ExchangeModule(CHANNELS, num_blocks=1).double().eval()

        def forward(self, fine: torch.Tensor, middle: torch.Tensor, coarse: torch.Tensor) -> list[torch.Tensor]:
            return self.module([fine, middle, coarse])

    fusion, inputs = Fusion().eval(), branches()
    exported = torch.export.export(fusion, tuple(inputs)).module()
    for ours, theirs in zip(exported(*inputs), fusion(*inputs), strict=True):
        torch.testing.assert_close(ours, theirs)
