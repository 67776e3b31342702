from __future__ import annotations

import pytest
import torch
from torch import Tensor
from weights.builders import body, imagenet_hrnet, meta_state, mmpose_0, mmpose_1, uncommon_pose

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.errors import CheckpointError
from hrnet.models import build_model, list_models
from hrnet.weights import identify, recognize

FREE = ["pose_hrnet_w4", "pose_hrnet_w16", "pose_hrnet_w20", "pose_hrnet_w100"]


def parts(*names: str) -> dict[str, Tensor]:
    return {name: torch.empty(19, 8, 1, 1, device="meta") for name in names}


@pytest.mark.parametrize("name", list_models() + FREE)
def test_every_network_is_recognized(name: str) -> None:
    for keypoints in (1, 16):
        found = recognize(meta_state(lambda: build_model(name, keypoints)))  # noqa: B023
        assert found.architecture == name.removesuffix("_caffe")
        assert found.num_keypoints == keypoints
        assert (found.use, found.task) == ("load", "pose")
        assert any("_caffe" in sentence for sentence in found.unknown) == ("resnet" in name)


@pytest.mark.parametrize("name", ["pose_hrnet_w32", "pose_hrnet_w18_small_v1", "pose_resnet50", "pose_resnet152"])
def test_mmpose_layouts(name: str) -> None:
    state = meta_state(lambda: build_model(name, 17))
    for rename, origin in ((mmpose_1, "mmpose 1.x"), (mmpose_0, "mmpose 0.x")):
        theirs = {**rename(state), "data_preprocessor.mean": torch.empty(3)}
        found = recognize(theirs)
        assert (found.architecture, found.num_keypoints, found.origin) == (name, 17, origin)
        assert list(found.layout.rename(theirs)) == list(state)


def test_tags_and_heatmaps_cannot_be_told_from_keypoints() -> None:
    found = recognize(mmpose_1(meta_state(lambda: build_model("pose_hrnet_w32", 34))))
    assert any("17 tags" in sentence for sentence in found.unknown)


@pytest.mark.parametrize("width", [4, 18, 48])
def test_imagenet_hrnets_are_a_start_only(width: int) -> None:
    found = recognize(imagenet_hrnet(width, "meta"))
    assert (found.family, found.use, found.num_outputs, found.num_keypoints) == (f"cls_hrnet_w{width}", "start", 1000, None)
    found = recognize(body(width))
    assert (found.family, found.use, found.num_outputs) == (f"hrnet_w{width}", "start", None)
    openmmlab = {f"backbone.{name}": value for name, value in body(width).items()}
    assert recognize(openmmlab).family == f"hrnet_w{width}"


def test_imagenet_resnet() -> None:
    state = meta_state(lambda: build_model("pose_resnet101", 17))
    state = {name: value for name, value in state.items() if not name.startswith(("deconv", "final"))}
    found = recognize({**state, "fc.weight": torch.empty(1000, 2048, device="meta")})
    assert (found.family, found.use, found.num_outputs) == ("resnet101", "start", 1000)


@pytest.mark.parametrize(
    ("head", "prefix", "words"),
    [
        (("last_layer.0.weight", "last_layer.3.weight"), "", "seg_hrnet_w18 with 19 classes"),
        (("ocr_distri_head.x.weight", "cls_head.weight"), "", "seg_hrnet_ocr_w18 with 19"),
        (("decode_head.conv_seg.weight",), "backbone.", "seg_hrnet_w18 with 19 classes"),
        (("decode_head.0.conv_seg.weight", "decode_head.1.conv_seg.weight"), "backbone.", "seg_hrnet_ocr_w18"),
        (("head.0.weight", "head.3.weight"), "", "face_hrnetv2_w18 with 19 outputs"),
        (("head.conv_layers.0.weight", "head.final_layer.weight"), "backbone.", "face_hrnetv2_w18 with 19"),
        (("final_layers.0.weight", "deconv_layers.0.0.0.weight"), "", "higher_hrnet_w18"),
        (("head.displacement_conv_layers.0.0.weight",), "backbone.", "dekr_w18"),
        (
            ("neck.reduction_conv.conv.weight", "rpn_head.rpn_conv.weight", "roi_head.bbox_head.fc_cls.weight"),
            "backbone.",
            "detec",
        ),
        (("neck.reduction_conv.conv.weight", "roi_head.mask_head.convs.0.conv.weight"), "backbone.", "mask_rcnn"),
    ],
)
def test_other_families_are_named(head: tuple[str, ...], prefix: str, words: str) -> None:
    state = {f"{prefix}{name}": value for name, value in body(18).items()}
    with pytest.raises(CheckpointError, match="cannot be used for top-down pose") as caught:
        recognize({**state, **parts(*head)})
    assert words in str(caught.value)


def test_a_body_that_has_no_name() -> None:
    with pytest.raises(CheckpointError, match=r"modules \(1, 2, 1\)"):
        recognize(uncommon_pose(HRNetSpec(24, modules=(1, 2, 1))))
    with pytest.raises(CheckpointError, match="takes 4 channels"):
        recognize(uncommon_pose(HRNetSpec(32, in_channels=4)))


def test_heads_that_are_built_otherwise() -> None:
    state = meta_state(lambda: build_model("pose_hrnet_w18", 17))
    with pytest.raises(CheckpointError, match="3x3"):
        recognize({**state, "final_layer.weight": torch.empty(17, 18, 3, 3, device="meta")})
    resnet = meta_state(lambda: build_model("pose_resnet50", 17))
    with pytest.raises(CheckpointError, match="differ from SimpleBaseline"):
        recognize({name: value for name, value in resnet.items() if not name.startswith("deconv_layers.6")})


@pytest.mark.parametrize(
    "state", [{}, {"a": (1,)}, {"transition1.0.0.weight": ()}, {"conv1.weight": (64, 3, 7, 7)}, {"hgs.0": ()}]
)
def test_nothing_known(state: dict[str, tuple[int, ...]]) -> None:
    assert identify(state) is None
    with pytest.raises(CheckpointError, match="not a checkpoint of a known network"):
        recognize(state)
