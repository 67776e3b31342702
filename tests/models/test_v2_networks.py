"""What classification, segmentation and face networks promise whatever their weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from hrnet.backbones import HRNet, HRNetSpec
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.models.face_hrnetv2 import FaceHRNetV2
from hrnet.models.hrnet_features import HRNetFeatures
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.models.seg_hrnet_ocr import OCRLogits, SegHRNetOCR

SMALL = HRNetSpec(4, stage1_blocks=1, stage1_planes=8, modules=(1, 1, 1), blocks=1)
NETWORKS: dict[str, Callable[[HRNetSpec], HRNet]] = {
    "classification": lambda spec: ClsHRNet(spec, 7),
    "features": HRNetFeatures,
    "segmentation": lambda spec: SegHRNet(spec, 7),
    "aligned segmentation": lambda spec: SegHRNet(spec, 7, align_corners=True),
    "object context": lambda spec: SegHRNetOCR(spec, 7),
    "face": lambda spec: FaceHRNetV2(spec, 7),
}


@pytest.fixture(params=NETWORKS)
def build(request: pytest.FixtureRequest) -> Callable[[HRNetSpec], HRNet]:
    return NETWORKS[request.param]


def outputs_of(output: Tensor | tuple[Tensor, ...] | list[Tensor]) -> list[Tensor]:
    return [output] if isinstance(output, Tensor) else list(output)


@pytest.mark.parametrize("size", [(64, 64), (75, 50), (33, 97), (1, 1)])
def test_any_size(build: Callable[[HRNetSpec], HRNet], size: tuple[int, int]) -> None:
    with torch.device("meta"):
        outputs = outputs_of(build(SMALL).eval()(torch.empty(2, 3, *size)))

    def shrunk(stride: int) -> tuple[int, int]:
        return -(-size[0] // stride), -(-size[1] // stride)

    shapes = [tuple(output.shape) for output in outputs]
    if len(outputs) == 5:
        strides_and_channels = zip((2, 4, 8, 16, 32), (64, 128, 256, 512, 1024), strict=True)
        assert shapes == [(2, channels, *shrunk(stride)) for stride, channels in strides_and_channels]
    elif outputs[0].ndim == 2:
        assert shapes == [(2, 7)]
    else:
        assert shapes == [(2, 7, *shrunk(4))] * len(outputs)


def test_gradients_reach_every_parameter(build: Callable[[HRNetSpec], HRNet]) -> None:
    network = build(SMALL).train()
    outputs = outputs_of(network(torch.randn(2, 3, 64, 96)))
    # Not the sum: a BatchNorm's gradient of it is zero but for rounding.
    torch.stack([(output * torch.randn_like(output)).sum() for output in outputs]).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key


def test_pictures_of_other_channels(build: Callable[[HRNetSpec], HRNet]) -> None:
    network = build(replace(SMALL, in_channels=5)).eval()
    with torch.no_grad():
        outputs = outputs_of(network(torch.randn(1, 5, 40, 48)))
    assert all(output.isfinite().all() for output in outputs)
    assert network.conv1.in_channels == 5


def test_channels_last_gives_the_same(build: Callable[[HRNetSpec], HRNet]) -> None:
    network, pictures = build(SMALL).double().eval(), torch.randn(2, 3, 52, 76).double()
    with torch.no_grad():
        expected = outputs_of(network(pictures))
        network = network.to(memory_format=torch.channels_last)
        outputs = outputs_of(network(pictures.contiguous(memory_format=torch.channels_last)))
    for output, wanted in zip(outputs, expected, strict=True):
        assert torch.allclose(output, wanted, rtol=1e-6, atol=1e-9)


def test_pictures_of_a_batch_do_not_touch(build: Callable[[HRNetSpec], HRNet]) -> None:
    network, pictures = build(SMALL).double().eval(), torch.randn(3, 3, 45, 64).double()
    with torch.no_grad():
        together = outputs_of(network(pictures))
        for index in range(3):
            alone = outputs_of(network(pictures[index : index + 1]))
            for one, all_of_them in zip(alone, together, strict=True):
                assert torch.allclose(one[0], all_of_them[index], rtol=1e-6, atol=1e-9)


def test_forward_is_predict_after_features(build: Callable[[HRNetSpec], HRNet]) -> None:
    network, picture = build(SMALL).eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        features = network.features(picture)
        assert [feature.shape[1] for feature in features] == list(network.channels)
        assert [64 // feature.shape[2] for feature in features] == list(network.strides)
        both = zip(outputs_of(network.predict(features)), outputs_of(network(picture)), strict=True)
        assert all(torch.equal(one, other) for one, other in both)


def test_half_precision(build: Callable[[HRNetSpec], HRNet]) -> None:
    network, pictures = build(SMALL).eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = outputs_of(network(pictures))
        with torch.autocast("cpu", torch.bfloat16):
            outputs = outputs_of(network(pictures))
    for output, wanted in zip(outputs, expected, strict=True):
        assert (output.float() - wanted).abs().max() <= 0.1 * wanted.abs().max()


@pytest.mark.parametrize("momentum", [0.1, 0.01])
def test_momentum_of_all_statistics(build: Callable[[HRNetSpec], HRNet], momentum: float) -> None:
    """It is the specification's; faces always train with 0.01."""
    network = build(replace(SMALL, batch_norm_momentum=momentum))
    momenta = {module.momentum for module in network.modules() if isinstance(module, nn.BatchNorm2d)}
    assert momenta == {0.01 if isinstance(network, FaceHRNetV2) else momentum}


@pytest.mark.parametrize("kind", ["segmentation", "object context", "face"])
def test_fresh_networks_decide_nothing(kind: str) -> None:
    """Logits and heatmaps are almost zero before training: all classes are equally likely, all heatmaps empty."""
    network = NETWORKS[kind](SMALL).train()
    for output in outputs_of(network(torch.randn(2, 3, 64, 64))):
        assert 0 < output.abs().max().item() < 0.1


def test_object_context_names_its_outputs() -> None:
    output = SegHRNetOCR(SMALL, 7).eval()(torch.randn(1, 3, 64, 64))
    assert isinstance(output, OCRLogits)
    assert output._fields == ("aux", "out")


@pytest.mark.parametrize("network", [SegHRNet, SegHRNetOCR])
def test_alignment_of_corners_changes_body_and_head_alike(network: type[SegHRNet] | type[SegHRNetOCR]) -> None:
    aligned, other = network(SMALL, 7, align_corners=True).eval(), network(SMALL, 7, align_corners=False).eval()
    other.load_state_dict(aligned.state_dict())
    with torch.no_grad():
        picture = torch.randn(1, 3, 64, 64)
        features = [torch.randn(1, 4 << level, 16 >> level, 16 >> level) for level in range(4)]
        assert not torch.allclose(aligned.features(picture)[0], other.features(picture)[0])
        ours, others = outputs_of(aligned.predict(features)), outputs_of(other.predict(features))
        assert not torch.equal(ours[0], others[0])
    assert network(SMALL, 7).spec.upsampling.align_corners == (network is SegHRNetOCR)
