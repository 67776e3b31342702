"""Bundled weights carry the curve of all their runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_logs_of_runs_with_other_columns_are_joined(script: Any, tmp_path: Path) -> None:
    for name, log in (("first", "epoch,train/loss\n0,1.5\n"), ("second", "epoch,train/loss,train/mirror\n0,1.25,0.5\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_text(log)
    joined = script.joined_logs([tmp_path / "first", tmp_path / "second"])
    assert joined == "run,epoch,train/loss,train/mirror\nfirst,0,1.5,\nsecond,0,1.25,0.5\n"
