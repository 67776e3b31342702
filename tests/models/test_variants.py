"""What every network of the table promises: shapes, odd sizes, independence within a batch, gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from hrnet.backbones import HRNet, HRNetSpec, ResNet
from hrnet.models import PoseHRNet, PoseResNet, StackedHourglass, build_model, family_of, list_models
from hrnet.models.seg_hrnet_ocr import SegHRNetOCR
from hrnet.models.variants import FAMILIES, HRNET_SPECS, Family
from hrnet.nn.exchange import Upsampling

# One of each kind of heatmap network is computed in full; for the others, shapes on the meta device say the same.
COMPUTED = ("pose_hrnet_w18_small_v1", "pose_resnet50", "stacked_hourglass_2")
TAGS = ("w18", "w30", "w32", "w40", "w44", "w48", "w64", "w18_small_v1", "w18_small_v2")


def last_stack(heatmaps: torch.Tensor) -> torch.Tensor:
    return heatmaps[:, -1] if heatmaps.ndim == 5 else heatmaps


def tensors_of(output: Any) -> list[torch.Tensor]:
    """All tensors of an output, whatever it is made of."""
    if isinstance(output, torch.Tensor):
        return [output]
    return [tensor for part in output for tensor in tensors_of(part)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_table_holds_what_is_published(family: Family) -> None:
    names = {family.name_of(tag) for tag in (TAGS if family.variants is HRNET_SPECS else family.variants)}
    assert names <= set(list_models()) & set(list_models(family.task))
    assert all(family_of(name) is family for name in names)


def test_names_are_sorted_and_each_is_of_one_family() -> None:
    assert list_models() == sorted(set(list_models()))
    assert [sum(family.variant(name) is not None for family in FAMILIES) for name in list_models()] == [1] * len(list_models())
    assert sum(len(list_models(task)) for task in {family.task for family in FAMILIES}) == len(list_models())
    with pytest.raises(ValueError, match="segmentation"):
        list_models("segmentations")


@pytest.mark.parametrize("name", list_models())
def test_every_name_builds_and_runs(name: str) -> None:
    if "dekr" in name:
        pytest.importorskip("torchvision")
    family = family_of(name)
    with torch.device("meta"):
        network = build_model(name, 5 if family.outputs else None, in_channels=4).eval()
        tensors = tensors_of(network(torch.empty(2, 4, 128, 64)))
    assert {len(tensor) for tensor in tensors} == {2}
    usual = build_on_meta(name)
    if family.outputs:
        counted = "num_keypoints" if family.outputs == "keypoints" else "num_classes"
        assert getattr(network, counted) == 5
        assert getattr(usual, counted) == family.usual_outputs


def build_on_meta(name: str, *args: Any, **options: Any) -> nn.Module:
    with torch.device("meta"):
        return build_model(name, *args, **options)


@pytest.mark.parametrize("name", list_models("pose") + list_models("facial landmarks"))
def test_heatmaps_of_any_size(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name, 5).eval()
        assert last_stack(network(torch.empty(2, 3, 128, 64))).shape == (2, 5, 32, 16)
        # No multiple of 32: ResNets round up to a stride-32 pixel, the others to a heatmap pixel.
        heatmaps = last_stack(network(torch.empty(1, 3, 100, 76)))
        assert heatmaps.shape == ((1, 5, 32, 24) if "resnet" in name else (1, 5, 25, 19))
    if name.startswith("stacked_hourglass"):
        assert network(torch.empty(1, 3, 64, 64, device="meta")).shape[1] == int(name[-1])


def test_options_of_a_family() -> None:
    network = build_on_meta("seg_hrnet_w16_ocr", 4, align_corners=False)
    assert isinstance(network, SegHRNetOCR)
    assert network.spec.upsampling == Upsampling("bilinear", align_corners=False)
    assert len(build_on_meta("higher_hrnet_w18", 3, num_deconvolutions=2)(torch.empty(1, 3, 64, 64, device="meta"))) == 3
    with pytest.raises(ValueError, match="align_corners"):
        build_on_meta("seg_hrnet_w18", 4, align_corner=True)
    with pytest.raises(ValueError, match="leave num_outputs out"):
        build_on_meta("hrnet_w18", 4)


@pytest.mark.parametrize("name", COMPUTED)
def test_pictures_of_a_batch_do_not_touch(name: str) -> None:
    network = build_model(name, 3).eval()
    pictures = torch.randn(3, 3, 70, 64)
    with torch.no_grad():
        together = network(pictures)
        for index in range(3):
            alone = network(pictures[index : index + 1])
            assert torch.allclose(alone[0], together[index], atol=1e-5 * together.abs().max().item() + 1e-12)


@pytest.mark.parametrize("name", COMPUTED)
def test_fresh_networks_train(name: str) -> None:
    network = build_model(name, 3).train()
    heatmaps = network(torch.randn(2, 3, 64, 64))
    assert heatmaps.isfinite().all()
    heatmaps.square().mean().backward()
    without = [key for key, parameter in network.named_parameters() if parameter.grad is None]
    # The hourglass keeps shortcut layers that never act, for the sake of published state dicts.
    assert all("skip_layer" in key for key in without)
    assert bool(without) == name.startswith("stacked_hourglass")
    for key, parameter in network.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), key


@pytest.mark.parametrize("name", ["pose_hrnet_w18_small_v1", "pose_resnet50"])
def test_fresh_networks_predict_almost_empty_heatmaps(name: str) -> None:
    """Heatmaps are almost zero everywhere, so that is where training starts."""
    network = build_model(name, 3)
    assert isinstance(network, (PoseHRNet, PoseResNet))
    assert network.final_layer.weight.std().item() == pytest.approx(0.001, rel=0.5)
    assert network.final_layer.bias is not None
    assert not network.final_layer.bias.any()
    assert network.conv1.weight.std().item() > 0.01


def test_any_width() -> None:
    with torch.device("meta"):
        network = build_model("pose_hrnet_w16", 14)
        assert isinstance(network, PoseHRNet)
        assert network.spec == HRNetSpec(16, outputs="highest")
        assert network(torch.empty(1, 3, 64, 64)).shape == (1, 14, 16, 16)
        assert sum(p.numel() for p in network.parameters()) < sum(
            p.numel() for p in build_model("pose_hrnet_w18", 14).parameters()
        )


@pytest.mark.parametrize(
    ("typed", "meant"), [("pose_hrnet_w18_small", "pose_hrnet_w18_small_v1"), ("pose_resnet5", "pose_resnet50"),
                         ("stacked_hourglas_2", "stacked_hourglass_2"), ("pose_hrnet_w0", "pose_hrnet_w30")]
)  # fmt: skip
def test_unknown_names_are_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(ValueError, match=meant) as caught:
        build_model(typed, 17)
    assert typed in str(caught.value)


def test_impossible_numbers() -> None:
    with pytest.raises(ValueError, match="num_outputs"):
        build_model("pose_hrnet_w32", 0)
    with pytest.raises(ValueError, match="at least 1"):
        HRNetSpec(0)
    with pytest.raises(ValueError, match="at least 1"):
        HRNetSpec(18, modules=(1, 0, 3))
    with pytest.raises(ValueError, match="50, 101, 152"):
        ResNet(34)


@pytest.mark.parametrize("channels", [1, 4])
def test_other_pictures_than_rgb(channels: int) -> None:
    with torch.device("meta"):
        networks = [
            PoseHRNet(HRNetSpec(18, in_channels=channels), 3),
            PoseResNet(50, 3, in_channels=channels),
            StackedHourglass(2, 3, in_channels=channels),
        ]
        for network in networks:
            assert last_stack(network.eval()(torch.empty(1, channels, 64, 64))).shape == (1, 3, 16, 16)


@pytest.mark.parametrize("upsampling", [Upsampling(), Upsampling("bilinear"), Upsampling("bilinear", align_corners=True)])
@pytest.mark.parametrize("size", [(64, 96), (33, 65), (77, 105), (1, 1)])
def test_branches_of_any_size(upsampling: Upsampling, size: tuple[int, int]) -> None:
    with torch.device("meta"):
        body = HRNet(HRNetSpec(18, blocks=1, modules=(1, 1, 1), upsampling=upsampling)).eval()
        branches = body(torch.empty(2, 3, *size))
    assert [branch.shape[1] for branch in branches] == list(body.channels) == [18, 36, 72, 144]
    for branch, stride in zip(branches, body.strides, strict=True):
        assert branch.shape[2:] == tuple(-(-side // stride) for side in size)


def test_only_the_highest_branch() -> None:
    """A V1 network drops the layers that would feed the other outputs, and gives the same highest branch."""
    spec = HRNetSpec(8, stage1_blocks=1, stage1_planes=8, modules=(1, 1, 2), blocks=1)
    every, highest = HRNet(spec).eval(), HRNet(HRNetSpec(**{**vars(spec), "outputs": "highest"})).eval()
    missing, unexpected = highest.load_state_dict(every.state_dict(), strict=False)
    assert not missing
    assert {key.rsplit(".fuse_layers.")[0] for key in unexpected} == {"stage4.1"}
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        branches = highest(picture)
        assert len(branches) == len(highest.channels) == 1
        assert torch.equal(branches[0], every(picture)[0])


def test_channels_last_gives_the_same() -> None:
    network = build_model("pose_hrnet_w18_small_v1", 3).eval()
    nn.init.normal_(network.final_layer.weight)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        plain = network(picture)
        network = network.to(memory_format=torch.channels_last)
        assert torch.allclose(network(picture.to(memory_format=torch.channels_last)), plain, rtol=1e-3, atol=1e-3)
