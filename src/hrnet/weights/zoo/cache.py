"""Where files are kept between runs, and what is known to be whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from hrnet.atomic_files import write_atomically
from hrnet.cache_folder import cache_folder

_STAMP = ".checked"


def checkpoint_folder() -> Path:
    """The folder of downloaded checkpoints."""
    return cache_folder() / "checkpoints"


def is_offline() -> bool:
    """Whether ``HRNET_OFFLINE`` says to leave the network alone."""
    return os.environ.get("HRNET_OFFLINE", "").strip().lower() not in ("", "0", "false", "no", "off")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_genuine(path: Path, sha256: str | None) -> bool:
    """Whether the file's SHA-256 begins with ``sha256``; the answer for a file of this size and date is kept beside it."""
    if sha256 is None:
        return True
    return checked_sha256(path).startswith(sha256.lower())


def checked_sha256(path: Path) -> str:
    """SHA-256 of a file of the cache; read from the note beside it if that is about this very file."""
    state = path.stat()
    note = path.with_name(f".{path.name}{_STAMP}")
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
        if (kept["size"], kept["mtime_ns"]) == (state.st_size, state.st_mtime_ns):
            return str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = sha256_of(path)
    with contextlib.suppress(OSError):  # a cache that others own and we only read: the file is read again next time
        write_atomically(note, json.dumps({"size": state.st_size, "mtime_ns": state.st_mtime_ns, "sha256": found}))
    return found
