"""Averages of checkpoints: mean weights, counters as they are, and the last one's card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hrnet.models import build_model
from hrnet.weights import load_pose, save_checkpoint
from hrnet.weights.bundle import bundled_models


def test_the_mean_of_two(script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "pose_hrnet_w18_small_v1.lspet_256x192"
    network, card = load_pose(name)
    other = build_model(card.architecture, card.num_outputs).eval()
    save_checkpoint(tmp_path / "other.safetensors", other, card)
    files = [tmp_path / "other.safetensors", bundled_models()[name], tmp_path / "mean.safetensors"]
    monkeypatch.setattr("sys.argv", ["average_weights.py", *map(str, files)])
    script.main()
    found, found_card = load_pose(tmp_path / "mean.safetensors")
    states = [one.state_dict() for one in (network, other, found)]
    for name in ("conv1.weight", "bn1.running_var", "final_layer.bias"):
        first, second, mean = (state[name] for state in states)
        torch.testing.assert_close(mean, (first + second) / 2)
    assert card.metrics
    assert not found_card.metrics


def test_counters_are_the_last_ones(script: Any) -> None:
    states = [{"a": torch.tensor([value], dtype=torch.float16), "n": torch.tensor(round(value))} for value in (1.0, 4.0)]
    mean = script.average(states)
    assert (mean["a"].tolist(), mean["a"].dtype, mean["n"].item()) == ([2.5], torch.float16, 4)


def test_what_has_no_average(script: Any) -> None:
    one = {"a": torch.zeros(2)}
    with pytest.raises(ValueError, match="two or more"):
        script.average([one])
    for other in ({"a": torch.zeros(3)}, {"b": torch.zeros(2)}):
        with pytest.raises(ValueError, match="checkpoint 1 is of another network"):
            script.average([one, other])
