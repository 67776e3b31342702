"""The benchmark of segmentation runs, and compares networks that compute the same. No time is looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "segmentation.py"
SMALLEST = ["--model", "seg_hrnet_w18_small_v1", "--size", "64", "96"]
FASTEST = ["--rounds", "1", "--least-seconds", "0", "--threads", "1", "--no-measure-memory"]


def test_it_measures_what_it_says(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    output = tmp_path / "results.json"
    command = [sys.executable, str(SCRIPT), *SMALLEST, *FASTEST, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(output.read_text(encoding="utf-8"))
    assert report["size"] == [64, 96]
    for section in ("network", "pictures"):
        assert all(entry["seconds"] > 0 and len(entry["rounds"]) == 1 for entry in report[section])
        assert all(entry["name"] in done.stdout for entry in report[section])
    assert {"hrnet, fast", "hrnet, fast, in tiles"} <= {entry["name"] for entry in report["pictures"]}
    differences = {row["name"]: row for row in report["equality"]}
    assert differences["hrnet, float32"]["largest_difference"] < 1e-3
    assert differences["hrnet, bfloat16"]["rms_difference"] < 0.3
