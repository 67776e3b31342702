"""Write files so that a reader sees the old file, the whole new one, or none: never half of one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the folder of ``path``, and move it to ``path`` when the block ends well.

    The temporary file keeps the suffix, for writers that go by it. After any exception it is gone and ``path`` is as it was.

    Raises:
        OSError: the disk is full or the folder cannot be written to; the message names ``path``.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}.tmp{target.suffix}")
    try:  # "x" and not tempfile.mkstemp, whose files only their owner may read
        open(temporary, "xb").close()
    except OSError as error:
        raise _with_name(error, target) from error
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise _with_name(error, target) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a whole file (text as UTF-8) by way of a temporary one beside it. Raises OSError as `atomic_path` does."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # or a power cut after the rename could leave an empty file


def _with_name(error: OSError, target: Path) -> OSError:
    if error.errno is None:
        return error
    if error.errno == errno.ENOSPC:
        reason = "the disk is full; nothing partial was left behind"
    else:
        reason = error.strerror or os.strerror(error.errno)
    return OSError(error.errno, f"cannot write: {reason}", str(target))  # OSError picks the subclass by the number
