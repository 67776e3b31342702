"""The benchmark of training runs, and compares networks that learn the same. No time is looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training.py"
SMALLEST = ["--model", "seg_hrnet_w18_small_v1", "--size", "64", "96", "--batch", "2", "--optimizer", "sgd"]
FASTEST = ["--rounds", "1", "--least-seconds", "0", "--threads", "1"]
REFERENCE = "plain loop over timm, float32"


def test_it_measures_what_it_says(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    pytest.importorskip("lightning")
    output = tmp_path / "results.json"
    command = [sys.executable, str(SCRIPT), *SMALLEST, *FASTEST, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(output.read_text(encoding="utf-8"))
    assert (report["size"], report["batch"], report["optimizer"]) == ([64, 96], 2, "sgd")

    losses = report["first_losses"]
    assert losses["hrnet, float32"] == pytest.approx(losses[REFERENCE], rel=1e-4)
    assert losses["hrnet, bf16-mixed"] == pytest.approx(losses[REFERENCE], rel=0.05)

    steps = {entry["name"]: entry for entry in report["steps"]}
    assert set(steps) == set(losses)
    assert all(name in done.stdout and len(entry["rounds"]) == 1 for name, entry in steps.items())
    assert all(entry["per_second"] == pytest.approx(2 / entry["seconds"]) for entry in steps.values())

    reading = report["reading"]
    seconds_per_batch = 2 * reading["milliseconds_per_sample"] / 1000
    for entry in reading["shares"]:
        assert entry["share"] == pytest.approx(seconds_per_batch / 2 / steps[entry["name"]]["seconds"])
