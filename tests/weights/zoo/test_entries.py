"""The table of published checkpoints: whole, free of contradictions, and as the sources state it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from hrnet.codecs import build_codec
from hrnet.codecs.specification import CodecName
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.models import family_of, list_models
from hrnet.weights.zoo import ZooEntry, find_entry, list_zoo, zoo_entries
from hrnet.weights.zoo.entries import TASKS, TOP_DOWN

ENTRIES = list(zoo_entries().values())
FACTS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))
BY_FILE = {entry.file_name: entry for entry in ENTRIES}
WITHOUT_NETWORK = ("hourglass52", "hourglass_ae", "cid_hrnet_w32", "posewarper_hrnet_w48")


def test_all_are_there_once() -> None:
    assert len(ENTRIES) == 244
    assert list_zoo() == sorted(set(list_zoo()))
    for values in ([entry.file_name for entry in ENTRIES], [url for entry in ENTRIES for url in entry.urls]):
        assert len(values) == len(set(values))
    hashes = Counter(entry.sha256 for entry in ENTRIES if entry.sha256)
    assert max(hashes.values()) == 1
    assert Counter(entry.sources[0].toolkit for entry in ENTRIES) == {
        "mmpose 1.x": 91,
        "mmpose 0.x": 53,
        "mmseg": 58,
        "mmdet": 28,
        "timm": 14,
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entry(entry: ZooEntry) -> None:
    network, _, tag = entry.name.partition(".")
    assert re.fullmatch(r"[a-z0-9_]+", network)
    assert re.fullmatch(r"[a-z0-9_]+", tag)
    assert entry.task in TASKS
    assert (entry.architecture is None) == (network in WITHOUT_NETWORK)
    if entry.architecture is not None:
        assert entry.architecture == network
        assert entry.architecture in list_models()
        assert entry.architecture.startswith(entry.family)
        assert set(entry.options) <= set(family_of(entry.architecture).options)
        assert entry.parameters is not None
        assert 1e6 < entry.parameters < 2e8
        assert (entry.multiply_accumulates is None) == (entry.task in ("object detection", "instance segmentation"))
    if entry.sha256 is not None:
        assert re.fullmatch(r"[0-9a-f]{8,64}", entry.sha256)
        assert entry.sha256 in entry.urls[0], "where the file's name carries a hash, it is this one"
        assert not re.fullmatch(r"20[12]\d[01]\d[0-3]\d", entry.sha256), "a date"
    else:
        assert entry.hub is not None or entry.name == "pose_hrnet_w32.exlpose_256x192"
    for url in entry.urls:
        assert urlsplit(url).scheme == "https"
        assert urlsplit(url).netloc in ("download.openmmlab.com", "huggingface.co")
    assert all(side >= 192 for side in entry.input_size)
    assert all(map(len, entry.sources[0]))
    assert entry.dataset
    assert entry.training_data
    assert not entry.dataset.startswith("#")
    for row in entry.results:
        assert row.metrics
        assert all(isinstance(value, (int, float)) for value in row.metrics.values())
    assert bool(entry.results) == (entry.score is not None)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.keypoint_set], ids=lambda entry: entry.name)
def test_keypoints_and_codec(entry: ZooEntry) -> None:
    assert entry.keypoint_set is not None
    count = keypoint_set(entry.keypoint_set).num_keypoints
    assert (entry.codec is not None) == (entry.task in TOP_DOWN and not entry.name.startswith("posewarper"))
    if entry.codec is None:
        assert entry.num_outputs == count
        assert entry.card() is None
        return
    assert entry.codec.name in get_args(CodecName)
    assert entry.num_outputs == count * (3 if entry.codec.name == "udp_combined" else 1)
    assert entry.codec.input_size == entry.input_size
    assert "x".join(map(str, entry.input_size)) in entry.tag
    assert entry.codec.sigma in (1.5, 2, 3)
    assert ("dark" in entry.tag) == (entry.codec.name == "dark")
    assert ("udp" in entry.tag) == (entry.codec.name.startswith("udp"))
    build_codec(entry.codec)
    card = entry.card()
    assert (card is None) == (entry.architecture is None)
    if card is not None:
        assert card.num_outputs == entry.num_outputs
        assert (card.architecture, card.codec, card.keypoint_set.name) == (entry.architecture, entry.codec, entry.keypoint_set)
        assert (card.mean, card.std, card.channel_order) == (entry.mean, entry.std, "rgb")
        assert card.from_json(card.to_json()) == card


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts["file"])
def test_as_the_source_states(facts: dict[str, Any]) -> None:
    entry, stated = BY_FILE[facts["file"]], facts["codec"]
    assert entry.sources[0] == ("mmpose 1.x", facts["config"])
    assert entry.assumed == ()
    width, height = stated["input_size"]
    assert entry.input_size == (height, width)
    assert facts["bgr_to_rgb"]
    assert entry.channel_order == "rgb"
    assert [round(value * 255, 3) for value in (*entry.mean, *entry.std)] == [*facts["mean"], *facts["std"]]
    assert {"dataset": "COCO"} | facts["results"][0] == {
        "dataset": entry.results[0].dataset,
        "task": entry.results[0].task,
        "metrics": entry.results[0].metrics,
    }
    kinds = {"HRNet": "hrnetv2" if facts["neck"] else "hrnet", "ResNet": "resnet", "HourglassNet": "hourglass"}
    assert kinds[facts["backbone"]] in entry.name.split(".")[0] or facts["head"] == "DEKRHead"
    size = facts["width"] or facts["depth"]
    assert size is None or entry.name.split(".")[0].endswith(str(size))
    if facts["outputs"] is not None:
        assert entry.num_outputs == facts["outputs"]
    named = re.sub(r"\W|_", "", facts["keypoint_set"].removesuffix("Dataset").lower())
    of_entry = (entry.keypoint_set or "").replace("_", "")
    short = {"face300w": "300w", "face300wlp": "300wlp", "animalkingdom": "ak"}.get(named, named)
    assert of_entry == short or (short, of_entry, facts["outputs"]) == ("coco", "cocoaic", 19)
    if entry.codec is None:
        assert stated["type"] in ("AssociativeEmbedding", "SPR")
        assert entry.decoding is not None
        assert entry.decoding["type"] == stated["type"]
        return
    # a heatmap that is shifted after mirroring is one of a codec whose sizes are not unit lengths
    assert build_codec(entry.codec).shifts_flipped_maps == facts["shift_heatmap"]
    assert entry.codec.sigma == stated["sigma"]
    assert entry.codec.heatmap_size == tuple(stated["heatmap_size"][::-1])
    expected = {
        ("MSRAHeatmap", None): "quarter_offset_mmpose",
        ("MSRAHeatmap", True): "dark",
        ("UDPHeatmap", None): "udp",
        ("UDPHeatmap", "combined"): "udp_combined",
    }
    assert entry.codec.name == expected[stated["type"], stated.get("unbiased") or stated.get("heatmap_type")]
    assert entry.codec.blur_kernel == (11 if entry.codec.name in ("dark", "udp") else None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (name + "_v0", name)
        for name in list_zoo()
        if name + "_v0" in zoo_entries() and zoo_entries()[name].sources[0].toolkit == "mmpose 1.x"
    ],
)
def test_derived_conventions_are_those_of_the_newer_checkpoint(old: str, new: str) -> None:
    first, second = find_entry(old), find_entry(new)
    assert "codec" in first.assumed or first.task == "bottom-up pose"
    for field in ("architecture", "num_outputs", "keypoint_set", "input_size", "mean", "std", "dataset", "task"):
        assert getattr(first, field) == getattr(second, field)
    if first.codec and second.codec:
        assert (first.codec.name, first.codec.sigma) == (second.codec.name, second.codec.sigma)


@pytest.mark.parametrize(
    ("name", "file", "outputs"),
    [
        ("pose_hrnet_w32.coco_256x192", "81c58e40", 17),
        ("pose_hrnet_w48.coco_384x288_dark", "39c3c381", 17),
        ("pose_hrnet_w32.coco_256x192_udp_regress", "9c0b77b4", 51),
        ("pose_hrnet_w32.coco_aic_256x192_combine", "4ce66880", 19),
        ("face_hrnetv2_w18.wflw_256x256", "2bf032a6", 98),
        ("seg_hrnet_w18.cityscapes_512x1024_40k", "f196fb4e", 19),
        ("seg_hrnet_w18_small_v2.cityscapes_512x1024_40k", "93db27d0", 19),
        ("seg_hrnet_w48_ocr.ade20k_512x512_160k", "a073726d", 150),
        ("seg_hrnet_w18_ocr.ade20k_512x512_160k", "d8fcd9d1", 150),
        ("seg_hrnet_w48.pascal_context_59_480x480_40k", "b808b8b2", 59),
        ("faster_rcnn_hrnetv2p_w18.coco_1x", "56651a6d", 80),
        ("cls_hrnet_w18.ms_in1k", "hrnet_w18.ms_in1k.safetensors", 1000),
        ("cls_hrnet_w18_small_v1.gluon_in1k", "hrnet_w18_small.gluon_in1k.safetensors", 1000),
        ("higher_hrnet_w32.coco_512x512", "8ae85183", 17),
        ("dekr_hrnet_w32.coco_512x512", "ac7c17bf", 17),
        ("dekr_hrnet_w48.crowdpose_640x640", "4ea6031e", 14),
        ("ae_hrnet_w32.coco_512x512", "bcb8c247", 17),
    ],
)
def test_some_names(name: str, file: str, outputs: int) -> None:
    entry = find_entry(name)
    assert file in entry.file_name
    assert entry.num_outputs == outputs


def test_scores_licences_and_order_of_channels() -> None:
    assert find_entry("pose_hrnet_w32.coco_256x192").score == ("AP", 0.746)
    assert find_entry("mask_rcnn_hrnetv2p_w18.coco_1x").score == ("box AP", 37.7)
    assert find_entry("cls_hrnet_w18.ms_in1k").license == "mit"
    assert find_entry("pose_hrnet_w32.coco_256x192").license is None
    assert len(find_entry("pose_resnet101.coco_256x192").results) == 1, "the second row is of a larger model"
    assert find_entry("seg_hrnet_w48_ocr.cityscapes_512x1024_40k").options == {"align_corners": False}
    assert find_entry("seg_hrnet_w48_ocr.cityscapes_512x1024_40k").dataset == "Cityscapes"
    assert {entry.family for entry in ENTRIES if entry.channel_order == "bgr"} == {"fcos_hrnetv2p"}


def test_known_sizes() -> None:
    """Against the numbers recorded from the reference (golden/networks.json) and the papers' tables."""
    for name, parameters, macs in (
        ("pose_hrnet_w32.coco_256x192", 28536113, 7645003776),
        ("pose_hrnet_w32.coco_384x288", 28536113, 17201258496),
        ("pose_hrnet_w48.coco_256x192", 63595745, 15691825152),
    ):
        entry = find_entry(name)
        assert (entry.parameters, entry.multiply_accumulates) == (parameters, macs)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'pose_hrnet_w32\.coco_256x192'"):
        find_entry("pose_hrnet_w32.coco_256x129")
    with pytest.raises(ValueError, match=r"of that network there are pose_hrnet_w32\.aic_256x192, .* and \d+ more"):
        find_entry("pose_hrnet_w32")
    with pytest.raises(ValueError, match="'hrnet models' lists the 244 names"):
        find_entry("resnet")
