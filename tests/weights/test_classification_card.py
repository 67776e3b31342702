from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hrnet.errors import CheckpointError
from hrnet.weights import classification_assumptions
from hrnet.weights.classification_assumptions import assumed_classification_card, imagenet_classes
from hrnet.weights.classification_card import ClassificationCard
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.zoo.entries import find_entry, zoo_entries

CARD = ClassificationCard("cls_hrnet_w18", 3, ("a", "b", "ä"), (160, 128), 0.9, "bicubic", metrics={"top-1": 0.5})
PUBLISHED = [name for name, entry in zoo_entries().items() if entry.task == "image classification"]


def test_a_card_survives_json() -> None:
    assert ClassificationCard.from_json(CARD.to_json()) == CARD
    assert CARD.num_outputs == 3
    assert CARD.class_names == ("a", "b", "ä")
    assert ClassificationCard("x", 2).class_names == ("class 0", "class 1")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architecture": ""}, "must name a network"),
        ({"num_classes": 0, "classes": None}, "num_classes must be at least 1"),
        ({"num_classes": 4}, "4 outputs, but 3 names"),
        ({"input_size": (16, 64)}, "at least 32 pixels"),
        ({"crop_share": 1.2}, "crop_share"),
        ({"std": (0.0, 1.0, 1.0)}, "std must be positive"),
    ],
)
def test_impossible_cards(changes: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(CARD, **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"crop_shar": 1}, "unknown field 'crop_shar'; did you mean 'crop_share'"), ({"num_classes": "three"}, "num_classes")],
)
def test_broken_json(changes: dict, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        ClassificationCard.from_json(json.dumps(json.loads(CARD.to_json()) | changes))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_checkpoints_have_a_card(name: str) -> None:
    entry = find_entry(name)
    assert entry.architecture is not None
    card, assumed = assumed_classification_card(entry, NetworkEntry(entry.architecture, entry.num_outputs))
    assert entry.preprocessing is not None
    assert (card.crop_share, card.interpolation) == (
        entry.preprocessing["crop_share"],
        entry.preprocessing["interpolation"],
    )
    assert (card.num_classes, card.input_size, card.license) == (1000, (224, 224), entry.license)
    assert card.flip_test is False
    assert not [sentence for sentence in assumed if "classes" not in sentence]


def test_names_of_imagenet() -> None:
    pytest.importorskip("torchvision")
    names = imagenet_classes()
    assert names is not None
    assert len(names) == 1000
    assert (names[0], names[207], names[999]) == ("tench", "golden retriever", "toilet tissue")


def test_without_names_classes_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification_assumptions, "imagenet_classes", lambda: None)
    card, assumed = assumed_classification_card(None, NetworkEntry("cls_hrnet_w18", 1000))
    assert card.classes is None
    assert card.class_names[207] == "class 207"
    assert "numbered; with torchvision" in assumed[0]
    assert any("224x224" in sentence for sentence in assumed)


def test_a_file_of_other_classes() -> None:
    card, assumed = assumed_classification_card(None, NetworkEntry("cls_hrnet_w18", 10))
    assert (card.num_classes, card.classes) == (10, None)
    assert assumed[0] == "no names of the 10 classes: they are numbered"
