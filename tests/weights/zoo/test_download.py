"""Downloads from servers that are slow, break off, lie, or are gone."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from weights.zoo.conftest import published
from weights.zoo.servers import CONTENT, OTHER, SHA256, Server

from hrnet.weights.zoo import DownloadError, ZooEntry, download
from hrnet.weights.zoo.fetch import FetchLimits
from hrnet.weights.zoo.lock import locked

QUICK = FetchLimits(timeout=2, retries=1, pause=0)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith((".lock", ".checked")))


def test_download_and_cache_hit(server: Server, cache: Path, entry: ZooEntry) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download(entry, progress=lambda done, total: seen.append((done, total)))
    assert path == cache / "a model-1234abcd.pth"
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert names_in(cache) == ["a model-1234abcd.pth"]
    assert download(entry, progress=seen.append) == path  # pyright: ignore[reportArgumentType]
    assert download(entry, offline=True) == path
    assert len(server.asked) == 1


def test_whole_hash_in_capitals_and_known_size(cache: Path, server: Server) -> None:
    assert download(published(server.at("good"), sha256=SHA256.upper(), size=len(CONTENT))).read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["good", "no-range", "no-length", "redirect"])
@pytest.mark.parametrize("part", [0, 1000, len(CONTENT)])
def test_goes_on_where_a_download_broke_off(server: Server, cache: Path, kind: str, part: int) -> None:
    entry = published(server.at(kind))
    cache.mkdir(parents=True)
    (cache / f".{entry.file_name}.part").write_bytes(CONTENT[:part])
    assert download(entry, limits=QUICK).read_bytes() == CONTENT
    assert server.asked[0][1] == (f"bytes={part}-" if part else None)
    assert names_in(cache) == [entry.file_name]


def test_breaks_off_again_and_again(server: Server, cache: Path) -> None:
    entry = published(server.at("breaks"))
    assert download(entry, limits=FetchLimits(retries=0, pause=0, worthwhile=10**5)).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=102400-", "bytes=204800-"]


def test_what_is_here_belongs_to_another_file(server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    for kind, wrong in (("good", OTHER[:1000]), ("wrong-part", CONTENT[:1000]), ("good", OTHER + OTHER)):
        entry = published(server.at(kind))
        (cache / f".{entry.file_name}.part").write_bytes(wrong)
        path = download(entry, limits=QUICK)
        assert path.read_bytes() == CONTENT
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("404", "HTTP 404"),
        ("500", "HTTP 500"),
        ("liar", "SHA-256"),
        ("page", "web page"),
        ("hidden-page", "web page"),
        ("huge", "1000.0 GB, more than"),
        ("empty-break", "broke off after 0 of"),
        ("stuck", "does not answer in time"),
        ("to-file", "file:///etc/hosts"),
    ],
)
def test_next_mirror_after_a_bad_one(server: Server, cache: Path, kind: str, reason: str) -> None:
    limits = FetchLimits(timeout=0.2, retries=0, pause=0)
    path = download(published(server.at(kind), server.at("good")), limits=limits)
    assert path.read_bytes() == CONTENT
    path.unlink()
    with pytest.raises(DownloadError, match=rf"{server.at(kind)}/a%20model-1234abcd.pth: .*{reason}") as caught:
        download(published(server.at(kind)), limits=limits)
    for words in ("pose_hrnet_w32.test_256x192", str(cache / "a model-1234abcd.pth"), SHA256[:8], "HRNET_MIRRORS"):
        assert words in str(caught.value)
    left = [name for name in names_in(cache) if name.endswith(".part")]
    assert bool(left) == (kind in ("stuck", "empty-break")), "only the beginning of a true file is worth keeping"
    assert server.kinds_asked().count(kind) == 2


def test_passing_errors_are_asked_again_lasting_ones_not(server: Server, cache: Path) -> None:
    for kind, times in (("503", 3), ("404", 1), ("403", 1), ("empty-break", 3)):
        server.asked.clear()
        with pytest.raises(DownloadError):
            download(published(server.at(kind)), limits=FetchLimits(retries=2, pause=0))
        assert len(server.asked) == times


def test_the_liar_is_named_and_nothing_is_kept(server: Server, cache: Path) -> None:
    with pytest.raises(DownloadError, match=rf"/liar/.*SHA-256 .*should begin with {SHA256[:8]}"):
        download(published(server.at("liar")), limits=QUICK)
    assert names_in(cache) == []
    with pytest.raises(DownloadError, match=r"307200 bytes, which should have 5"):
        download(published(server.at("good"), size=5), limits=QUICK)
    assert names_in(cache) == []


def test_a_slow_server(server: Server, cache: Path) -> None:
    with pytest.raises(DownloadError, match=r"is too slow: .* bytes per second"):
        download(published(server.at("good")), limits=FetchLimits(window=0, slowest=1e15))
    with pytest.raises(DownloadError, match="more than 1000 bytes"):
        download(published(server.at("no-length")), limits=FetchLimits(largest=1000))


def test_all_are_gone(cache: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(DownloadError) as caught:
        download(published(f"http://127.0.0.1:{port}", "ftp://127.0.0.1"), mirrors=["file:///nowhere"], limits=QUICK)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["file", "http", "ftp"]
    assert "refused" in lines[2]
    assert "https://, http://, file://" in lines[3]
    assert isinstance(caught.value, OSError)


def test_own_mirrors_come_first(
    server: Server, cache: Path, entry: ZooEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRNET_MIRRORS", f"{server.at('404')}/, {server.at('no-range')}")
    download(entry).unlink()
    assert server.kinds_asked() == ["404", "no-range"]
    folder = tmp_path / "my mirror"
    folder.mkdir()
    (folder / entry.file_name).write_bytes(CONTENT)
    for base in (str(folder), folder.as_uri()):
        download(entry, mirrors=[base]).unlink()
    assert len(server.asked) == 2
    download(entry, mirrors=[])
    assert server.kinds_asked()[2:] == ["good"]


def test_offline(cache: Path, server: Server, entry: ZooEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRNET_OFFLINE", "1")
    with pytest.raises(DownloadError, match=r"not in the cache, and this is offline") as caught:
        download(entry)
    assert entry.urls[0] in str(caught.value)
    assert str(cache / entry.file_name) in str(caught.value)
    assert not cache.exists()
    cache.mkdir(parents=True)
    (cache / entry.file_name).write_bytes(CONTENT)  # by hand
    assert download(entry).read_bytes() == CONTENT
    assert server.asked == []
    assert download(entry, offline=False).exists()


def test_a_damaged_file_in_the_cache(server: Server, cache: Path, entry: ZooEntry) -> None:
    path, said = download(entry), []
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match="is damaged"):
        download(entry, offline=True)
    assert download(entry, announce=said.append).read_bytes() == CONTENT
    assert len(said) == 1
    assert "damaged" in said[0]


def test_without_a_hash_halves_are_not_joined(server: Server, cache: Path) -> None:
    entry = published(server.at("breaks"), server.at("good"), sha256=None)
    cache.mkdir(parents=True)
    (cache / f".{entry.file_name}.part").write_bytes(OTHER[:1000])
    assert download(entry, limits=QUICK).read_bytes() == CONTENT
    assert server.asked[0][1] is None


def test_full_disk_and_forbidden_folder(
    server: Server, cache: Path, entry: ZooEntry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match="disk is full") as caught:
        download(entry)
    assert caught.value.errno == errno.ENOSPC
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        download(entry, folder=tmp_path / "file" / "below")


def test_threads_at_once(server: Server, cache: Path, entry: ZooEntry) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(download(entry).read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 4
    assert len(server.asked) == 1


# Only what the download needs: the package's own __init__ files would bring torch, four times.
CHILD = """
import sys, types
for name, folder in zip(sys.argv[4::2], sys.argv[5::2]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
sys.path.insert(0, sys.argv[1])
from hrnet.codecs.specification import CodecSpec
sys.modules["hrnet.codecs"].CodecSpec = CodecSpec
from hrnet.weights.zoo.download import download
from hrnet.weights.zoo.entries import Source, ZooEntry
entry = ZooEntry("pose.test", "pose", None, 1, "", "", (1, 1), (Source("", ""),), (sys.argv[2],), sys.argv[3])
assert len(download(entry).read_bytes()) == 307200
"""


def test_two_processes_at_once(server: Server, cache: Path) -> None:
    import hrnet

    source = Path(hrnet.__file__).parent
    skipped: Sequence[Path] = [source / "weights", source / "weights" / "zoo", source / "codecs", source / "data"]
    stubs = [text for folder in skipped for text in (f"hrnet.{'.'.join(folder.relative_to(source).parts)}", str(folder))]
    command = [sys.executable, "-c", CHILD, str(source.parent), server.at("good") + "/a.pth", SHA256[:8], *stubs]
    children = [subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.PIPE) for _ in range(2)]
    for child in children:
        errors = child.communicate(timeout=60)[1]
        assert child.returncode == 0, errors.decode()
    assert len(server.asked) == 1
    assert names_in(cache) == ["a.pth"]


def test_a_lock_is_waited_for_and_given_back(tmp_path: Path) -> None:
    waited: list[bool] = []
    with locked(tmp_path / "a.lock", 0) as held:
        assert held
        with (
            pytest.raises(TimeoutError, match=r"another process has held .*a\.lock"),
            locked(tmp_path / "a.lock", 0.02, lambda: waited.append(True), pause=0.01),
        ):
            pass
    assert waited == [True]
    with locked(tmp_path / "a.lock", 0):
        pass
