"""Backbones by name, and bodies taken out of checkpoints with any head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import hrnet
from hrnet.errors import CheckpointError
from hrnet.models import build_model
from hrnet.models.backbone import HRNetBackbone
from hrnet.weights import backbone as backbone_module
from hrnet.weights.backbone import adapt_first_convolution, create_backbone
from hrnet.weights.zoo import Located


def lively(network: nn.Module) -> nn.Module:
    """Statistics that are no constants, so that mixed-up entries are noticed."""
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    return network


def saved(path: Path, network: nn.Module, prefix: str = "") -> Path:
    torch.save({"state_dict": {prefix + key: value for key, value in network.state_dict().items()}}, path)
    return path


def body_of(network: Any, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return network.eval().features(x)


@pytest.mark.parametrize(
    ("name", "channels", "strides"),
    [
        ("hrnet_w18", (18, 36, 72, 144), (4, 8, 16, 32)),
        ("hrnetv1_w32", (32,), (4,)),
        ("hrnetv2_w48", (720,), (4,)),
        ("hrnetv2p_w18_small_v1", (240,) * 4, (4, 8, 16, 32)),
        ("hrnet_w16", (16, 32, 64, 128), (4, 8, 16, 32)),
    ],
)
def test_names(name: str, channels: tuple[int, ...], strides: tuple[int, ...]) -> None:
    with torch.device("meta"):
        backbone = hrnet.create_backbone(name)
        maps = backbone(torch.empty(2, 3, 64, 96))
    assert (backbone.channels, backbone.strides) == (channels, strides)
    assert [tuple(level.shape) for level in maps] == [
        (2, width, 64 // stride, 96 // stride) for width, stride in zip(channels, strides, strict=True)
    ]


def test_numbers_of_the_ablations() -> None:
    with torch.device("meta"):
        backbone = create_backbone("hrnetv1_w18", exchange="across_stages", outputs=(1,), in_channels=2)
    assert (backbone.spec.exchange, backbone.channels, backbone.spec.in_channels) == ("across_stages", (36,), 2)
    with pytest.raises(ValueError, match="'exchange'"):
        create_backbone("hrnet_w18", exchanges="final")
    with pytest.raises(ValueError, match="every_module"):
        create_backbone("hrnet_w18", exchange="never")


@pytest.mark.parametrize("name", ["hrnet", "hrnet_18", "resnet_w18", "hrnetv3_w18", "hrnet_w0"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no (backbone|network) called"):
        create_backbone(name)


@pytest.mark.parametrize(
    ("architecture", "prefix"),
    [
        ("cls_hrnet_w4", ""), ("seg_hrnet_w4", "model."), ("hrnet_features_w4", ""), ("higher_hrnet_w4", "module."),
        ("faster_rcnn_hrnetv2p_w4", ""), ("pose_hrnet_w4", "backbone."),
    ],
)  # fmt: skip
def test_the_body_of_any_checkpoint(architecture: str, prefix: str, tmp_path: Path) -> None:
    """V1 networks have no layers for the coarse outputs, so they start V1 backbones."""
    network = lively(build_model(architecture)).eval()
    highest = architecture.startswith(("pose", "higher"))
    path = saved(tmp_path / "a.pth", network, prefix)
    backbone = create_backbone("hrnetv1_w4" if highest else "hrnet_w4", pretrained=path)
    own, theirs = backbone.state_dict(), getattr(network, "backbone", network).state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in own.items() if not key.endswith("num_batches_tracked"))


def test_published_weights_of_the_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = saved(tmp_path / "a.pth", lively(build_model("cls_hrnet_w18_small_v1"))), []
    monkeypatch.setattr(backbone_module, "locate", lambda name: asked.append(name) or Located(path))
    backbone = create_backbone("hrnetv2p_w18_small_v1", out_indices=(0, 1), pretrained=True)
    assert asked == ["cls_hrnet_w18_small_v1.ms_in1k"]
    assert isinstance(backbone, HRNetBackbone)
    assert backbone.conv1.weight.min() >= 0.1


def test_another_width_or_a_v1_body_does_not_fit(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pth", build_model("cls_hrnet_w6"))
    with pytest.raises(CheckpointError, match=r"(?s)a\.pth: .*hrnet_w6.*wrong shape \(\d+\): transition1"):
        create_backbone("hrnet_w4", pretrained=path)
    path = saved(tmp_path / "b.pth", build_model("pose_hrnet_w4"))
    with pytest.raises(CheckpointError, match=r"missing \(\d+\): stage4\.2\.fuse_layers\.1"):
        create_backbone("hrnet_w4", pretrained=path)
    assert create_backbone("hrnet_w4", out_indices=(0,), pretrained=path).strides == (4,)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_first_layers_for_other_pictures(channels: int, tmp_path: Path) -> None:
    network = lively(build_model("cls_hrnet_w4"))
    backbone = create_backbone("hrnet_w4", in_channels=channels, pretrained=saved(tmp_path / "a.pth", network))
    grey = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        ours, theirs = backbone.conv1(grey.repeat(1, channels, 1, 1)), network.conv1(grey.repeat(1, 3, 1, 1))  # pyright: ignore[reportCallIssue]
    if channels in (1, 3):
        torch.testing.assert_close(ours, theirs)
    else:
        assert 0.5 < ours.std() / theirs.std() < 2


def test_adapted_weights() -> None:
    weight = torch.arange(3.0).view(1, 3, 1, 1)
    assert adapt_first_convolution(weight, 1).flatten().tolist() == [3]
    assert adapt_first_convolution(weight, 6).flatten().tolist() == [0, 0.5, 1, 0, 0.5, 1]
    assert torch.equal(adapt_first_convolution(weight, 3), weight)
