from __future__ import annotations

import pytest
import torch
from golden.manifests import MANIFESTS, manifest
from weights.builders import body, imagenet_hrnet, meta_state, mmpose_0, mmpose_1, uncommon_pose
from weights.manifests import HOURGLASS52, expected, network_shapes

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.errors import CheckpointError
from hrnet.models import build_model, family_of, list_models
from hrnet.weights import identify, recognize

# One of each family and structure (a width changes shapes alone), and free widths.
NAMES = [
    *(name for name in list_models() if "_w" not in name),
    *(
        f"{name}_w18"
        for name in ("hrnet", "hrnet_features", "cls_hrnet", "seg_hrnet", "face_hrnetv2", "dekr_hrnet", "fcos_hrnetv2p")
    ),
    *("pose_hrnet_w4", "pose_hrnet_w18_small_v1", "seg_hrnet_w20_ocr", "seg_hrnet_w18_small_v2", "cls_hrnet_w100"),
    *("fcos_hrnetv2p_w18", "higher_hrnet_w16", "ae_hrnet_w16", "htc_hrnetv2p_w16", "cascade_mask_rcnn_hrnetv2p_w18_small_v1"),
]


def usual_outputs(name: str) -> int | None:
    family = family_of(name)
    return family.usual_outputs if family.outputs else None


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_recorded_checkpoint(name: str) -> None:
    found, wanted = identify(manifest(name)), expected(name)
    assert found is not None
    # The stride of SimpleBaseline's Caffe style is in no weight.
    assert found.architecture == (wanted.architecture and wanted.architecture.removesuffix("_caffe"))
    assert (found.family, found.num_outputs, found.task) == (wanted.family, wanted.num_outputs, wanted.task)
    assert wanted.origin in found.origin
    assert dict(found.options) == wanted.options
    assert found.unknown
    assert (found.input_size is None) == (found.task == "backbone")
    assert (found.codec is None) == (found.num_keypoints is None)


def test_there_are_116() -> None:
    assert (len(MANIFESTS), len(HOURGLASS52)) == (116, 2)


@pytest.mark.parametrize("name", NAMES)
def test_every_network_of_ours(name: str) -> None:
    found = identify(network_shapes(name))
    assert found is not None
    outputs = usual_outputs(name)
    flat_tags = name.startswith("ae_hrnet")  # flat names: nothing tells heatmaps and tags from keypoints
    assert found.architecture == ("pose" + name[2:] if flat_tags else name.removesuffix("_caffe"))
    assert found.num_outputs == (34 if flat_tags else outputs)
    assert found.task == ("pose" if flat_tags else family_of(name).task)
    assert any("_caffe" in sentence for sentence in found.unknown) == ("resnet" in name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pose_hrnet_w16", {"in_channels": 4}),
        ("pose_resnet50", {"in_channels": 1}),
        ("seg_hrnet_w16", {"in_channels": 6}),
        ("faster_rcnn_hrnetv2p_w16", {"in_channels": 4}),
        ("cls_hrnet_w16", {"in_channels": 2}),
        ("stacked_hourglass_2", {"in_channels": 1, "channels": 128}),
        ("higher_hrnet_w16", {"num_deconvolutions": 2}),
        ("dekr_hrnet_w16", {"num_limbs": 5}),
        ("htc_hrnetv2p_w16", {"semantic_classes": 7}),
    ],
)
def test_options_are_read_off(name: str, options: dict[str, int]) -> None:
    found = identify(network_shapes(name, 9, **options))
    assert found is not None
    assert (found.architecture, found.num_outputs) == (name, 9)
    assert {key: value for key, value in found.options.items() if key != "align_corners"} == options
    if "in_channels" in options:
        assert any("of which kind" in sentence or "no RGB" in sentence for sentence in found.unknown)


@pytest.mark.parametrize("name", ["pose_hrnet_w32", "pose_hrnet_w18_small_v1", "pose_resnet50", "pose_resnet152"])
def test_mmpose_layouts(name: str) -> None:
    state = meta_state(lambda: build_model(name, 17))
    for rename, origin in ((mmpose_1, "mmpose 1.x"), (mmpose_0, "mmpose 0.x")):
        theirs = {**rename(state), "data_preprocessor.mean": torch.empty(3)}
        found = recognize(theirs)
        assert (found.architecture, found.num_keypoints, found.origin) == (name, 17, origin)
        assert list(found.layout.rename(theirs)) == list(state)


@pytest.mark.parametrize(
    ("outputs", "architecture", "count"),
    [
        (34, "ae_hrnet_w32", 17),
        (28, "ae_hrnet_w32", 14),
        (266, "ae_hrnet_w32", 133),
        (32, "pose_hrnet_w32", 32),  # the fly's 32 keypoints, or 16 and their tags
        (136, "pose_hrnet_w32", 136),
        (12, "pose_hrnet_w32", 12),
        (51, "pose_hrnet_w32", 51),
    ],
)
@pytest.mark.parametrize("rename", [mmpose_0, mmpose_1])
def test_heatmaps_and_tags_of_mmpose(rename: type[dict], outputs: int, architecture: str, count: int) -> None:
    shapes = {**network_shapes("pose_hrnet_w32", 17), "final_layer.weight": (outputs, 32, 1, 1), "final_layer.bias": (outputs,)}
    found = identify(rename(shapes))
    assert found is not None
    assert (found.architecture, found.num_outputs) == (architecture, count)
    assert any("tags" in sentence for sentence in found.unknown) == (outputs not in (12, 51))


@pytest.mark.parametrize("width", [4, 18, 48])
def test_imagenet_hrnets_are_a_start(width: int) -> None:
    found = recognize(imagenet_hrnet(width, "meta"))
    assert (found.family, found.use, found.num_outputs, found.num_keypoints) == ("cls_hrnet", "start", 1000, None)
    found = recognize(body(width))
    assert (found.architecture, found.use, found.num_outputs) == (f"hrnet_w{width}", "start", None)
    openmmlab = {f"backbone.{name}": value for name, value in body(width).items()}
    found = recognize(openmmlab)
    assert (found.architecture, found.origin) == (f"hrnet_w{width}", "OpenMMLab")
    assert list(found.layout.to_ours(openmmlab)) == list(body(width))


def test_imagenet_resnet() -> None:
    state = meta_state(lambda: build_model("pose_resnet101", 17))
    state = {name: value for name, value in state.items() if not name.startswith(("deconv", "final"))}
    found = recognize({**state, "fc.weight": torch.empty(1000, 2048, device="meta")})
    assert (found.family, found.use, found.num_outputs) == ("resnet101", "start", 1000)


OTHER_TASKS = [
    name
    for name in MANIFESTS
    if expected(name).task in ("bottom-up pose", "segmentation", "object detection", "instance segmentation")
]


@pytest.mark.parametrize("name", OTHER_TASKS)
def test_other_tasks_are_no_topdown_pose(name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be used for top-down pose") as caught:
        recognize(manifest(name))
    assert str(expected(name).architecture) in str(caught.value)


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
    htc = {name: shape for name, shape in manifest("mmdet/htc_hrnetv2p_w18").items() if "semantic_head" not in name}
    found = identify(htc)
    assert found is not None
    assert found.architecture is None
    assert any("semantic head" in sentence for sentence in found.unknown)
    with pytest.raises(CheckpointError, match=r"head is of no known network: odd_head"):
        recognize({**body(18), "odd_head.weight": torch.empty(3)})
    old_dekr = {
        name.replace("head.displacement_conv", "keypoint_head.offset_conv"): shape
        for name, shape in manifest("mmpose/dekr_hrnet-w32_coco17").items()
    }
    with pytest.raises(CheckpointError, match=r"mmpose 0\.x.*give a file of mmpose 1\.x"):
        recognize(old_dekr)


def test_what_cannot_be_known_is_said() -> None:
    def unknown(name: str) -> str:
        found = identify(manifest(name))
        assert found is not None
        return "; ".join(found.unknown)

    assert "inplace_batch_norm=True" in unknown("seg_hrnet/seg_hrnet_w48_cityscapes19")
    assert "align_corners=True is assumed, from its 150 classes" in unknown("seg_hrnet/seg_hrnet_w48_ade150")
    assert "align_corners=False is assumed" in unknown("mmseg/ocrnet_hr48_cityscapes19")
    assert "inplace" not in unknown("mmseg/fcn_hr48_cityscapes19")
    assert "512 and of 640" in unknown("higher_hrnet/higher_hrnet_w32_640_coco17")
    assert "mmpose's hourglass has other layers" in unknown("mmpose/td-hm_hourglass52_coco17")


@pytest.mark.parametrize(
    "state", [{}, {"a": (1,)}, {"transition1.0.0.weight": ()}, {"conv1.weight": (64, 3, 7, 7)}, {"hgs.0": ()}]
)
def test_nothing_known(state: dict[str, tuple[int, ...]]) -> None:
    assert identify(state) is None
    with pytest.raises(CheckpointError, match="not a checkpoint of a known network"):
        recognize(state)
