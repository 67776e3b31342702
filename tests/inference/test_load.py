"""Loading a predictor: presets, devices, detectors, and what does not work."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from inference.builders import tiny_checkpoint

import hrnet
from hrnet.codecs import CodecSpec
from hrnet.inference import top_down
from hrnet.inference.loading import load
from hrnet.inference.presets import PRESETS, decoding_codec, find_preset
from hrnet.inference.top_down import PosePredictor
from hrnet.structures import PoseResult

rng = np.random.default_rng(0)
PICTURE = rng.integers(0, 256, (60, 90, 3), np.uint8)


def test_presets(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def prepare(network: Any, device: Any, reduce_precision: bool, announce: Any) -> Any:
        asked.append(reduce_precision)
        return network

    monkeypatch.setattr(top_down, "prepare_network", prepare)
    for name, preset in PRESETS.items():
        found = load(checkpoint, preset=name, detector="none", device="cpu")
        assert found.flip_test == preset.flip_test
        assert found.task.card.codec.name == (preset.decoder or "quarter_offset")
    assert asked == [preset.reduced_precision for preset in PRESETS.values()]
    assert [PRESETS[name].flip_test for name in ("fast", "accurate", "published")] == [False, True, True]
    assert PRESETS["published"].decoder is None
    with pytest.raises(ValueError, match="did you mean 'balanced'"):
        find_preset("balancd")


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("codec", ["udp", "udp_combined"])
def test_udp_keeps_its_decoder(name: str, codec: Any) -> None:
    assert decoding_codec(CodecSpec(codec), PRESETS[name]) == CodecSpec(codec)


def test_flip_test_averages_with_the_mirrored_crop(predictor: PosePredictor) -> None:
    task = predictor.task
    crops = torch.from_numpy(rng.integers(0, 256, (2, 64, 64, 3), np.uint8))
    with torch.inference_mode():
        plain, mirrored, both = task.heatmaps(crops), task.heatmaps(crops.flip(2)), task.heatmaps(crops, flip_test=True)
    back = task.codec.flip_back(mirrored, task.card.keypoint_set.flip_indices)
    torch.testing.assert_close(both, (plain + back) / 2, atol=1e-4, rtol=1e-4)


def test_load_says_what_is_missing_only_when_it_matters(checkpoint: Path) -> None:
    said: list[str] = []
    predictor = load(checkpoint, preset="published", device="cpu", announce=said.append)
    predictor(PICTURE, [[5, 5, 45, 50]])
    assert said == []
    predictor([PICTURE] * 2)
    assert len(said) == (0 if predictor.detector.available else 1)


def test_load_warns_where_nobody_listens(checkpoint: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(checkpoint, preset="published", device="cpu")
    assert hrnet.load is load


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"device": "cuda:99"}, r"device must be auto, cpu.*'cuda:99'"),
        ({"device": "gpu"}, "device must be auto, cpu"),
        ({"preset": "quick"}, "preset"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"codec": "drak"}, "did you mean 'dark'"),
    ],
)
def test_options_that_do_not_work(checkpoint: Path, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        load(checkpoint, **options)


def test_a_detector_asked_for_by_name_must_be_there(checkpoint: Path) -> None:
    pytest.importorskip("torchvision")
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        load(checkpoint, detector="none.pth")


def test_another_keypoint_set(tmp_path: Path) -> None:
    path = tiny_checkpoint(tmp_path / "lsp.safetensors", "lsp", "udp_combined")
    predictor = load(path, detector="none", device="cpu", preset="published")
    result = predictor(PICTURE)
    assert isinstance(result, PoseResult)
    assert result.keypoints.shape == (1, 14, 2)
    assert predictor.keypoint_set.name == "lsp"
    with pytest.raises(ValueError, match=r"lsp\.safetensors has 42 outputs.*'coco' has 17"):
        load(path, keypoint_set="coco")
