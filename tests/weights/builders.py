"""Small networks, and renames of their state dicts into the layouts of other toolkits."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.models import PoseHRNet, PoseNetwork, build_model
from hrnet.weights import PoseCard

State = dict[str, Tensor]

SMALL = "pose_hrnet_w4"  # all 1754 entries, but only 3 MB


def small_network(num_keypoints: int = 17, name: str = SMALL) -> PoseNetwork:
    """A network whose statistics and biases are no constants, so that mixed-up entries are noticed."""
    network = cast(PoseNetwork, build_model(name, num_keypoints))
    generator = torch.Generator().manual_seed(num_keypoints)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
        else:
            tensor.fill_(7)
    return network


def small_card(name: str = SMALL, keypoints: str = "coco") -> PoseCard:
    return PoseCard(name, keypoint_set(keypoints), CodecSpec("dark", (64, 64), 1.5))


def meta_state(build: Callable[[], nn.Module]) -> State:
    """Names and shapes without memory."""
    with torch.device("meta"):
        return build().state_dict()


def mmpose_1(state: State) -> State:
    heads = ("final_layer", "deconv_layers")
    return {("head." if name.startswith(heads) else "backbone.") + name: value for name, value in state.items()}


def mmpose_0(state: State) -> State:
    return {
        name.replace("head.", "keypoint_head.", 1) if name.startswith("head.") else name: value
        for name, value in mmpose_1(state).items()
    }


def imagenet_hrnet(width: int = 4, device: str = "cpu") -> State:
    """The classification network of the reference: V2 body and its head."""
    from hrnet.backbones import HRNet

    with torch.device(device):
        state = HRNet(HRNetSpec(width)).state_dict()
        state["incre_modules.0.0.conv1.weight"] = torch.zeros(32, width, 1, 1)
        state["downsamp_modules.0.0.weight"] = torch.zeros(256, 128, 3, 3)
        state["final_layer.0.weight"] = torch.zeros(2048, 1024, 1, 1)
        state["final_layer.0.bias"] = torch.zeros(2048)
        state["classifier.weight"] = torch.zeros(1000, 2048)
    return state


def body(width: int = 4) -> State:
    """A V2 body on the meta device."""
    from hrnet.backbones import HRNet

    return meta_state(lambda: HRNet(HRNetSpec(width)))


def uncommon_pose(spec: HRNetSpec) -> State:
    return meta_state(lambda: PoseHRNet(spec, 17))


def assert_equal(first: State, second: State) -> None:
    assert list(first) == list(second)
    for name, tensor in first.items():
        assert tensor.dtype == second[name].dtype
        assert torch.equal(tensor, second[name]), name
