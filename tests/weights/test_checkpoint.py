"""From files of every origin to networks, and to files of other layouts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from golden.filled import filled_input, filled_state
from golden.manifests import manifest
from golden.networks import assert_recorded, cases_of
from torch import Tensor, nn
from weights.builders import SMALL, assert_equal, small_card, small_network
from weights.manifests import HOURGLASS52, assert_same, network_shapes, thin_manifest, thin_state

from hrnet.errors import CheckpointError
from hrnet.weights import (
    CARD_KEY,
    checkpoint,
    inspect_checkpoint,
    load_checkpoint,
    load_into,
    open_checkpoint,
    read_state_dict,
    save_checkpoint,
)
from hrnet.weights.empty_network import empty_network
from hrnet.weights.layouts import layout_called
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry, family_name

# --- the raw outputs of the network that was recorded


@pytest.mark.parametrize(
    ("case_id", "names"),
    [
        ("mmseg_fcn_hr18s_cityscapes19@1x64x96", {"decode_head": "output"}),
        ("mmseg_ocrnet_hr18s_cityscapes19@1x64x96", {"decode_head0": "aux", "decode_head1": "out"}),
        ("timm_hrnet_w18_ssld@1x64x64", {"output": "output"}),
        ("mmpose_td-hm_hrnetv2-w18_wflw98@1x64x64", {"output": "output"}),
    ],
)
def test_outputs_of_other_toolkits(case_id: str, names: dict[str, str], as_file: Any) -> None:
    (case,) = (case for case in cases_of() if case["id"] == case_id)
    network = load_checkpoint(as_file(filled_state(manifest(f"{case['family']}/{case['model']}"))))
    assert not network.training
    with torch.inference_mode():
        output = network(filled_input(**case["input"]))
    tensors = {"output": output} if isinstance(output, Tensor) else output._asdict()
    records = [record for record in case["tensors"] if record["name"] in names]
    assert len(records) == len(names)
    for record in records:
        assert_recorded(case, record, tensors[names[record["name"]]])


def test_heads_of_mmdet_1(as_file: Any) -> None:
    (case,) = (case for case in cases_of("mmdet_v1") if case["model"] == "mask_rcnn_hrnetv2p_w18")
    network: Any = load_checkpoint(as_file(filled_state(manifest("mmdet_v1/mask_rcnn_hrnetv2p_w18"))))
    with torch.inference_mode():
        scores, boxes = network.roi_head.bbox_head(filled_input(**case["roi_inputs"]["bbox"]))
    recorded = {record["name"]: record for record in case["tensors"]}
    assert_recorded(case, recorded["bbox_head0.cls"], torch.cat((scores[:, -1:], scores[:, :-1]), 1))
    assert boxes.shape[1] == 4 * 80  # the recorded ones have four more, of the background


@pytest.fixture
def as_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A path that reads as a given state dict, so that large ones need not be written."""

    def pretend(state: dict[str, Tensor]) -> Path:
        (tmp_path / "tiny.pth").unlink(missing_ok=True)
        torch.save({"weight": torch.zeros(1)}, tmp_path / "tiny.pth")
        _, facts = read_state_dict(tmp_path / "tiny.pth")
        monkeypatch.setattr(checkpoint, "read_state_dict", lambda *_: (dict(state), facts))
        return tmp_path / "tiny.pth"

    return pretend


# --- real files of every family


def small(name: str, num_outputs: int | None, options: dict[str, Any]) -> nn.Module:
    """Large matrices have no numbers of their own, so that files stay small."""
    network = empty_network(name, num_outputs, **options)
    generator = torch.Generator().manual_seed(1)
    state = {}
    for key, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            state[key] = torch.tensor(3)
        elif tensor.numel() > 100_000:
            state[key] = (
                torch.rand(tensor.shape[0], generator=generator).view(-1, *[1] * (tensor.ndim - 1)).expand(tensor.shape)
            )
            state[key] = state[key] / tensor[0].numel()
        elif tensor.ndim > 1:
            state[key] = torch.randn(tensor.shape, generator=generator) / tensor[0].numel() ** 0.5
        else:
            state[key] = torch.rand(tensor.shape, generator=generator) * 0.5 + 0.5
    load_into(network, state)
    return network.eval()


FILES = [
    ("pose_hrnet_w4", 17, "mmpose-0", {}),
    ("pose_hrnet_w5", 16, "reference", {"in_channels": 1}),
    ("face_hrnetv2_w4", 21, "mmpose", {}),
    ("ae_hrnet_w4", 17, "mmpose-0", {}),
    ("higher_hrnet_w4", 14, "mmpose-0", {}),
    ("seg_hrnet_w4", 19, "mmseg", {"align_corners": False}),
    ("seg_hrnet_w4", 150, "reference", {"align_corners": True}),
    ("seg_hrnet_w4_ocr", 7, "mmseg", {"align_corners": False}),
    ("cls_hrnet_w4", 10, "timm-ssld", {}),
    ("hrnet_features_w4", None, "timm", {}),
    ("pose_resnet50", 17, "mmpose", {}),
    ("stacked_hourglass_2", 16, "reference", {}),
    ("fcos_hrnetv2p_w4", 3, "mmdet", {}),
    ("mask_rcnn_hrnetv2p_w4", 3, "mmdet-1", {}),
    ("dekr_hrnet_w4", 17, "mmpose", {}),
]


@pytest.mark.parametrize(("name", "outputs", "layout", "options"), FILES)
def test_files_load_and_compute_the_same(
    name: str, outputs: int | None, layout: str, options: dict[str, Any], tmp_path: Path
) -> None:
    network = small(name, outputs, options)
    theirs = layout_called(layout, family_name(name))
    state = theirs.from_ours(network.state_dict())
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 3}, tmp_path / "a.pth")
    loaded = load_checkpoint(tmp_path / "a.pth")
    assert type(loaded) is type(network)
    assert not loaded.training
    folded = layout in ("mmseg", "timm-ssld")
    if not folded:
        assert_same(loaded.state_dict(), network.state_dict())
    x = torch.randn(1, options.get("in_channels", 3), 64, 64)
    with torch.inference_mode():
        first, second = flat(network(x)), flat(loaded(x))
    for one, other in zip(first, second, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5 * float(one.abs().max())) if folded else torch.equal(one, other)


def flat(output: Any) -> list[Tensor]:
    return [output] if isinstance(output, Tensor) else [tensor for part in output for tensor in flat(part)]


def test_wrapped_training_files(tmp_path: Path) -> None:
    """pose-ae saves ``model.module.``, the segmentation code ``model.`` beside the buffers of its loss."""
    thin = thin_state(network_shapes("pose_ae_4", 17))
    torch.save({"state_dict": {f"model.module.{k}": v for k, v in thin.items()}}, tmp_path / "a.pth")
    assert_same(load_checkpoint(tmp_path / "a.pth").state_dict(), thin)
    thin = thin_state(network_shapes("seg_hrnet_w4_ocr", 19))
    wrapped = {
        **{f"model.{k}": v for k, v in thin.items()},
        "loss.criterion.weight": torch.ones(19),
        "pixel_acc": torch.zeros(1),
    }
    torch.save(wrapped, tmp_path / "b.pth")
    loaded = open_checkpoint(tmp_path / "b.pth")
    assert_same(loaded.network.state_dict(), thin)
    assert loaded.facts.ignored == ("loss.criterion.weight", "pixel_acc")
    assert loaded.entry.options == {"align_corners": True}


def test_batch_norm_of_the_master_branch(as_file: Any) -> None:
    thin = thin_state(network_shapes("seg_hrnet_w4", 19))
    thin["bn1.weight"] = -thin["bn1.weight"]
    network = load_checkpoint(as_file(thin), inplace_batch_norm=True)
    assert torch.equal(network.state_dict()["bn1.weight"], thin["bn1.weight"].abs() + 1e-5)
    assert torch.equal(load_checkpoint(as_file(thin)).state_dict()["bn1.weight"], thin["bn1.weight"])


# --- what is said and what is assumed


def test_overrides(as_file: Any) -> None:
    thin = thin_state(network_shapes("seg_hrnet_w4", 19))
    assert open_checkpoint(as_file(thin), align_corners=True).entry.options == {"align_corners": True}
    thin = thin_state(network_shapes("pose_resnet50", 17))
    network: Any = load_checkpoint(as_file(thin), architecture="pose_resnet50_caffe")
    assert network.layer2[0].conv1.stride == (2, 2)
    thin = thin_state(network_shapes("pose_hrnet_w4", 32))
    assert open_checkpoint(as_file(thin), architecture="ae_hrnet_w4").entry.num_outputs == 16
    with pytest.raises(ValueError, match="has no option 'align_corner'"):
        load_checkpoint(as_file(thin), align_corner=True)
    with pytest.raises(ValueError, match="did you mean"):
        load_checkpoint(as_file(thin), architecture="pose_hrent_w4")


def test_published_weights_are_built_as_recorded(as_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hrnet.weights import zoo

    path = as_file(thin_state(network_shapes("pose_hrnet_w4", 32)))

    @dataclasses.dataclass
    class Published:
        architecture: str | None = "ae_hrnet_w4"
        num_outputs: int = 16
        options: dict[str, Any] = dataclasses.field(default_factory=dict)

    monkeypatch.setattr(zoo, "locate", lambda _: zoo.Located(path, Published()))  # pyright: ignore[reportArgumentType]
    assert open_checkpoint("ae_hrnet_w4.mhp_512").entry == NetworkEntry(
        "ae_hrnet_w4", 16, {}, "deep-high-resolution-net, or ours"
    )
    with pytest.raises(CheckpointError, match="does not fit higher_hrnet_w4"):
        load_checkpoint("x", architecture="higher_hrnet_w4")


def test_what_does_not_fit_is_listed(as_file: Any) -> None:
    thin = thin_state(network_shapes("face_hrnetv2_w4", 68))
    del thin["head.1.weight"]
    thin["extra.weight"] = torch.zeros(1)
    thin["bn2.bias"] = torch.zeros(3)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(as_file(thin))
    text = str(caught.value)
    assert "tiny.pth: the checkpoint does not fit" in text
    for words in (
        "missing (1): head.1.weight",
        "unexpected (1): extra.weight",
        "bn2.bias 3 in the checkpoint, 64",
        "face_hrnetv2_w4",
    ):
        assert words in text


def test_the_nearest_network_is_named(as_file: Any, tmp_path: Path) -> None:
    thin = thin_manifest("mmpose/td-hm_hrnet-w32_coco17")
    del thin["backbone.transition1.0.0.weight"]
    with pytest.raises(
        CheckpointError, match=r"nearest network is pose_hrnet_w18 as in mmpose 1\.x; missing \(1\): backbone\.tr"
    ):
        load_checkpoint(as_file(thin))
    with pytest.raises(CheckpointError, match=r"entries begin with: encoder\.weight"):
        load_checkpoint(as_file({"encoder.weight": torch.zeros(2)}))
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "c.pth")
    assert "encoder.weight" in inspect_checkpoint(tmp_path / "c.pth").summary()


@pytest.mark.parametrize("name", HOURGLASS52)
def test_recognised_but_no_network_here(name: str, as_file: Any) -> None:
    with pytest.raises(CheckpointError, match=r"hourglass52.*cannot be loaded: there is no such network here"):
        load_checkpoint(as_file(thin_manifest(name)))


def test_names_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no weights and no file called"):
        load_checkpoint("pose_hrnet_w99.nothing")
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "a.pth")


def test_ours_with_a_card(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", small_network(), small_card())
    loaded = open_checkpoint(path)
    assert (loaded.entry.architecture, loaded.entry.num_outputs) == (SMALL, 17)
    assert loaded.found is not None
    assert (loaded.found.origin, loaded.found.unknown, loaded.found.codec) == ("hrnet", (), "dark")
    assert_equal(loaded.network.state_dict(), small_network().state_dict())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"architecture": "pose_hrent_w4"}', '{"architecture": "hrnet_w4", "num_outputs": "x"}']
)
def test_a_file_that_states_nonsense(text: str, tmp_path: Path) -> None:
    torch.save({"state_dict": {"a.weight": torch.zeros(2)}, NETWORK_KEY: text}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=NETWORK_KEY):
        read_state_dict(tmp_path / "a.pth")
    card = dataclasses.replace(small_card(), architecture="pose_hrnet_x")
    torch.save({"state_dict": {"a.weight": torch.zeros(2)}, CARD_KEY: card.to_json()}, tmp_path / "b.pth")
    with pytest.raises(CheckpointError, match="does not have"):
        load_checkpoint(tmp_path / "b.pth")


def test_inspection_says_all_that(tmp_path: Path) -> None:
    thin = thin_manifest("mmseg/ocrnet_hr18s_cityscapes19")
    torch.save({"meta": {"epoch": 1}, "state_dict": thin}, tmp_path / "a.pth")
    report = inspect_checkpoint(tmp_path / "a.pth")
    data = report.to_dict()
    assert (data["architecture"], data["num_outputs"], data["origin"]) == ("seg_hrnet_w18_small_v2_ocr", 19, "mmseg")
    assert (data["options"], data["input_size"], data["codec"]) == ({"align_corners": False}, (512, 1024), None)
    assert data["layouts"] == ["ours", "reference", "mmseg"]
    for words in (
        "19 classes",
        "512x1024",
        "align_corners=False",
        "converts to ours, reference, mmseg",
        "not known   align_corners",
    ):
        assert words in report.summary()
