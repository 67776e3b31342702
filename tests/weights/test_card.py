from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set, list_keypoint_sets
from hrnet.errors import CheckpointError
from hrnet.structures import KeypointSet
from hrnet.weights import PoseCard

CARD = PoseCard(
    "pose_hrnet_w16",
    keypoint_set("lsp"),
    CodecSpec("dark", (256, 192), 2.0),
    license="CC-BY",
    training_data="LSP extended",
    metrics={"PCK@0.2": 75.25},
    source="own training",
)


def as_dict(card: PoseCard = CARD) -> dict[str, Any]:
    return json.loads(card.to_json())


@pytest.mark.parametrize("name", list_keypoint_sets())
def test_json_round_trip_keeps_everything(name: str) -> None:
    card = replace(CARD, keypoint_set=keypoint_set(name))
    assert PoseCard.from_json(card.to_json()) == card


def test_round_trip_of_the_smallest_card() -> None:
    card = PoseCard("x", KeypointSet("one", ("tip",), (0,)))
    assert PoseCard.from_json(card.to_json(indent=1)) == card
    assert card.num_outputs == 1


def test_combined_codec_has_three_outputs_per_keypoint() -> None:
    assert replace(CARD, codec=CodecSpec("udp_combined")).num_outputs == 42


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("codex",), 1, "'codec'"),
        (("codec", "sigmas"), 1, "'codec.sigmas'.*sigma"),
        (("keypoint_set", "skeletons"), [], "skeleton"),
        (("codec", "name"), "darc", "codec.name"),
        (("codec", "sigma"), -1, "sigma must be positive"),
        (("mean",), [0.5, 0.5], "mean"),
        (("std",), [0, 1, 1], "std must be positive"),
        (("padding",), "wide", "padding"),
        (("metrics",), {"AP": "high"}, "metrics.AP"),
        (("keypoint_set", "flip_indices"), [0, 0], "flip_indices"),
        (("format",), 99, "upgrade"),
        (("format",), None, "states no format"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[str, ...], value: object, message: str) -> None:
    data = as_dict()
    place = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(CheckpointError, match=message):
        PoseCard.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff\xfe"])
def test_no_json_object(text: str | bytes) -> None:
    with pytest.raises(CheckpointError):
        PoseCard.from_json(text)


def test_missing_field() -> None:
    data = as_dict()
    del data["architecture"]
    with pytest.raises(CheckpointError, match="architecture"):
        PoseCard.from_json(json.dumps(data))


def test_a_metric_that_is_no_number_is_not_written() -> None:
    with pytest.raises(ValueError):
        replace(CARD, metrics={"AP": float("nan")}).to_json()
