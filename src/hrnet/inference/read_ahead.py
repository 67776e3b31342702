"""Fetch the next items in a thread while the current one is being worked on."""

from __future__ import annotations

from collections.abc import Generator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
_POLL_SECONDS = 0.1


def read_ahead(items: Generator[Item, None, None], depth: int) -> Generator[Item, None, None]:
    """Yield what ``items`` yields, in order, with up to ``depth`` of them fetched ahead by a thread.

    An exception of ``items`` is raised where it would have come. Leaving the loop early stops the thread and closes
    ``items``, so that files and cameras are let go. With ``depth`` 0 nothing is fetched ahead.
    """
    if depth < 1:
        yield from items
        return
    queue: Queue[tuple[str, Item | BaseException | None]] = Queue(depth)
    stopped = Event()

    def put(kind: str, value: Item | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                queue.put((kind, value), timeout=_POLL_SECONDS)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as error:  # handed to the reader, who raises it
            put("error", error)
        finally:
            items.close()

    worker = Thread(target=work, name="hrnet-read-ahead", daemon=True)
    worker.start()
    try:
        while True:
            try:
                kind, value = queue.get(timeout=5)
            except Empty:
                if worker.is_alive():
                    continue
                raise RuntimeError("the reading thread ended without a word") from None
            if kind == "end":
                return
            if kind == "error":
                assert isinstance(value, BaseException)
                raise value
            yield value  # type: ignore[misc]
    finally:
        stopped.set()
        worker.join(timeout=10)  # a camera that hangs must not hang the program; the thread is a daemon
