"""From a name to a network that is used as it was trained."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from weights.builders import assert_equal, mmpose_0, mmpose_1
from weights.zoo.conftest import small_state
from weights.zoo.servers import Server

import hrnet
from hrnet.codecs import CodecSpec
from hrnet.errors import CheckpointError
from hrnet.models import build_model
from hrnet.structures import PoseResult
from hrnet.weights import load_pose, pose
from hrnet.weights.zoo import DownloadError, Source, ZooEntry, entries, locate, locating

Publish = Callable[..., ZooEntry]
CROP = (64, 64)


@pytest.fixture
def publish(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put a state dict on the server and an entry for it in the table."""
    table = dict(entries.zoo_entries())
    monkeypatch.setattr(pose, "zoo_entries", lambda: table)
    monkeypatch.setattr(locating, "zoo_entries", lambda: table)
    monkeypatch.setattr(locating, "entries_by_file", lambda: {entry.file_name: entry for entry in table.values()})

    def put(state: Any, architecture: str = "pose_hrnet_w4", **changes: Any) -> ZooEntry:
        buffer = io.BytesIO()
        torch.save({"state_dict": state, "meta": {"epoch": 210}}, buffer)
        content = buffer.getvalue()
        sha256 = hashlib.sha256(content).hexdigest()[:8]
        server.files[f"/files/{architecture}-{sha256}.pth"] = (content, {})
        entry = ZooEntry(
            name=f"{architecture}.test_64x64",
            task="pose",
            architecture=architecture,
            num_outputs=17,
            dataset="test",
            training_data="ten drawings",
            input_size=CROP,
            sources=(Source("mmpose 1.x", "a_config"),),
            urls=(f"{server.base}/files/{architecture}-{sha256}.pth",),
            sha256=sha256,
            codec=CodecSpec("dark", CROP, 2, 11),
            keypoint_set="animalpose",
        )
        entry = replace(entry, **changes)
        table[entry.name] = entry
        return entry

    return put


@pytest.mark.parametrize("layout", [mmpose_0, mmpose_1])
def test_a_name_is_all_one_needs(publish: Publish, server: Server, layout: Any) -> None:
    state = small_state(20)
    entry = publish(layout(state), num_outputs=20, mean=(0.5, 0.4, 0.3), channel_order="bgr", license="mit")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network, card = load_pose(entry.name)
    assert_equal(network.state_dict(), state)
    assert (card.codec, card.keypoint_set.name, card.channel_order) == (CodecSpec("dark", CROP, 2, 11), "animalpose", "bgr")
    assert (card.mean, card.license, card.training_data) == ((0.5, 0.4, 0.3), "mit", "ten drawings")
    assert entry.urls[0] in (card.source or "")
    again = load_pose(entry.name, offline=True, keypoint_set=card.keypoint_set, input_size=(128, 96), codec="udp")[1]
    assert again.codec == CodecSpec("udp", (128, 96), 2, 11)
    assert len(server.asked) == 1


def test_a_predictor_by_name(publish: Publish) -> None:
    entry = publish(build_model("pose_hrnet_w4", 20).state_dict(), num_outputs=20)
    predictor = hrnet.load(entry.name, detector="none", device="cpu", preset="published")
    result = predictor(np.zeros((40, 50, 3), np.uint8))
    assert isinstance(result, PoseResult)
    assert result.keypoints.shape == (1, 20, 2)
    assert predictor.keypoint_set.name == "animalpose"


@pytest.mark.parametrize("head", ["", "head.conv_layers.", "keypoint_head.final_layer."])
def test_faces_and_hands_are_heatmaps_too(publish: Publish, head: str) -> None:
    state = build_model("face_hrnetv2_w4", 21).state_dict()
    theirs = {}
    for name, value in state.items():
        if name.startswith("head.") and head:
            number = name.removeprefix("head.")
            last = head.startswith("head") and number.startswith("3.")
            theirs["head.final_layer." + number[2:] if last else head + number] = value
        else:
            theirs[("backbone." if head else "") + name] = value
    entry = publish(theirs, "face_hrnetv2_w4", num_outputs=21, task="hand pose", keypoint_set="onehand10k")
    predictor = hrnet.load(entry.name, detector="none", device="cpu", preset="fast")
    result = predictor(np.zeros((40, 50, 3), np.uint8))
    assert isinstance(result, PoseResult)
    assert result.keypoints.shape == (1, 21, 2)
    assert_equal(load_pose(entry.name)[0].state_dict(), state)


def test_an_architecture_that_is_no_pose_network(tmp_path: Path) -> None:
    torch.save(small_state(), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="seg_hrnet_w18 is no network for top-down pose"):
        load_pose(tmp_path / "a.pth", architecture="seg_hrnet_w18", announce=lambda sentence: None)


def test_faces_without_a_card(tmp_path: Path) -> None:
    torch.save(build_model("face_hrnetv2_w4", 19).state_dict(), tmp_path / "a.pth")
    said: list[str] = []
    network, card = load_pose(tmp_path / "a.pth", announce=said.append)
    assert (card.architecture, card.keypoint_set.name, card.codec.input_size) == ("face_hrnetv2_w4", "aflw", (256, 256))
    assert "19 keypoints named as in aflw" in said[0]
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 19, 16, 16)


def test_a_published_file_is_known_by_its_name_and_hash(publish: Publish, server: Server, tmp_path: Path) -> None:
    entry = publish(small_state(20), num_outputs=20)
    copy = tmp_path / entry.file_name
    copy.write_bytes(server.files[f"/files/{entry.file_name}"][0])
    assert locate(copy).entry == entry
    assert load_pose(copy)[1].keypoint_set.name == "animalpose"
    torch.save(small_state(17), copy)
    assert locate(copy).entry is None
    with pytest.warns(UserWarning, match="assumed"):
        assert load_pose(copy)[1].keypoint_set.name == "coco"
    assert server.asked == []


def test_the_file_is_not_what_is_on_record(publish: Publish) -> None:
    entry = publish(small_state(17), num_outputs=20)
    with pytest.raises(CheckpointError, match="17 outputs, but the keypoint set 'animalpose' has 20"):
        load_pose(entry.name)
    entry = publish(small_state(20, "pose_hrnet_w6"), num_outputs=20)
    with pytest.raises(CheckpointError, match="does not fit pose_hrnet_w4"):
        load_pose(entry.name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("seg_hrnet_w18.cityscapes_512x1024_40k", r"segmentation, not for top-down pose: hrnet\.load_checkpoint\('seg_"),
        ("higher_hrnet_w32.coco_512x512", r"bottom-up pose, not for top-down pose"),
        ("hourglass52.coco_256x256", r"this version has no such network \(pose\)"),
    ],
)
def test_what_is_no_top_down_network_is_not_downloaded(name: str, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        load_pose(name)


def test_names_win_over_files_and_mistakes_are_helped(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pose_hrnet_w32.coco_256x192").touch()
    with pytest.raises(DownloadError, match="offline"):
        locate("pose_hrnet_w32.coco_256x192", offline=True)
    for wrong in ("pose_hrnet_w32.coco_256x291", "pose_hrnet_w32.coco_265x192"):
        with pytest.raises(ValueError, match=r"did you mean .*'pose_hrnet_w32\.coco_256x192'"):
            locate(wrong)
    assert locate("nothing.pth").path == Path("nothing.pth")
    assert locate(tmp_path).entry is None


def test_bundled_names_first(own_file: Path) -> None:
    assert locate("pose_hrnet_w32.coco_256x192", bundled={"pose_hrnet_w32.coco_256x192": own_file}).path == own_file
