"""From a file of any task to a network and the card of that task."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import hrnet
from hrnet.codecs.associative_embedding import AssociativeEmbeddingSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import CheckpointError
from hrnet.models import build_model
from hrnet.weights.bottom_up_card import BOTTOM_UP_CARD_KEY, BottomUpCard
from hrnet.weights.described import CARD_KINDS, load_described
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry
from hrnet.weights.pose_card import PoseCard
from hrnet.weights.writing import write_checkpoint
from hrnet.weights.zoo.entries import TASKS, zoo_entries

NETWORK = "higher_hrnet_w18_small_v1"


@pytest.fixture(scope="module")
def bottom_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "people.safetensors"
    card = BottomUpCard(NETWORK, keypoint_set("lsp"), 256, decoding=AssociativeEmbeddingSpec(tag_threshold=0.7))
    texts = {NETWORK_KEY: NetworkEntry(NETWORK, 14).to_json(), BOTTOM_UP_CARD_KEY: card.to_json()}
    write_checkpoint(path, build_model(NETWORK, 14).state_dict(), texts)
    return path


def test_a_file_says_what_it_is_for(bottom_up: Path) -> None:
    network, card = load_described(bottom_up)
    assert isinstance(card, BottomUpCard)
    assert (card.input_size, card.keypoint_set.name, card.decoding.tag_threshold) == (256, "lsp", 0.7)
    assert not network.training
    assert isinstance(load_described("pose_hrnet_w18_small_v1.lspet_256x192")[1], PoseCard)


def test_a_file_without_a_card_is_assumed_to_be_usual(tmp_path: Path) -> None:
    torch.save(build_model("higher_hrnet_w18_small_v1", 17).state_dict(), tmp_path / "mine.pth")
    said: list[str] = []
    card = load_described(tmp_path / "mine.pth", announce=said.append)[1]
    assert isinstance(card, BottomUpCard)
    assert card.keypoint_set.name == "coco"
    assert len(said) == 1
    assert "mine.pth does not say how it was trained; assumed:" in said[0]


def test_tasks_without_a_predictor_are_refused_before_a_download() -> None:
    entry = next(entry for entry in zoo_entries().values() if entry.task == "object detection")
    with pytest.raises(CheckpointError, match="there is no predictor yet"):
        load_described(entry.name, offline=True)
    assert set(CARD_KINDS) <= {*TASKS, "instance embedding"}


def test_options_of_another_task(bottom_up: Path) -> None:
    with pytest.raises(ValueError, match="does not take"):
        hrnet.load(bottom_up, detector="none")
    with pytest.raises(ValueError, match="codec"):
        load_described(bottom_up, codec="dark")


def test_a_card_that_is_broken(tmp_path: Path) -> None:
    texts = {NETWORK_KEY: NetworkEntry(NETWORK, 14).to_json(), BOTTOM_UP_CARD_KEY: '{"format": 1, "architectur": "x"}'}
    write_checkpoint(tmp_path / "a.safetensors", build_model(NETWORK, 14).state_dict(), texts)
    with pytest.raises(CheckpointError, match="did you mean 'architecture'"):
        load_described(tmp_path / "a.safetensors")
