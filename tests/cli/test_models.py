"""``hrnet models``: networks, bundled weights, and the published checkpoints that are asked for."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from hrnet.cli import main
from hrnet.cli import models as command
from hrnet.cli.models import multiply_accumulates


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_without_a_filter_a_count_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    for words in ("pose_hrnet_w32", "28.54 M", "pose_hrnet_w18_small_v1.lspet_256x192", "14 (lsp", "seg_hrnet_TAG_ocr"):
        assert words in shown
    assert "244 published checkpoints: 'hrnet models --task" in shown
    assert "coco_256x192_udp" not in shown
    assert len(shown.splitlines()) < 100


def test_published_checkpoints_of_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--task", "facial landmarks", "--dataset", "wflw"]) == 0
    shown = capsys.readouterr().out
    assert "Published checkpoints (3)" in shown
    rows = [line for line in shown.splitlines() if "face_hrnetv2_w18.wflw" in line]
    assert len(rows) == 3
    for words in ("face_hrnetv2_w18.wflw_256x256_dark", "9.6", "256x256", "NME", "WFLW", "not stated", "mmpose 1.x"):
        assert words in " ".join(rows)
    assert "face_hrnetv2_w32" not in shown, "only networks that there are weights for"


def test_filters(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_sized", lambda names, tasks, size: [])  # no network is built

    def names(*options: str) -> list[str]:
        assert main(["models", "--json", *options]) == 0
        return [entry["name"] for entry in json.loads(capsys.readouterr().out)["published"]]

    assert len(names("--license", "mit")) == 12
    assert names("--license", "apache", "--family", "v1") == ["cls_hrnet_w18_small_v1.gluon_in1k"]
    assert len(names("--family", "pose-resnet50", "--dataset", "coco")) == 3
    assert names("--dataset", "horse10", "--family", "w48") == [f"pose_hrnet_w48.horse10_256x256_split{k}" for k in (1, 2, 3)]
    assert names("--task", "hand pose", "--family", "hourglass") == ["hourglass52.coco_wholebody_hand_256x256"]
    assert names("--family", "nothing") == []


def test_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json", "--family", "pose_hrnet_w32", "--dataset", "coco_256x192_dark", "--macs", "256x192"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["networks"] == [
        {"network": "pose_hrnet_w32", "task": "pose", "parameters": 28536113, "multiply_accumulates": 7645003776}
    ]
    entry = next(entry for entry in found["published"] if entry["name"] == "pose_hrnet_w32.coco_256x192_dark")
    assert entry["codec"] == {"name": "dark", "input_size": [256, 192], "sigma": 2, "blur_kernel": 11}
    assert entry["license"] == "not stated"
    assert entry["sources"] == [{"toolkit": "mmpose 1.x", "config": "td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192"}]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--task", "segmentatoin"], "did you mean 'segmentation'"),
        (["--dataset", "cityscape5"], "did you mean 'Cityscapes'"),
        (["--license", "gpl"], "known names: apache-2.0, mit, not stated"),
    ],
)
def test_mistaken_filters(options: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *options]) == 2
    assert hint in capsys.readouterr().err


def test_products_are_counted_as_in_the_papers() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, groups=1),
        nn.Conv2d(8, 8, 3, padding=1, stride=2, groups=4),
        nn.ConvTranspose2d(8, 4, 4, 2, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )
    expected = 64 * 8 * 27 + 16 * 8 * 2 * 9 + 16 * 8 * 4 * 16 + 40
    assert multiply_accumulates(network, (8, 8)) == expected
    assert not any(module._forward_hooks for module in network)
    assert multiply_accumulates(network.to(torch.device("meta")), (8, 8)) == expected


def test_inspecting_weights_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "pose_hrnet_w18_small_v1.lspet_256x192"]) == 0
    assert "14 (lsp)" in capsys.readouterr().out
