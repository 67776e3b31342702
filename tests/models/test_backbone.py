"""HRNet as a backbone: which maps come out, what fine-tuning needs, and the paper's ablations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.models.backbone import HRNetBackbone

TINY = HRNetSpec(4, stage1_blocks=1, stage1_planes=4, modules=(1, 2, 2), blocks=1)


def tiny(**numbers: Any) -> HRNetSpec:
    return HRNetSpec(**{**vars(TINY), **numbers})


def shapes(backbone: HRNetBackbone, height: int, width: int) -> list[tuple[int, ...]]:
    with torch.no_grad():
        maps = backbone.eval()(torch.randn(2, backbone.spec.in_channels, height, width))
    return [tuple(level.shape[1:]) for level in maps]


@pytest.mark.parametrize("output", ["branches", "concatenation", "pyramid"])
@pytest.mark.parametrize("size", [(64, 96), (45, 67), (32, 5)])
@pytest.mark.parametrize("in_channels", [1, 3, 6])
def test_channels_and_strides_tell_what_comes_out(output: Any, size: tuple[int, int], in_channels: int) -> None:
    backbone = HRNetBackbone(tiny(in_channels=in_channels), output)
    expected = [
        (width, -(-size[0] // stride), -(-size[1] // stride))
        for width, stride in zip(backbone.channels, backbone.strides, strict=True)
    ]
    assert shapes(backbone, *size) == expected
    assert len(expected) == {"branches": 4, "concatenation": 1, "pyramid": 4}[output]


@pytest.mark.parametrize(("indices", "strides"), [((0,), (4,)), ((1, 3), (8, 32)), ((2,), (16,)), (None, (4, 8, 16, 32))])
@pytest.mark.parametrize("output", ["branches", "pyramid"])
def test_some_maps_equal_those_of_all(output: Any, indices: Sequence[int] | None, strides: tuple[int, ...]) -> None:
    whole, some = HRNetBackbone(TINY, output).eval(), HRNetBackbone(TINY, output, indices).eval()
    kept = {key: value for key, value in whole.state_dict().items() if key in some.state_dict()}
    some.load_state_dict(kept, strict=True)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for got, expected in zip(some(x), [whole(x)[index] for index in indices or range(4)], strict=True):
            assert torch.equal(got, expected)
    assert some.strides == strides
    fewer = sum(p.numel() for p in whole.parameters()) - sum(p.numel() for p in some.parameters())
    assert bool(fewer) == (output == "branches" and indices is not None)


def test_every_parameter_acts() -> None:
    for output in ("branches", "concatenation", "pyramid"):
        backbone = HRNetBackbone(TINY, output, out_indices=(0,))
        torch.stack([level.square().mean() for level in backbone(torch.randn(2, 3, 64, 64))]).sum().backward()
        assert [key for key, parameter in backbone.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("indices", [(), (4,), (1, 0), (0, 0), (-1,)])
def test_impossible_indices(indices: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ascending numbers below 4"):
        HRNetBackbone(TINY, out_indices=indices)
    with pytest.raises(ValueError, match="branches, concatenation, pyramid"):
        HRNetBackbone(TINY, "pyramids")  # pyright: ignore[reportArgumentType]


# Paths of an exchange between n branches to m of them, m (n - 1) in all, over the modules that exchange.
@pytest.mark.parametrize(("exchange", "modules_that_exchange"), [("every_module", 5), ("across_stages", 3), ("final", 1)])
def test_ablations_of_the_exchange(exchange: Any, modules_that_exchange: int) -> None:
    """Sun et al., CVPR 2019, section 4.4: fewer exchanges are fewer layers; the branches stay."""
    body = HRNet(tiny(exchange=exchange))
    exchanging = {key.split(".fuse_layers.")[0] for key in body.state_dict() if ".fuse_layers." in key}
    assert len(exchanging) == modules_that_exchange
    assert {"final": "stage4.1"}.get(exchange, "stage2.0") in exchanging
    branches = body.eval()(torch.randn(1, 3, 64, 64))
    assert [tuple(branch.shape[1:]) for branch in branches] == [(4, 16, 16), (8, 8, 8), (16, 4, 4), (32, 2, 2)]


def test_without_exchange_branches_do_not_see_each_other() -> None:
    body = HRNet(tiny(exchange="final")).eval()
    first = body.stage4[0]
    inputs = [torch.randn(1, width, 16 >> level, 16 >> level) for level, width in enumerate(body.spec.channels)]
    changed = [inputs[0] + 1, *inputs[1:]]
    with torch.no_grad():
        before, after = first(inputs), first(changed)
    assert not torch.equal(before[0], after[0])
    assert all(torch.equal(x, y) for x, y in zip(before[1:], after[1:], strict=True))


@pytest.mark.parametrize(("outputs", "stride"), [((1,), 8), ((2,), 16)])
def test_ablations_of_the_resolution(outputs: tuple[int, ...], stride: int) -> None:
    body = HRNet(tiny(outputs=outputs))
    (only,) = body.eval()(torch.randn(1, 3, 64, 64))
    assert only.shape[1:] == (body.channels[0], 64 // stride, 64 // stride)
    assert body.strides == (stride,)


def training_step(backbone: HRNetBackbone, x: Tensor) -> dict[str, Tensor]:
    torch.stack([level.square().mean() for level in backbone.train()(x)]).sum().backward()
    gradients = {key: parameter.grad for key, parameter in backbone.named_parameters()}
    return {**{f"{key}.grad": gradient for key, gradient in gradients.items() if gradient is not None}, **backbone.state_dict()}


def test_gradient_checkpointing_changes_no_number() -> None:
    """Gradients, running statistics and their counters are the same; fewer tensors are kept."""
    plain, saving = HRNetBackbone(TINY), HRNetBackbone(TINY)
    saving.load_state_dict(plain.state_dict())
    saving.gradient_checkpointing = True
    x = torch.randn(2, 3, 64, 64)
    kept = []
    for backbone in (plain, saving):
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=sizes: s.append(t.numel()) or t, lambda t: t):
            backbone.train()(x)
        kept.append(sum(sizes))
        backbone.load_state_dict(plain.state_dict())
    assert kept[1] < 0.75 * kept[0]
    first, second = training_step(plain, x), training_step(saving, x)
    assert first.keys() == second.keys()
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, msg=key)
    assert int(second["bn1.num_batches_tracked"]) == int(first["stage3.0.branches.0.0.bn1.num_batches_tracked"])


def test_freezing() -> None:
    backbone = HRNetBackbone(TINY).freeze(2)
    frozen = {key.split(".")[0] for key, parameter in backbone.named_parameters() if not parameter.requires_grad}
    assert frozen == {"conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "stage2"}
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], lr=0.1)
    torch.stack([level.square().mean() for level in backbone.train()(torch.randn(2, 3, 64, 64))]).sum().backward()
    optimizer.step()
    changed = {key.split(".")[0] for key, value in backbone.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"transition2", "stage3", "transition3", "stage4"}
    statistics = [
        key for key, value in backbone.state_dict().items() if "running" in key and not torch.equal(value, before[key])
    ]
    assert statistics == []
    backbone.freeze(0, norms_in_eval=False).train()
    assert not backbone.conv1.weight.requires_grad
    assert backbone.stage2[0].branches[0][0].bn1.training  # pyright: ignore[reportAttributeAccessIssue, reportIndexIssue]
    assert not backbone.bn1.training
    backbone.freeze(-1, norms_in_eval=False)
    assert all(parameter.requires_grad for parameter in backbone.parameters())
    with pytest.raises(ValueError, match=r"-1\.\.4"):
        backbone.freeze(5)


def test_channels_last() -> None:
    backbone, x = HRNetBackbone(TINY).eval(), torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        plain = backbone(x)
        backbone = backbone.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        for level, expected in zip(backbone(x.to(memory_format=torch.channels_last)), plain, strict=True):
            assert level.is_contiguous(memory_format=torch.channels_last)
            assert (level - expected).abs().max() <= 1e-4 * expected.std()


@pytest.mark.parametrize("output", ["branches", "pyramid"])
def test_traces_without_a_graph_break(output: Any) -> None:
    backbone, x = HRNetBackbone(TINY, output).eval(), torch.randn(1, 3, 64, 96)
    compiled = torch.compile(backbone, backend="eager", fullgraph=True)
    with torch.no_grad():
        for got, expected in zip(compiled(x), backbone(x), strict=True):
            torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("output", ["branches", "concatenation"])
def test_exports_with_any_batch_and_size(output: Any) -> None:
    backbone = HRNetBackbone(TINY, output).eval()
    dimensions = {0: torch.export.Dim("batch", min=1, max=64), **{side + 2: 32 * torch.export.Dim(name, min=2, max=99)
                  for side, name in enumerate(("rows", "columns"))}}  # fmt: skip
    exported = torch.export.export(backbone, (torch.randn(2, 3, 96, 64),), dynamic_shapes=(dimensions,)).module()
    for batch, height, width in ((1, 64, 64), (3, 128, 96)):
        x = torch.randn(batch, 3, height, width)
        with torch.no_grad():
            for got, expected in zip(exported(x), backbone(x), strict=True):
                torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_detects_with_torchvision() -> None:
    """The pyramid is a backbone of torchvision's Faster R-CNN as it is."""
    detection = pytest.importorskip("torchvision.models.detection")
    anchors = pytest.importorskip("torchvision.models.detection.anchor_utils")
    backbone = HRNetBackbone(TINY, "pyramid", as_dict=True)
    network = detection.FasterRCNN(
        backbone, num_classes=3, min_size=64, max_size=96,
        rpn_anchor_generator=anchors.AnchorGenerator(((8,), (16,), (32,), (64,)), ((0.5, 1.0, 2.0),) * 4),
    )  # fmt: skip
    pictures = [torch.rand(3, 64, 80), torch.rand(3, 70, 64)]
    targets = [{"boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]), "labels": torch.tensor([1])} for _ in pictures]
    losses = network.train()(pictures, targets)
    torch.stack(list(losses.values())).sum().backward()
    assert isinstance(backbone.conv1, nn.Conv2d)
    assert backbone.conv1.weight.grad is not None
    assert [set(found) for found in network.eval()(pictures)] == [{"boxes", "labels", "scores"}] * 2


def test_one_width_is_asked_of_maps_that_have_several() -> None:
    assert HRNetBackbone(TINY, "pyramid").out_channels == 60
    with pytest.raises(ValueError, match="pyramid"):
        _ = HRNetBackbone(TINY).out_channels
