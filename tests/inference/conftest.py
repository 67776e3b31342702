from __future__ import annotations

from pathlib import Path

import pytest
from inference.builders import tiny_checkpoint

from hrnet.inference.loading import load
from hrnet.inference.top_down import PosePredictor


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="session")
def predictor(checkpoint: Path) -> PosePredictor:
    """In float32, so that batches of any size give the same."""
    return load(checkpoint, preset="published", detector="none", device="cpu", batch_size=4)
