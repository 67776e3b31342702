from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from weights.builders import SMALL, assert_equal, imagenet_hrnet, mmpose_1, small_card, small_network

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import CheckpointError
from hrnet.models import build_model
from hrnet.structures import KeypointSet
from hrnet.weights import bundled_models, inspect_checkpoint, load_pose, pose, save_checkpoint
from hrnet.weights.described import load_described
from hrnet.weights.pose_card import PoseCard


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "ours.safetensors", small_network(), small_card())


def foreign(path: Path, keypoints: int = 17, name: str = SMALL, mmpose: bool = False) -> Path:
    state = small_network(keypoints, name).state_dict()
    torch.save(mmpose_1(state) if mmpose else state, path)
    return path


def test_ours_comes_back_without_a_word(ours: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network, card = load_pose(ours)
    assert card == small_card()
    assert not network.training
    assert_equal(network.state_dict(), small_network().state_dict())
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 17, 16, 16)


def test_the_user_has_the_last_word(ours: Path) -> None:
    named = KeypointSet("mine", tuple(f"k{k}" for k in range(17)), tuple(range(17)))
    _, card = load_pose(ours, keypoint_set=named, input_size=(96, 64), codec="udp")
    assert card.keypoint_set is named
    assert card.codec == CodecSpec("udp", (96, 64), 1.5)
    assert load_pose(ours, codec=CodecSpec("dark", (64, 64)), input_size=(128, 96))[1].codec == CodecSpec("dark", (128, 96))
    with pytest.raises(CheckpointError, match="has 17 outputs, but the keypoint set 'mpii' has 16"):
        load_pose(ours, keypoint_set="mpii")
    with pytest.raises(ValueError, match="did you mean 'dark'"):
        load_pose(ours, codec="drak")
    with pytest.raises(CheckpointError, match=r"17 outputs.*3 \(udp_combined\)"):
        load_pose(ours, codec="udp_combined")


@pytest.mark.parametrize(
    ("file", "keypoints", "mmpose", "codec", "words"),
    [
        ("a.pth", 17, False, CodecSpec("quarter_offset", (256, 192), 2), ("named as in coco", "could be ap10k")),
        ("a.pth", 16, False, CodecSpec("quarter_offset", (256, 256), 2), ("named as in mpii", "256x256")),
        ("a.pth", 14, False, CodecSpec("quarter_offset", (256, 192), 2), ("named as in crowdpose", "lsp")),
        ("a.pth", 98, False, CodecSpec("quarter_offset", (256, 192), 2), ("98 keypoints",)),
        ("a.pth", 17, True, CodecSpec("quarter_offset_mmpose", (256, 192), 2), ("quarter_offset_mmpose",)),
        (
            "w32_384x288.pth",
            17,
            False,
            CodecSpec("quarter_offset", (384, 288), 3),
            ("384x288 (height x width) from the file's",),
        ),
        ("hrnet_8xb64dark-210e_coco-256x192.pth", 17, True, CodecSpec("dark", (256, 192), 2), ("dark from the file's",)),
    ],
)
def test_foreign_checkpoints_say_what_was_assumed(
    tmp_path: Path, file: str, keypoints: int, mmpose: bool, codec: CodecSpec, words: tuple[str, ...]
) -> None:
    path = foreign(tmp_path / file, keypoints, mmpose=mmpose)
    with pytest.warns(UserWarning, match="does not say how it was trained") as caught:
        network, card = load_pose(path)
    assert card.codec == codec
    assert card.keypoint_set.num_keypoints == network.num_keypoints == keypoints
    assert card.architecture == SMALL
    for word in (*words, "ImageNet mean"):
        assert word in str(caught[0].message)


def test_what_the_user_says_is_not_assumed(tmp_path: Path) -> None:
    said: list[str] = []
    path = foreign(tmp_path / "a_384x288.pth", 14)
    _, card = load_pose(path, keypoint_set="lsp", input_size=(96, 64), codec="dark", announce=said.append)
    assert (card.keypoint_set.name, card.codec) == ("lsp", CodecSpec("dark", (96, 64), 2))
    assert said == ["a_384x288.pth does not say how it was trained; assumed: ImageNet mean and std"]


def test_keypoints_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"5 outputs.*keypoint_set=.*no known set"):
        load_pose(foreign(tmp_path / "a.pth", 5))
    with pytest.raises(CheckpointError, match=r"19 outputs.*the sets of this size: "):
        load_pose(foreign(tmp_path / "b.pth", 19))
    path = foreign(tmp_path / "c.pth", 51)
    with pytest.raises(CheckpointError, match="codec='udp_combined' with 17 keypoints"):
        load_pose(path)
    with pytest.warns(UserWarning, match="17 keypoints"):
        network, card = load_pose(path, codec="udp_combined")
    assert (card.keypoint_set, network.num_keypoints) == (keypoint_set("coco"), 51)


def test_caffe_style_is_the_users_to_know(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(build_model("pose_resnet50", 17).state_dict(), path)
    said: list[str] = []
    card = load_pose(path, announce=said.append)[1]
    assert (card.architecture, card.channel_order) == ("pose_resnet50", "bgr")
    network, card = load_pose(path, architecture="pose_resnet50_caffe", announce=said.append)
    assert card.architecture == "pose_resnet50_caffe"
    assert ["_caffe" in sentence for sentence in said] == [True, False]
    assert network.get_submodule("layer2.0.conv1").stride == (2, 2)


def test_hourglass_takes_pictures_as_they_are(tmp_path: Path) -> None:
    torch.save({"state_dict": build_model("stacked_hourglass_2", 16).state_dict()}, tmp_path / "a.pt")
    with pytest.warns(UserWarning, match="without mean and std"):
        _, card = load_pose(tmp_path / "a.pt")
    assert (card.mean, card.std) == ((0, 0, 0), (1, 1, 1))
    assert card.codec == CodecSpec("quarter_offset", (256, 256), 1)


def test_imagenet_weights_are_no_pose_network(tmp_path: Path) -> None:
    torch.save(imagenet_hrnet(), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"cls_hrnet_w4.*a start for training"):
        load_pose(tmp_path / "a.pth")


def test_a_card_that_does_not_fit_its_weights(tmp_path: Path) -> None:
    card = small_card("pose_hrnet_w6")
    path = save_checkpoint(tmp_path / "a.safetensors", small_network(), card)
    with pytest.raises(CheckpointError, match=r"a\.safetensors: the checkpoint does not fit pose_hrnet_w6.*pose_hrnet_w4"):
        load_pose(path)


def test_names_of_bundled_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Path) -> None:
    monkeypatch.setattr(pose, "bundled_models", lambda: {"pose_hrnet_w4.coco_64x64": ours})
    assert load_pose("pose_hrnet_w4.coco_64x64")[1] == small_card()
    with pytest.raises(ValueError, match=r"did you mean 'pose_hrnet_w4\.coco_64x64'"):
        load_pose("pose_hrnet_w3.coco_64x64")
    with pytest.raises(FileNotFoundError):
        load_pose("pose_hrnet_w4.safetensors")
    with pytest.raises(FileNotFoundError):
        load_pose(tmp_path / "nothing")
    monkeypatch.chdir(tmp_path)
    ours.rename("plain_name")
    assert load_pose("plain_name")[1] == small_card()


@pytest.mark.parametrize("name", bundled_models())
def test_bundled_models_load(name: str) -> None:
    network, card = load_described(name)
    assert name.split(".")[0] == card.architecture
    assert card.license is not None
    assert card.metrics
    assert bundled_models()[name].with_suffix(".md").exists()
    if isinstance(card, PoseCard):
        with torch.inference_mode():
            heatmaps = network(torch.zeros(1, 3, *card.codec.input_size))
        assert heatmaps.shape[1] == card.num_outputs


def test_inspection_of_ours(ours: Path) -> None:
    report = inspect_checkpoint(ours)
    data = report.to_dict()
    assert (data["architecture"], data["num_outputs"], data["dtype"], data["task"]) == (SMALL, 17, "float32", "pose")
    assert data["parameters"] == sum(parameter.numel() for parameter in small_network().parameters())
    assert data["unknown"] == []
    for words in ("pose_hrnet_w4", "17 (coco)", "64x64", "dark", "licence     not stated"):
        assert words in str(report)


def test_inspection_of_others(tmp_path: Path) -> None:
    report = inspect_checkpoint(foreign(tmp_path / "a.pth", mmpose=True))
    assert report.recognized is not None
    assert report.recognized.origin == "mmpose 1.x"
    assert "not known   input size" in report.summary()
    torch.save(imagenet_hrnet(), tmp_path / "b.pth")
    assert "a start for training" in inspect_checkpoint(tmp_path / "b.pth").summary()
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "c.pth")
    report = inspect_checkpoint(tmp_path / "c.pth")
    assert (report.to_dict()["architecture"], report.unknown) == (None, ("which network this is",))
    assert "encoder.weight" in report.summary()
