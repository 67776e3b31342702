"""One process at a time: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, patience: float, waiting: Callable[[], None] | None = None, pause: float = 0.1) -> Iterator[bool]:
    """Hold the lock file ``path``, which stays behind; closing it, even by a crash, gives the lock back.

    Args:
        patience: seconds to wait for another holder, who may be a thread of this process too.
        waiting: called once when there is somebody to wait for.

    Yields:
        whether the lock is held: False on a file system that has no locks.

    Raises:
        TimeoutError: another process held it all the time.
        OSError: the folder cannot be written to.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield _wait(handle, path, patience, waiting, pause)
    finally:
        os.close(handle)


def _wait(handle: int, path: Path, patience: float, waiting: Callable[[], None] | None, pause: float) -> bool:
    end = time.monotonic() + patience
    while True:
        try:
            _take(handle)
            return True
        except (BlockingIOError, PermissionError) as error:  # Windows says permission
            if time.monotonic() >= end:
                raise TimeoutError(f"another process has held {path} for {patience:.0f} s") from error
        except OSError:
            return False
        if waiting is not None:
            waiting()
            waiting = None
        time.sleep(pause)
