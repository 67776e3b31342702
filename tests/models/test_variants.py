"""What every network of the table promises: shapes, odd sizes, independence within a batch, gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hrnet.backbones import HRNet, HRNetSpec, ResNet
from hrnet.models import PoseHRNet, PoseResNet, StackedHourglass, build_model, list_models
from hrnet.nn.exchange import Upsampling

# One of each kind is computed in full; for the others, shapes on the meta device say the same.
COMPUTED = ("pose_hrnet_w18_small_v1", "pose_resnet50", "stacked_hourglass_2")


def last_stack(heatmaps: torch.Tensor) -> torch.Tensor:
    return heatmaps[:, -1] if heatmaps.ndim == 5 else heatmaps


def test_the_table_holds_what_is_published() -> None:
    tags = ["w18", "w30", "w32", "w40", "w44", "w48", "w64", "w18_small_v1", "w18_small_v2"]
    assert {f"pose_hrnet_{tag}" for tag in tags} <= set(list_models())
    assert {"pose_resnet50", "pose_resnet101", "pose_resnet152"} <= set(list_models())
    assert {"stacked_hourglass_2", "stacked_hourglass_8"} <= set(list_models())
    assert list_models() == sorted(list_models())


@pytest.mark.parametrize("name", list_models())
def test_output_shapes(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name, 5).eval()
        assert last_stack(network(torch.empty(2, 3, 128, 64))).shape == (2, 5, 32, 16)
        # No multiple of 32: ResNets round up to a stride-32 pixel, the others to a heatmap pixel.
        heatmaps = last_stack(network(torch.empty(1, 3, 100, 76)))
        assert heatmaps.shape == ((1, 5, 32, 24) if "resnet" in name else (1, 5, 25, 19))
    assert network.num_keypoints == 5
    if name.startswith("stacked_hourglass"):
        assert network(torch.empty(1, 3, 64, 64, device="meta")).shape[1] == int(name[-1])


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
    with pytest.raises(ValueError, match="num_keypoints"):
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
