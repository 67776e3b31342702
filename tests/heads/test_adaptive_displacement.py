"""Adaptive convolutions: what each number of the matrix does, that keypoints stay apart, and precision."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.errors import MissingExtraError
from hrnet.heads.adaptive_displacement import AdaptiveBlock, DeformableConv2d
from hrnet.heads.disentangled_regression import PoseScorer, displacement_layers

GROUPS, CHANNELS = 3, 6


def block_with(matrix: list[list[float]]) -> AdaptiveBlock:
    """A block that moves the grid by the same ``matrix`` (2x3) at every pixel, and adds nothing else to the convolution."""
    block = AdaptiveBlock(CHANNELS, GROUPS).double().eval()
    assert block.transform_matrix_conv.bias is not None
    with torch.no_grad():
        block.transform_matrix_conv.weight.zero_()
        block.transform_matrix_conv.bias.copy_(torch.tensor(matrix, dtype=torch.float64).flatten().repeat(GROUPS))
    return block


def convolved(block: AdaptiveBlock, x: Tensor, kernel: Tensor | None = None) -> Tensor:
    """What an ordinary convolution would give."""
    return F.conv2d(x, block.adapt_conv.weight if kernel is None else kernel, padding=1, groups=GROUPS)


def picture() -> Tensor:
    return torch.randn(2, CHANNELS, 7, 9, dtype=torch.float64)


def test_zeros_are_an_ordinary_convolution() -> None:
    block, x = block_with([[0, 0, 0], [0, 0, 0]]), picture()
    assert not block.offsets(x).any()
    torch.testing.assert_close(block.adapt_conv(x, block.offsets(x)), convolved(block, x))
    torch.testing.assert_close(block(x), F.relu(block.norm(convolved(block, x)) + x))


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, 1), (-2, 1), (3, -2)])
def test_the_third_column_shifts(down: int, right: int) -> None:
    block, x = block_with([[0, 0, down], [0, 0, right]]), picture()
    padded = F.pad(x, (4, 4, 4, 4))
    shifted = padded[:, :, 4 + down - 1 : 4 + down + 8, 4 + right - 1 : 4 + right + 10]  # with the border of the kernel
    expected = F.conv2d(shifted, block.adapt_conv.weight, groups=GROUPS)
    torch.testing.assert_close(block.adapt_conv(x, block.offsets(x)), expected)


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        # y' = y + A (y, x): rows of A are what is added to y and to x.
        ([[-2, 0, 0], [0, 0, 0]], lambda kernel: kernel.flip(2)),
        ([[0, 0, 0], [0, -2, 0]], lambda kernel: kernel.flip(3)),
        ([[-1, 1, 0], [1, -1, 0]], lambda kernel: kernel.transpose(2, 3)),
        ([[-1, 1, 0], [-1, -1, 0]], lambda kernel: kernel.rot90(-1, (2, 3))),
    ],
    ids=["upside down", "mirrored", "transposed", "a quarter turn"],
)
def test_matrices_turn_the_kernel(matrix: list[list[float]], turned: Callable[[Tensor], Tensor]) -> None:
    block, x = block_with(matrix), picture()
    torch.testing.assert_close(
        block.adapt_conv(x, block.offsets(x)), convolved(block, x, turned(block.adapt_conv.weight)), msg=str(matrix)
    )


def test_growing_the_grid_is_dilation() -> None:
    block, x = block_with([[1, 0, 0], [0, 1, 0]]), picture()
    expected = F.conv2d(x, block.adapt_conv.weight, padding=2, dilation=2, groups=GROUPS)
    torch.testing.assert_close(block.adapt_conv(x, block.offsets(x)), expected)


def test_every_pixel_and_group_has_its_own_matrix() -> None:
    block, x = AdaptiveBlock(CHANNELS, GROUPS).double(), picture()
    offsets = block.offsets(x).unflatten(1, (GROUPS, 9, 2))
    assert offsets.shape == (2, GROUPS, 9, 2, 7, 9)
    numbers = block.transform_matrix_conv(x).unflatten(1, (GROUPS, 2, 3))[1, 2, :, :, 4, 5]
    for tap in range(9):
        where = torch.tensor([tap // 3 - 1, tap % 3 - 1, 1], dtype=torch.float64)
        torch.testing.assert_close(offsets[1, 2, tap, :, 4, 5], numbers @ where)


def test_keypoints_see_nothing_of_each_other() -> None:
    layers = displacement_layers(8, num_keypoints=3, channels_per_keypoint=4).eval()
    for layer in layers:
        if isinstance(layer, AdaptiveBlock):
            nn.init.normal_(layer.transform_matrix_conv.weight, std=0.1)
    features = torch.randn(1, 12, 6, 5, requires_grad=True)  # after the shared first layer
    layers[1:](features)[:, 2:4].sum().backward()
    assert features.grad is not None
    assert features.grad[:, 4:8].any()
    assert not features.grad[:, :4].any()
    assert not features.grad[:, 8:].any()


def test_gradients_are_right() -> None:
    block = AdaptiveBlock(CHANNELS, GROUPS).double().train()
    x = torch.rand(2, CHANNELS, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, x, fast_mode=True)
    block(x).square().sum().backward()
    for key, parameter in block.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_samples_in_single(dtype: torch.dtype) -> None:
    layer = DeformableConv2d(CHANNELS, 4, 3, 1, 1)
    x, offsets = torch.randn(1, CHANNELS, 8, 8), 2 * torch.randn(1, 18, 8, 8)
    whole = layer(x, offsets)
    half = layer.to(dtype)(x.to(dtype), offsets.to(dtype))
    assert half.dtype == dtype
    assert (half.float() - whole).abs().max() < 0.05 * whole.std()


def test_autocast() -> None:
    layers = displacement_layers(8, num_keypoints=3).eval()
    x = torch.randn(1, 8, 8, 8)
    with torch.no_grad():
        whole = layers(x)
        with torch.autocast("cpu", torch.bfloat16):
            half = layers(x)
    assert (half.float() - whole).abs().max() < 0.2 * whole.std()


def test_without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    block = AdaptiveBlock(CHANNELS, GROUPS)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.ops", None)
    AdaptiveBlock(CHANNELS, GROUPS)  # shapes and weights need it not
    with pytest.raises(MissingExtraError, match=r"torchvision.*hrnet\[detect\]"):
        block(torch.zeros(1, CHANNELS, 4, 4))


def test_scorer_takes_any_number_of_poses() -> None:
    scorer = PoseScorer(10)
    poses = torch.randn(2, 5, 10)
    assert scorer(poses).shape == (2, 5)
    assert scorer(poses[:, :0]).shape == (2, 0)
    torch.testing.assert_close(scorer(poses)[1, 3], scorer(poses[1, 3]))
