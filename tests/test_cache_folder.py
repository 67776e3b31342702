"""The cache's place follows the platform, and what the user says comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrnet.cache_folder import cache_folder


@pytest.mark.parametrize(
    ("platform", "parts"),
    [
        ("linux", (".cache", "hrnet")),
        ("darwin", ("Library", "Caches", "hrnet")),
        ("win32", ("AppData", "Local", "hrnet")),
    ],
)
def test_platforms(platform: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", classmethod(lambda cls: tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder({}) == tmp_path.joinpath(*parts)
    assert cache_folder({"HRNET_CACHE": str(tmp_path / "mine"), "XDG_CACHE_HOME": "/x"}) == tmp_path / "mine"


def test_names_of_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert cache_folder({"LOCALAPPDATA": str(tmp_path)}) == tmp_path / "hrnet"
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "hrnet"
