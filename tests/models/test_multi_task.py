"""One body, several heads: the outputs and state dicts are those of the single networks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.models import FaceHRNetV2, PoseHRNet
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.models.hrnet_features import HRNetFeatures
from hrnet.models.multi_task import MultiTaskModel
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.nn.exchange import Upsampling

TINY = HRNetSpec(
    4,
    stage1_blocks=1,
    stage1_planes=4,
    modules=(1, 1, 2),
    blocks=1,
    upsampling=Upsampling("bilinear"),
    batch_norm_momentum=0.01,
)


def networks() -> dict[str, Any]:
    """Networks with one body."""
    made: dict[str, Any] = {
        "segment": SegHRNet(TINY, 5), "face": FaceHRNetV2(TINY, 7), "pose": PoseHRNet(TINY, 3), "classify": ClsHRNet(TINY, 9)
    }  # fmt: skip
    body = {key: torch.rand_like(value) + 0.2 for key, value in HRNet(TINY).state_dict().items() if value.is_floating_point()}
    for network in made.values():
        own = network.state_dict()
        network.load_state_dict({**own, **{key: value for key, value in body.items() if key in own}})
        network.eval()
    return made


def model_of(made: dict[str, Any]) -> MultiTaskModel:
    return MultiTaskModel(copy.deepcopy(made["segment"]), made).eval()


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_outputs_are_those_of_the_single_networks() -> None:
    made, x = networks(), torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        outputs = model_of(made)(x)
        assert set(outputs) == set(made)
        for task, network in made.items():
            torch.testing.assert_close(outputs[task], network(x), msg=task)
        assert set(model_of(made)(x, tasks=("face",))) == {"face"}


def test_features_are_computed_once() -> None:
    model, calls = model_of(networks()), []
    model.backbone.stage4.register_forward_hook(lambda *_: calls.append(1))
    model(torch.randn(1, 3, 64, 64))
    assert len(calls) == 1
    names = list(model.state_dict())
    assert sum(name.endswith("layer1.0.conv1.weight") for name in names) == 1


def test_splits_into_single_networks_and_back() -> None:
    made = networks()
    model = model_of(made)
    states = model.split()
    for task, network in made.items():
        assert_same(states[task], network.state_dict())
    other = MultiTaskModel(SegHRNet(TINY, 5), {"segment": SegHRNet(TINY, 5), "face": FaceHRNetV2(TINY, 7),
                                               "pose": PoseHRNet(TINY, 3), "classify": ClsHRNet(TINY, 9)})  # fmt: skip
    other.join(states)
    assert_same(other.state_dict(), model.state_dict())


def test_joining_refuses_networks_with_different_bodies() -> None:
    made = networks()
    model, states = model_of(made), {task: network.state_dict() for task, network in made.items()}
    states["pose"] = {**states["pose"], "conv1.weight": states["pose"]["conv1.weight"] + 1}
    with pytest.raises(ValueError, match=r"conv1\.weight of 'pose'"):
        model.join(states)
    with pytest.raises(ValueError, match="segment, face, pose, classify"):
        model.join({"pose": states["pose"]})
    del states["pose"]["final_layer.bias"], states["pose"]["conv1.weight"]
    with pytest.raises(ValueError, match=r"missing \['heads\.pose\.final_layer\.bias'\]"):
        model.join(states)


def test_all_heads_train_the_one_body() -> None:
    model = model_of(networks()).train()
    torch.stack([output.square().mean() for output in model(torch.randn(2, 3, 64, 64)).values()]).sum().backward()
    assert [key for key, parameter in model.named_parameters() if parameter.grad is None] == []


def test_what_cannot_share_a_body() -> None:
    wide = HRNetSpec(8, stage1_blocks=1, stage1_planes=4, modules=(1, 1, 2), blocks=1)
    with pytest.raises(ValueError, match="at least one head"):
        MultiTaskModel(HRNet(TINY), {})
    with pytest.raises(ValueError, match="widths"):
        MultiTaskModel(HRNet(TINY), {"pose": PoseHRNet(wide, 3)})
    with pytest.raises(ValueError, match=r"branches \(0, 1, 2, 3\)"):
        MultiTaskModel(PoseHRNet(TINY, 3), {"segment": SegHRNet(TINY, 5)})
    with pytest.raises(ValueError, match="HRNetFeatures"):
        MultiTaskModel(HRNet(TINY), {"maps": HRNetFeatures(TINY)})
    with pytest.raises(ValueError, match="identifier"):
        MultiTaskModel(HRNet(TINY), {"a.b": PoseHRNet(TINY, 3)})
    with pytest.raises(ValueError, match="'poses'"):
        MultiTaskModel(HRNet(TINY), {"pose": PoseHRNet(TINY, 3)}).eval()(torch.randn(1, 3, 32, 32), tasks=("poses",))
