"""Atomic writing: the old file or the new one, never a part."""

import errno
import os

import pytest

from hrnet.atomic_files import atomic_path, write_atomically


def test_writes_and_replaces(tmp_path):
    target = tmp_path / "a.json"
    write_atomically(target, "one")
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    target.write_text("old")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"disk is full.*a\.json") as caught:
        write_atomically(target, "new")
    assert caught.value.errno == errno.ENOSPC
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_any_exception_leaves_nothing(tmp_path):
    def interrupted():
        with atomic_path(tmp_path / "a.bin") as temporary:
            assert temporary.suffix == ".bin"
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_atomically(tmp_path / "nowhere" / "a.json", "x")
