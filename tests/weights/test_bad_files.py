"""Files that are no checkpoint, only half of one, or an attack."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from weights.builders import small_card, small_network

from hrnet.errors import CheckpointError
from hrnet.weights import CARD_KEY, read_state_dict, save_checkpoint

STATE = small_network().state_dict()


def saved(path: Path, half: bool = False) -> Path:
    return save_checkpoint(path, small_network(), small_card(), half)


class Attack:
    """Unpickling it calls ``function``, which leaves a trace."""

    def __init__(self, trace: Path, call: str) -> None:
        self.trace, self.call = trace, call

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        import os

        if self.call == "eval":
            return eval, (f"open({str(self.trace)!r}, 'w')",)
        if self.call == "exec":
            return exec, (f"open({str(self.trace)!r}, 'w')",)
        if self.call == "mkdir":
            return Path.mkdir, (self.trace,)
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("call", ["system", "eval", "exec", "mkdir"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle", "safetensors suffix"])
def test_code_in_a_pickle_never_runs(tmp_path: Path, call: str, kind: str) -> None:
    trace, path = tmp_path / "trace", tmp_path / ("a.safetensors" if kind == "safetensors suffix" else "a.pth")
    content = {"state_dict": STATE, "extra": Attack(trace, call)}
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"extra": Attack(trace, call)}, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind != "legacy")
    with pytest.raises(CheckpointError, match=r"is refused.*Nothing was run"):
        read_state_dict(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Attack(trace, call)))  # and the attack is a real one
    assert trace.exists()


CUTS = [1, 4, 7, 8, 9, 20, 100, 1000, 5000, 0.1, 0.5, 0.9, -100, -1]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_half_a_file(tmp_path: Path, kind: str, cut: float) -> None:
    path = tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pth")
    if kind == "safetensors":
        saved(path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=kind == "zip")
    content = path.read_bytes()
    length = int(cut * len(content)) if isinstance(cut, float) else cut
    path.write_bytes(content[:length])
    with pytest.raises(CheckpointError, match=r"half of it is there"):
        read_state_dict(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
        (b"\xef\xbb\xbf\n <html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"epochs: 3\nlr: 0.1\n", "is no checkpoint"),
        (b'{"a": 1}' + b" " * 100, "is no checkpoint"),
        (bytes(200), "is no checkpoint"),
        (pickle.dumps([1, 2], protocol=2), "damaged"),
    ],
)
def test_no_checkpoint(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_state_dict(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "it is list"),
        ({"epoch": 3, "lr": 0.1}, "mapping with 'epoch', 'lr'"),
        ({"state_dict": {}}, "holds no state dict"),
        ({}, "holds no state dict"),
        (torch.zeros(3), "it is Tensor"),
    ],
)
def test_other_things_that_torch_saved(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=message):
        read_state_dict(tmp_path / "a.pth")


def test_other_zip_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"zip archive.*readme\.txt"):
        read_state_dict(tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
        archive.writestr("net/data.pkl", b"")
        archive.writestr("net/constants.pkl", b"")
    with pytest.raises(CheckpointError, match="TorchScript"):
        read_state_dict(tmp_path / "b.pth")


def test_missing_files(tmp_path: Path) -> None:
    saved(tmp_path / "pose_w32.safetensors")
    with pytest.raises(FileNotFoundError, match=r"did you mean 'pose_w32\.safetensors'"):
        read_state_dict(tmp_path / "pose_w23.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_state_dict(tmp_path / "nowhere" / "a.pth")
    with pytest.raises(CheckpointError, match=r"is a folder.*pose_w32"):
        read_state_dict(tmp_path)


def test_a_bad_card_is_named(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "a.safetensors", {CARD_KEY: '{"format": 1, "architektur": "x"}'})
    with pytest.raises(CheckpointError, match="architecture"):
        read_state_dict(tmp_path / "a.safetensors")
