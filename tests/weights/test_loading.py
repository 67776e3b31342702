from __future__ import annotations

import copy

import pytest
import torch
from weights.builders import SMALL, assert_equal, imagenet_hrnet, mmpose_0, mmpose_1, small_network

from hrnet.errors import CheckpointError
from hrnet.models import build_model
from hrnet.weights import load_into, start_from
from hrnet.weights.layouts import layout_called


def unchanged(network: torch.nn.Module, before: dict[str, torch.Tensor]) -> None:
    assert_equal(network.state_dict(), before)


@pytest.mark.parametrize("rename", [dict, mmpose_0, mmpose_1])
def test_loads_every_layout(rename: type[dict]) -> None:
    source, target = small_network(), build_model(SMALL, 17)
    pointers = [parameter.data_ptr() for parameter in target.parameters()]
    load_into(target, rename(source.state_dict()))
    assert_equal(target.state_dict(), source.state_dict())
    assert [parameter.data_ptr() for parameter in target.parameters()] == pointers  # an optimiser still holds them


def test_a_network_without_memory_takes_the_tensors_themselves() -> None:
    state = {name: value for name, value in small_network().state_dict().items() if not name.endswith("num_batches_tracked")}
    state["conv1.weight"] = state["conv1.weight"].double()
    with torch.device("meta"):
        network = build_model(SMALL, 17)
    load_into(network, state)
    assert not any(tensor.is_meta for tensor in network.state_dict().values())
    assert network.get_parameter("bn1.weight").data_ptr() == state["bn1.weight"].data_ptr()
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in network.parameters())
    network(torch.zeros(1, 3, 64, 64)).sum().backward()


def test_counters_of_old_files_may_be_absent() -> None:
    state = {name: value for name, value in small_network().state_dict().items() if not name.endswith("num_batches_tracked")}
    load_into(build_model(SMALL, 17), state)


def test_other_number_of_keypoints_is_listed() -> None:
    network = small_network(16)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(CheckpointError) as caught:
        load_into(network, small_network(17).state_dict())
    text = str(caught.value)
    assert "wrong shape (2): final_layer.weight 17x4x1x1 in the checkpoint, 16x4x1x1 in the network" in text
    assert f"build_model('{SMALL}', 17)" in text
    unchanged(network, before)


def test_other_width_is_named_and_lists_are_short() -> None:
    network = build_model("pose_hrnet_w6", 17)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(CheckpointError) as caught:
        load_into(network, small_network().state_dict())
    text = str(caught.value)
    assert "does not fit pose_hrnet_w6 with 17 outputs: it is pose_hrnet_w4 with 17 outputs" in text
    assert " more" in text
    assert len(text) < 2000
    unchanged(network, before)


def test_missing_and_unexpected() -> None:
    network, state = small_network(), small_network().state_dict()
    del state["bn1.weight"]
    state["extra.weight"] = torch.zeros(2)
    with pytest.raises(CheckpointError, match=r"missing \(1\): bn1\.weight\n.*unexpected \(1\): extra\.weight"):
        load_into(network, state)
    with pytest.warns(UserWarning, match=r"loaded in part"):
        load_into(network, state, strict=False)
    state["bn2.weight"] = torch.zeros(3)
    with pytest.raises(CheckpointError, match=r"bn2\.weight 3 in the checkpoint, 64 in the network"):
        load_into(network, state, strict=False)


def test_something_else_entirely() -> None:
    with pytest.raises(CheckpointError, match="of no known network"):
        load_into(small_network(), {"encoder.weight": torch.zeros(3)})


def test_start_with_other_keypoints() -> None:
    network, source = build_model(SMALL, 5), small_network(17).state_dict()
    head = network.get_parameter("final_layer.weight").clone()
    report = start_from(network, mmpose_1(source))
    assert report.replaced == (("final_layer.weight", (17, 4, 1, 1), (5, 4, 1, 1)), ("final_layer.bias", (17,), (5,)))
    assert (report.missing, report.unused, report.backbone_share) == ((), (), 1.0)
    assert len(report.loaded) == len(source) - 2
    assert torch.equal(network.get_parameter("final_layer.weight"), head)
    assert torch.equal(network.get_parameter("conv1.weight"), source["conv1.weight"])
    assert "final_layer.weight 17x4x1x1 in the checkpoint, 5x4x1x1 in the network" in str(report)
    assert "pose_hrnet_w4" in str(report)


def test_start_from_imagenet() -> None:
    network = build_model(SMALL, 17)
    report = start_from(network, imagenet_hrnet(4))
    assert report.replaced == ()
    assert report.missing == ("final_layer.weight", "final_layer.bias")
    assert "classifier.weight" in report.unused
    assert report.backbone_share == 1.0


def test_start_of_a_hourglass_with_other_keypoints() -> None:
    source = build_model("stacked_hourglass_2", 16).state_dict()
    report = start_from(build_model("stacked_hourglass_2", 3), source)
    assert {name.split(".")[0] for name, _, _ in report.replaced} == {"outs", "merge_preds"}


def test_another_width_is_no_start() -> None:
    network = build_model("pose_hrnet_w6", 17)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(CheckpointError, match=r"only \d+% of the backbone fits.*\bpose_hrnet_w4 with 17 outputs"):
        start_from(network, small_network().state_dict())
    with pytest.raises(CheckpointError, match=r"only 0% of the backbone"):
        start_from(network, {"encoder.weight": torch.zeros(3)})
    unchanged(network, before)


def test_start_of_a_detector_from_imagenet() -> None:
    """Its body has another prefix."""
    network, source = build_model("fcos_hrnetv2p_w4", 3), imagenet_hrnet(4)
    report = start_from(network, source)
    assert report.backbone_share == 1.0
    assert torch.equal(network.get_parameter("backbone.conv1.weight"), source["conv1.weight"])
    assert {name.split(".")[0] for name in report.missing} == {"neck", "bbox_head"}


def test_loads_layouts_with_other_tensors() -> None:
    """mmseg has no bias before BatchNorm: it is zero."""
    source = build_model("seg_hrnet_w4", 5).state_dict()
    theirs = layout_called("mmseg", "seg_hrnet").from_ours(source)
    network = build_model("seg_hrnet_w4", 5)
    load_into(network, theirs)
    assert not network.state_dict()["last_layer.0.bias"].any()
    assert torch.equal(network.state_dict()["last_layer.3.weight"], source["last_layer.3.weight"])
