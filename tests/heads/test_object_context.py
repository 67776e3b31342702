"""Object-contextual representations, against the paper's equations written out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hrnet.heads.object_context import ObjectContextBlock, ObjectContextHead, gather_objects


def block_and_inputs(dtype: torch.dtype = torch.float64) -> tuple[ObjectContextBlock, torch.Tensor, torch.Tensor]:
    """A small block in evaluation with statistics that matter, (2, 12, 5, 7) pixels and 3 objects."""
    block = ObjectContextBlock(channels=12, key_channels=6).to(dtype).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn_like(module.running_mean)  # pyright: ignore[reportArgumentType]
            module.running_var = torch.rand_like(module.running_var) + 0.5  # pyright: ignore[reportArgumentType]
    return block, torch.randn(2, 12, 5, 7, dtype=dtype), torch.randn(2, 12, 3, 1, dtype=dtype)


def test_an_object_is_the_weighted_mean_of_its_pixels() -> None:
    pixels, logits = torch.randn(2, 4, 5, 7).double(), torch.randn(2, 3, 5, 7).double()
    objects = gather_objects(pixels, logits)
    assert objects.shape == (2, 4, 3, 1)
    for picture in range(2):
        for number in range(3):
            weights = logits[picture, number].exp()
            expected = (pixels[picture] * weights).sum((1, 2)) / weights.sum()
            assert torch.allclose(objects[picture, :, number, 0], expected)


def test_a_class_that_is_sure_of_one_pixel_is_that_pixel() -> None:
    pixels, logits = torch.randn(1, 4, 5, 7), torch.zeros(1, 2, 5, 7)
    logits[0, 1, 3, 6] = 1000
    objects = gather_objects(pixels, logits)
    assert torch.allclose(objects[0, :, 1, 0], pixels[0, :, 3, 6])
    assert torch.allclose(objects[0, :, 0, 0], pixels[0].mean((1, 2)), atol=1e-6)


def test_each_pixel_attends_to_the_objects() -> None:
    block, pixels, objects = block_and_inputs()
    with torch.no_grad():
        context = block(pixels, objects)
        query, key, value = block.f_pixel(pixels), block.f_object(objects)[..., 0], block.f_down(objects)[..., 0]
        for picture, row, column in ((0, 0, 0), (1, 4, 6), (1, 2, 3)):
            similarities = torch.stack([query[picture, :, row, column] @ key[picture, :, k] for k in range(3)]) / 6**0.5
            attention = similarities.exp() / similarities.exp().sum()
            mixed = sum(attention[k] * value[picture, :, k] for k in range(3))
            expected = block.f_up(mixed.reshape(1, 6, 1, 1))  # pyright: ignore[reportAttributeAccessIssue]
            assert torch.allclose(context[picture, :, row, column], expected.flatten())


def test_the_order_of_the_objects_does_not_matter() -> None:
    block, pixels, objects = block_and_inputs()
    with torch.no_grad():
        assert torch.allclose(block(pixels, objects), block(pixels, objects.flip(2)))


def test_context_comes_before_the_pixels() -> None:
    head = ObjectContextHead(channels=12, key_channels=6).eval()
    _, pixels, objects = block_and_inputs(torch.float32)
    with torch.no_grad():
        assert not torch.allclose(head(pixels, objects), head(pixels, 2 * objects))
        head.conv_bn_dropout[0].weight[:, :12] = 0  # pyright: ignore[reportIndexIssue]
        assert torch.equal(head(pixels, objects), head(pixels, 2 * objects))


def test_dropout_takes_whole_channels_in_training_alone() -> None:
    head = ObjectContextHead(channels=64, key_channels=8, dropout=0.5)
    pixels, objects = torch.randn(4, 64, 6, 6), torch.randn(4, 64, 3, 1)
    empty = (head(pixels, objects) == 0).flatten(2).all(dim=2).float().mean().item()
    assert empty == pytest.approx(0.5, abs=0.15)
    head.eval()
    assert torch.equal(head(pixels, objects), head(pixels, objects))
    (dropout,) = (module for module in ObjectContextHead().modules() if isinstance(module, nn.Dropout2d))
    assert dropout.p == 0.05


def test_channels_last_gives_the_same() -> None:
    block, pixels, objects = block_and_inputs()
    logits = torch.randn(2, 3, 5, 7).double()
    last = {"memory_format": torch.channels_last}
    with torch.no_grad():
        assert torch.allclose(block(pixels.contiguous(**last), objects), block(pixels, objects))
    assert torch.allclose(gather_objects(pixels.contiguous(**last), logits.contiguous(**last)), gather_objects(pixels, logits))


def test_gradients_are_the_derivatives() -> None:
    block, pixels, objects = block_and_inputs()
    pixels, objects = pixels[:1, :, :2, :3].requires_grad_(), objects[:1].requires_grad_()
    logits = torch.randn(1, 3, 2, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(gather_objects, (pixels, logits))
    assert torch.autograd.gradcheck(block, (pixels, objects))
