"""The detector: used only if it is at hand; otherwise the whole picture, said once."""

import sys

import numpy as np
import pytest

from hrnet.errors import CheckpointError, MissingExtraError
from hrnet.inference.person_detector import PersonDetector

PICTURE = np.zeros((60, 80, 3), np.uint8)


@pytest.fixture(autouse=True)
def empty_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch-home"))


def test_none_and_nothing_at_hand_take_the_whole_picture():
    said: list[str] = []
    silent, auto = PersonDetector("none", announce=said.append), PersonDetector("auto", announce=said.append)
    for detector in (silent, auto):
        ((boxes, scores),) = detector([PICTURE])
        assert boxes.tolist() == [[0, 0, 80, 60]]
        assert scores.tolist() == [1]
        assert not detector.available
        assert detector.name == "whole picture"
    assert len(said) == 1
    assert "hrnet[detect]" in said[0]


def test_a_broken_torchvision_is_announced(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    said: list[str] = []
    assert not PersonDetector("auto", announce=said.append).available
    assert "torchvision cannot be used" in said[0]
    with pytest.raises(MissingExtraError, match=r"hrnet\[detect\]"):
        PersonDetector("weights.pth")


def test_bad_weights_files(tmp_path):
    pytest.importorskip("torchvision")
    import torch

    with pytest.raises(FileNotFoundError, match="'auto', 'none' or a file"):
        PersonDetector(tmp_path / "missing.pth")
    (tmp_path / "half.pth").write_bytes(b"PK\x03\x04 half a file")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save({"code": print}, tmp_path / "code.pth")
    for name in ("half.pth", "other.pth", "code.pth"):
        with pytest.raises(CheckpointError, match=name):
            PersonDetector(tmp_path / name)


def test_cached_weights_are_found_and_used(tmp_path):
    detection = pytest.importorskip("torchvision.models.detection")
    import torch

    torch.manual_seed(0)
    model = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=91)
    url = detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.DEFAULT.url
    cached = tmp_path / "torch-home" / "hub" / "checkpoints" / url.rsplit("/", 1)[-1]
    cached.parent.mkdir(parents=True)
    torch.save(model.state_dict(), cached)
    said: list[str] = []
    detector = PersonDetector("auto", threshold=0.0, max_people=3, announce=said.append)
    assert detector.available
    assert said == []
    assert PersonDetector(cached).name == detector.name == "fasterrcnn_mobilenet_v3_large_320_fpn"
    found = detector([PICTURE, np.full((50, 40, 3), 200, np.uint8)])
    assert len(found) == 2
    for boxes, scores in found:
        assert boxes.shape == (len(scores), 4)
        assert len(scores) <= 3
        assert (np.diff(scores) <= 0).all()
    assert detector([]) == []

    fixed = {"boxes": [[1, 2, 30, 40], [0, 0, 9, 9], [5, 5, 5, 5], [2, 2, 8, 8]], "scores": [0.6, 0.9, 0.8, 0.7]}
    output = {**{key: torch.tensor(value) for key, value in fixed.items()}, "labels": torch.tensor([1, 3, 1, 1])}
    boxes, scores = detector._people(output, (60, 80))  # another category and an empty box are left out
    assert boxes.tolist() == [[2, 2, 8, 8], [1, 2, 30, 40]]
    assert scores.tolist() == pytest.approx([0.7, 0.6])
