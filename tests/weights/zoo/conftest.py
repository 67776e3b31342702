from __future__ import annotations

from collections.abc import Iterator
from functools import cache as cached
from pathlib import Path

import pytest
from torch import Tensor
from weights.builders import small_card, small_network
from weights.zoo.servers import SHA256, Server, running_server

from hrnet.weights import save_checkpoint
from hrnet.weights.zoo import Source, ZooEntry


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the network allowed: the address is this machine's."""
    monkeypatch.setenv("HRNET_CACHE", str(tmp_path / "home"))
    monkeypatch.setenv("HRNET_OFFLINE", "0")
    monkeypatch.delenv("HRNET_MIRRORS", raising=False)
    return tmp_path / "home" / "checkpoints"


@pytest.fixture
def entry(server: Server) -> ZooEntry:
    return published(server.at("good"))


def published(*bases: str, sha256: str | None = SHA256[:8], size: int | None = None) -> ZooEntry:
    return ZooEntry(
        name="pose_hrnet_w32.test_256x192",
        task="pose",
        architecture="pose_hrnet_w32",
        num_outputs=17,
        dataset="test",
        training_data="test",
        input_size=(256, 192),
        sources=(Source("mmpose 1.x", "test"),),
        urls=tuple(f"{base}/a model-1234abcd.pth".replace(" ", "%20") for base in bases),
        sha256=sha256,
        size=size,
    )


@cached
def small_state(keypoints: int = 17, name: str = "pose_hrnet_w4") -> dict[str, Tensor]:
    """Of `small_network`, built once."""
    return small_network(keypoints, name).state_dict()


@pytest.fixture(scope="session")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of ours, with its card."""
    return save_checkpoint(tmp_path_factory.mktemp("own") / "a.safetensors", small_network(), small_card())
