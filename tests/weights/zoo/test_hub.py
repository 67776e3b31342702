"""The Hugging Face Hub: its own client against a server on this machine, uploads against a stand-in of the client."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from weights.builders import assert_equal, small_card, small_network
from weights.zoo.conftest import published, small_state
from weights.zoo.servers import CONTENT, Server

import hrnet
from hrnet.errors import CheckpointError, MissingExtraError
from hrnet.weights import load_pose
from hrnet.weights.zoo import DownloadError, HubFile, ZooEntry, download, find_entry, hub, locate
from hrnet.weights.zoo.sharing import from_pretrained, model_page, push_to_hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def endpoint(server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The client asks this machine, and keeps what it gets in an empty folder."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return server


def on_the_hub(server: Server, repository: str, content: bytes, file: str = hub.MODEL_FILE, revision: str = "main") -> None:
    headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
    server.files[f"/{repository}/resolve/{revision}/{file}"] = (content, headers)


def timm_entry(server: Server) -> ZooEntry:
    entry = published("https://huggingface.co/timm/a.in1k/resolve/main", sha256=None)
    url = "https://huggingface.co/timm/a.in1k/resolve/main/model.safetensors"
    return replace(entry, name="cls_hrnet_w18.test", hub=HubFile("timm/a.in1k", "model.safetensors"), urls=(url,))


def test_a_hub_entry_by_its_client(endpoint: Server, tmp_path: Path) -> None:
    on_the_hub(endpoint, "timm/a.in1k", CONTENT)
    entry = timm_entry(endpoint)
    path = download(entry)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(tmp_path / "hub")
    asked = len(endpoint.asked)
    assert download(entry, offline=True) == path
    assert len(endpoint.asked) == asked


def test_a_hub_entry_from_a_mirror_and_without_the_client(
    endpoint: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = timm_entry(endpoint)
    on_the_hub(endpoint, "timm/a.in1k", CONTENT)
    assert download(entry, mirrors=[endpoint.at("good")]) == cache / "a.in1k.safetensors"
    (cache / "a.in1k.safetensors").unlink()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert download(entry) == cache / "a.in1k.safetensors"
    assert endpoint.asked[-1][0] == "/timm/a.in1k/resolve/main/model.safetensors"


def test_the_hub_does_not_have_it(endpoint: Server) -> None:
    with pytest.raises(DownloadError, match=r"huggingface_hub, timm/a\.in1k: \w+Error: "):
        download(timm_entry(endpoint))
    with pytest.raises(DownloadError, match=r"model\.safetensors of http.*/nobody/nothing could not be brought: "):
        from_pretrained("nobody/nothing")


def test_names_on_the_hub(endpoint: Server, own_file: Path) -> None:
    file = own_file
    on_the_hub(endpoint, "me/my-pose", file.read_bytes())
    on_the_hub(endpoint, "me/my-pose", file.read_bytes(), revision="v2")
    network, card = from_pretrained("me/my-pose")
    assert card == small_card()
    assert_equal(network.state_dict(), small_state())
    assert from_pretrained("me/my-pose", revision="v2", input_size=(96, 96))[1].codec.input_size == (96, 96)
    predictor = hrnet.load("hf://me/my-pose", detector="none", device="cpu", preset="published")
    assert predictor.task.card == small_card()
    asked = len(endpoint.asked)
    assert locate("hf://me/my-pose", offline=True).path.read_bytes() == file.read_bytes()
    assert len(endpoint.asked) == asked
    for wrong in ("hf://me", "hf://me/my/pose", "hf:///a"):
        with pytest.raises(ValueError, match="is called user/name"):
            locate(wrong)


class FakeHub:
    """Keeps what is uploaded."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.files: dict[str, bytes] = {}

    def HfApi(self, **options: Any) -> FakeHub:
        self.made.append(options)
        return self

    def create_repo(self, repository: str, **options: Any) -> None:
        self.made.append((repository, options))

    def upload_folder(self, repo_id: str, folder_path: str, commit_message: str) -> None:
        self.made.append((repo_id, commit_message))
        self.files = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}


@pytest.fixture
def fake_hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    fake = FakeHub()
    monkeypatch.setattr(hub, "client", lambda: fake)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return fake


@pytest.mark.parametrize("kind", ["file", "predictor", "network"])
def test_share_a_model(fake_hub: FakeHub, own_file: Path, tmp_path: Path, kind: str) -> None:
    card = replace(small_card(), metrics={"AP": 0.5})
    model: Any = own_file
    if kind == "predictor":
        model = hrnet.load(own_file, detector="none", device="cpu", preset="fast")
    elif kind == "network":
        model = small_network()
    given = card if kind != "predictor" else None
    address = push_to_hub(model, "me/my-pose", card=given, license="mit: really", private=True, token="t")
    assert address == "https://huggingface.co/me/my-pose"
    assert fake_hub.made == [
        {"endpoint": "https://huggingface.co", "token": "t"},
        ("me/my-pose", {"private": True, "exist_ok": True}),
        ("me/my-pose", "Upload pose model"),
    ]
    assert sorted(fake_hub.files) == ["README.md", "model.safetensors"]
    (tmp_path / "b.safetensors").write_bytes(fake_hub.files["model.safetensors"])
    network, shared = load_pose(tmp_path / "b.safetensors")
    assert shared == replace(given or small_card(), license="mit: really")
    assert_equal(network.state_dict(), small_state())
    page = fake_hub.files["README.md"].decode()
    head = yaml.safe_load(page.split("---")[1])
    assert (head["library_name"], head["license_name"]) == ("hrnet", "mit: really")
    for words in (
        "# my-pose",
        "`pose_hrnet_w4`",
        "17 (`coco`): nose",
        *(["| AP | 0.5 |"] if given else []),
        'hrnet.load("hf://me/my-pose")',
    ):
        assert words in page


def test_what_cannot_be_shared(fake_hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give its card"):
        push_to_hub(small_network(), "me/a")
    with pytest.raises(ValueError, match="has 16 outputs, but the card 17"):
        push_to_hub(small_network(16), "me/a", card=small_card())
    with pytest.raises(ValueError, match=r"expected a predictor.*got dict"):
        push_to_hub({}, "me/a")
    with pytest.raises(ValueError, match="user/name"):
        push_to_hub(small_network(), "a", card=small_card())
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError):
        push_to_hub(tmp_path / "a.pth", "me/a")
    assert fake_hub.files == {}
    assert "license" not in yaml.safe_load(model_page(small_card(), "me/a").split("---")[1])


def test_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (lambda: locate("hf://me/a"), lambda: push_to_hub(small_network(), "me/a"), lambda: from_pretrained("me/a")):
        with pytest.raises(MissingExtraError, match=r"pip install 'hrnet\[hub\]'"):
            call()
    assert not hub.is_installed()


def test_addresses_follow_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    url = find_entry("cls_hrnet_w18.ms_in1k").urls[0]
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert hub.at_endpoint(url) == url
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert hub.at_endpoint(url) == "https://mirror.example/timm/hrnet_w18.ms_in1k/resolve/main/model.safetensors"
    assert hub.at_endpoint("https://elsewhere.example/a") == "https://elsewhere.example/a"
