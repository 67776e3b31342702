"""The benchmark runs, says what it should, and compares networks that compute the same. No time is looked at."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pose_inference.py"
SMALLEST = ["--model", "pose_hrnet_w18_small_v1", "--input-size", "64", "64", "--batch", "1", "2"]
FASTEST = ["--rounds", "1", "--seconds", "0", "--threads", "1"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Printed text and JSON of the smallest run there is."""
    pytest.importorskip("timm")
    output = tmp_path_factory.mktemp("benchmark") / "results.json"
    command = [sys.executable, str(SCRIPT), *SMALLEST, *FASTEST, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(output.read_text(encoding="utf-8"))


def test_says_where_and_with_what_it_ran(measured: tuple[str, dict[str, Any]]) -> None:
    text, report = measured
    assert report["threads"] == 1
    assert report["input_size"] == [64, 64]
    assert {"torch", "timm"} <= set(report["machine"]["versions"])
    for name in ("torch", "timm"):
        assert f"{name} {report['machine']['versions'][name]}" in text


def test_every_section_is_measured_at_every_batch_size(measured: tuple[str, dict[str, Any]]) -> None:
    text, report = measured
    for section in ("network", "stages", "end_to_end", "presets"):
        assert [part["batch"] for part in report[section]] == [1, 2]
    for part in report["network"] + report["end_to_end"] + report["presets"]:
        assert all(entry["seconds"] > 0 and len(entry["rounds"]) == 1 for entry in part["candidates"])
        assert all(entry["name"] in text for entry in part["candidates"])
    stages = ["decode pictures", "crop", "normalise", "network", "decode heatmaps", "result"]
    assert all(list(part["seconds"]) == stages for part in report["stages"])
    presets = ["fast", "balanced", "accurate", "published"]
    assert all([entry["name"] for entry in part["candidates"]] == presets for part in report["presets"])


def test_both_sides_compute_the_same(measured: tuple[str, dict[str, Any]]) -> None:
    differences = {row["name"]: row for row in measured[1]["equality"]}
    for kind in ("backbone, all branches", "pose network (V1)"):
        assert differences[f"hrnet {kind}, float32"]["largest_difference"] < 1e-3
        if f"hrnet {kind}, bfloat16" in differences:
            peer = "timm backbone" if "branches" in kind else "timm backbone + 1x1 head"
            allowed = 1.5 * differences[f"{peer}, bfloat16 channels-last"]["rms_difference"]
            assert differences[f"hrnet {kind}, bfloat16"]["rms_difference"] < allowed


def test_refuses_a_network_that_timm_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    timm_peer = importlib.import_module("timm_peer")
    assert timm_peer.timm_name("pose_hrnet_w18_small_v1") == "hrnet_w18_small"
    assert timm_peer.timm_name("pose_hrnet_w18_small_v2") == "hrnet_w18_small_v2"
    assert timm_peer.timm_name("pose_hrnet_w48") == "hrnet_w48"
    with pytest.raises(ValueError, match="timm has no network like 'pose_resnet50'"):
        timm_peer.timm_name("pose_resnet50")
