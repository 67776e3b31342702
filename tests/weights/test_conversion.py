"""Files from one layout to another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from weights.builders import SMALL, assert_equal, small_card, small_network
from weights.manifests import assert_same, in_order, network_shapes, thin_manifest, thin_state

from hrnet.errors import CheckpointError
from hrnet.weights import (
    convert_checkpoint,
    inspect_checkpoint,
    load_pose,
    open_checkpoint,
    read_state_dict,
    save_checkpoint,
)
from hrnet.weights.network_entry import NetworkEntry


def test_there_and_back(tmp_path: Path) -> None:
    first = save_checkpoint(tmp_path / "a.safetensors", small_network(), small_card())
    state = small_network().state_dict()
    for layout, suffix in (("ours", "pth"), ("reference", "safetensors"), ("mmpose", "safetensors"), ("mmpose-0", "pth")):
        there = convert_checkpoint(first, layout, tmp_path / f"there.{suffix}")
        back = convert_checkpoint(there.path, "ours", tmp_path / f"back.{suffix}")
        assert_equal(in_order(read_state_dict(back.path)[0], state), state)
        assert (there.layout, there.architecture, back.layout) == (layout, SMALL, "ours")
        assert bool(there.notes) == (layout != "ours")
        facts = read_state_dict(there.path)[1]
        assert facts.card == (small_card() if layout == "ours" else None)
    assert load_pose(convert_checkpoint(first, "ours", tmp_path / "c.pth").path)[1] == small_card()
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.safetensors", "c.pth"} | {
        f"{way}.{suffix}" for way in ("there", "back") for suffix in ("pth", "safetensors")
    }


def test_dead_rows_survive_in_files_of_ours(tmp_path: Path) -> None:
    name = "mmdet_v1/mask_rcnn_hrnetv2p_w18"
    theirs = thin_manifest(name)
    torch.save(theirs, tmp_path / "a.pth")
    convert_checkpoint(tmp_path / "a.pth", "ours", tmp_path / "b.safetensors")
    facts = read_state_dict(tmp_path / "b.safetensors")[1]
    assert {key for _, key in facts.left_over} == {
        f"roi_head.{part}.{kind}" for part in ("bbox_head.fc_reg", "mask_head.conv_logits") for kind in ("weight", "bias")
    }
    assert facts.network == NetworkEntry("mask_rcnn_hrnetv2p_w18", 80, {}, "mmdet 1.x or HRNet-Object-Detection")
    convert_checkpoint(tmp_path / "b.safetensors", "mmdet-1", tmp_path / "c.pth")
    assert_same(torch.load(tmp_path / "c.pth", weights_only=True), theirs)


def test_files_of_ours_say_what_names_do_not(tmp_path: Path) -> None:
    for name, options in (("seg_hrnet_w4", {"align_corners": True}), ("pose_resnet50_caffe", {}), ("ae_hrnet_w4", {})):
        thin = thin_state(network_shapes(name, 5))
        torch.save(thin, tmp_path / "a.pth")
        convert_checkpoint(tmp_path / "a.pth", "ours", tmp_path / "b.safetensors", architecture=name, num_outputs=5, **options)
        loaded = open_checkpoint(tmp_path / "b.safetensors")
        assert (loaded.entry.architecture, loaded.entry.num_outputs, loaded.entry.options) == (name, 5, options)
        report = inspect_checkpoint(tmp_path / "b.safetensors")
        assert not any("align_corners" in sentence or "_caffe" in sentence for sentence in report.unknown)
        assert "hrnet, converted from" in report.summary()
        assert report.to_dict()["architecture"] == name


def test_half_precision(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", small_network(), small_card())
    convert_checkpoint(path, "mmpose", tmp_path / "b.pth", half=True)
    state = torch.load(tmp_path / "b.pth", weights_only=True)
    assert state["backbone.conv1.weight"].dtype == torch.float16
    assert state["backbone.bn1.weight"].dtype == torch.float32


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", small_network(), small_card())
    with pytest.raises(CheckpointError, match=r"pose_hrnet has no layout 'mmseg': .* as ours, reference, mmpose"):
        convert_checkpoint(path, "mmseg", tmp_path / "b.pth")
    with pytest.raises(ValueError, match="no layout called 'mmseq'"):
        convert_checkpoint(tmp_path / "nothing.pth", "mmseq", tmp_path / "b.pth")
    with pytest.raises(ValueError, match=r"\.safetensors or \.pth, got 'b\.onnx'"):
        convert_checkpoint(path, "mmpose", tmp_path / "b.onnx")
    with pytest.raises(OSError, match="cannot write"):
        convert_checkpoint(path, "mmpose", tmp_path / "nowhere" / "b.pth")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]
