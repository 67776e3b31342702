"""Heads of the detection networks and their assembly: shapes, no regions, errors, gradients, starting weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.heads.box import BoxHead
from hrnet.heads.fcos import FCOSHead
from hrnet.heads.mask import MaskFlowHead, MaskHead
from hrnet.heads.region_proposal import RegionProposalHead
from hrnet.heads.semantic_fusion import SemanticFusionHead
from hrnet.models.detectors import FCOS, Detector
from hrnet.models.rcnn import CascadeMaskRCNN, CascadeRCNN, FasterRCNN, HybridTaskCascade, MaskRCNN

SMALL = HRNetSpec(4, stage1_blocks=1, stage1_planes=4, modules=(1, 1, 1), blocks=1)
TWO_STAGE = (FasterRCNN, MaskRCNN, CascadeRCNN, CascadeMaskRCNN, HybridTaskCascade)


def pyramid(channels: int = 32, finest: int = 16, count: int = 5) -> list[Tensor]:
    return [torch.randn(2, channels, finest >> level, finest >> level) for level in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_any_number_of_regions(count: int) -> None:
    """Nothing proposed is no error."""
    classes, deltas = BoxHead(5, channels=4, hidden=8)(torch.randn(count, 4, 7, 7))
    assert classes.shape == (count, 6)
    assert deltas.shape == (count, 20)
    assert BoxHead(5, class_agnostic=True, channels=4, hidden=8)(torch.randn(count, 4, 7, 7)).deltas.shape == (count, 4)
    regions = torch.randn(count, 4, 14, 14)
    assert MaskHead(5, channels=4)(regions).shape == (count, 5, 28, 28)
    masks, feature = MaskFlowHead(5, channels=4)(regions, regions)
    assert masks.shape == (count, 5, 28, 28)
    assert feature.shape == regions.shape


def test_regions_do_not_touch() -> None:
    boxes, masks = BoxHead(3, channels=4, hidden=8), MaskHead(3, channels=4)
    small, large = torch.randn(3, 4, 7, 7), torch.randn(3, 4, 14, 14)
    with torch.no_grad():
        assert torch.allclose(boxes(small[1:2]).logits, boxes(small).logits[1:2], atol=1e-6)
        assert torch.allclose(masks(large[1:2]), masks(large)[1:2], atol=1e-6)


def test_regions_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"\(N, 256, 7, 7\), got \(2, 256, 14, 14\)"):
        BoxHead(3)(torch.zeros(2, 256, 14, 14))


def test_information_flows_from_mask_head_to_mask_head() -> None:
    first, second = MaskFlowHead(3, first=True, channels=4), MaskFlowHead(3, channels=4)
    regions = torch.randn(2, 4, 14, 14)
    untouched = regions.clone()
    with torch.no_grad():
        _, feature = first(regions)
        given = feature.clone()
        assert not torch.equal(second(regions, feature).logits, second(regions, feature + 1).logits)
    assert torch.equal(regions, untouched)
    assert torch.equal(feature, given)
    with pytest.raises(ValueError, match="takes no feature"):
        first(regions, feature)
    with pytest.raises(ValueError, match="previous stage"):
        second(regions)


@pytest.mark.parametrize("meeting_level", [0, 1, 4])
def test_levels_meet(meeting_level: int) -> None:
    levels = pyramid()
    logits, feature = SemanticFusionHead(7, channels=32, meeting_level=meeting_level)(levels)
    assert logits.shape == (2, 7, *levels[meeting_level].shape[2:])
    assert feature.shape == levels[meeting_level].shape
    assert feature.min() >= 0
    with pytest.raises(ValueError, match="0 to 4, got 5"):
        SemanticFusionHead(7, meeting_level=5)


def test_heads_on_levels_share_their_layers() -> None:
    """One level alone gives what it gives among others; only FCOS's factor is the level's own."""
    levels = pyramid()
    proposals, pixels = RegionProposalHead(32), FCOSHead(3, 32)
    with torch.no_grad():
        proposed, found = proposals(levels), pixels([levels[0]] * 5)
        assert [tuple(x.shape[:2]) for x in proposed.logits] == [(2, 3)] * 5
        assert [tuple(x.shape[:2]) for x in proposed.deltas] == [(2, 12)] * 5
        assert torch.allclose(proposals(levels[2:3]).deltas[0], proposed.deltas[2], atol=1e-6)
        assert torch.equal(found.distances[0], found.distances[3])
        pixels.scales[3].scale.mul_(2)  # pyright: ignore[reportCallIssue]
        scaled = pixels([levels[0]] * 5)
    assert torch.equal(scaled.logits[3], found.logits[3])
    assert torch.allclose(scaled.distances[3], found.distances[3] ** 2, rtol=1e-4)
    with pytest.raises(ValueError, match="zip"):
        pixels(levels[:3])


def test_fresh_heads() -> None:
    with torch.no_grad():
        output = FCOSHead(3, 32)(pyramid())
        # Almost nothing is there, and no box is far from the factor's start.
        assert output.logits[0].sigmoid().mean().item() == pytest.approx(0.01, rel=0.1)
        assert (output.distances[0] > 0).all()
        logits, deltas = BoxHead(80)(torch.randn(4, 256, 7, 7))
        assert deltas.abs().max() < 0.5
        assert logits.softmax(1).max() < 0.2
        assert RegionProposalHead(32)(pyramid()).logits[0].sigmoid().mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("build", [*TWO_STAGE, FCOS])
def test_outputs_of_networks(build: Callable[..., Detector]) -> None:
    with torch.device("meta"):
        network = build(SMALL, 5).eval()
        output = network(torch.empty(2, 3, 256, 128))
        small = network(torch.empty(1, 3, 50, 30))
    assert network.num_classes == 5
    for stride, level in zip(network.strides, output.levels, strict=True):
        assert level.shape == (2, 256, 256 // stride, max(1, 128 // stride))
    channels = (5, 4, 1) if build is FCOS else (3, 12)
    for maps, number in zip(output[1:], channels, strict=True):
        assert [(x.shape[1], x.shape[2:]) for x in maps] == [(number, level.shape[2:]) for level in output.levels]
    assert len(small.levels) == 5


@pytest.mark.parametrize("build", [HybridTaskCascade, FCOS])
def test_every_parameter_is_trained(build: Callable[..., Detector]) -> None:
    network = build(SMALL, 2).train()
    output = network(torch.randn(2, 3, 64, 64))
    outputs = [x for maps in output[1:] for x in maps]
    if isinstance(network, HybridTaskCascade):
        heads = network.roi_head
        assert isinstance(heads.bbox_head, nn.ModuleList)
        assert isinstance(heads.mask_head, nn.ModuleList)
        assert heads.semantic_head is not None
        for head in heads.bbox_head:
            outputs.extend(head(torch.randn(2, 256, 7, 7)))
        feature = None
        for head in heads.mask_head:
            logits, feature = head(torch.randn(1, 256, 14, 14), feature)
            outputs.append(logits)
        outputs.extend(heads.semantic_head(output.levels))
    torch.stack([x.square().mean() for x in outputs]).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
