"""Checkpoints of a run are whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hrnet.training.checkpoint_files import AtomicCheckpoints


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    AtomicCheckpoints().save_checkpoint({"epoch": 3, "weights": torch.ones(2)}, tmp_path / "run" / "last.ckpt")
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["epoch"] == 3


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint({"epoch": 1}, path)

    def fail(*_: object) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match=r"cannot write.*last\.ckpt"):
        AtomicCheckpoints().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]
