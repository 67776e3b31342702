"""A progress bar that appears only when there is something to wait for."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

FEW = 4  # up to this many items no bar is drawn


class ProgressBar:
    """Called with (done, total) as work goes on; ``total`` is None where nobody knows it (a camera, a stream).

    The bar goes to stderr, so that piped output stays clean.
    """

    def __init__(self, label: str, console: Console | None = None) -> None:
        self._label = label
        self._console = console or Console(stderr=True)
        self._progress: Progress | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __call__(self, done: int, total: int | None) -> None:
        if self._progress is None:
            if (done if total is None else total) <= FEW:
                return
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._progress.add_task(self._label, total=total)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=done, total=total)

    def counting(self, total: int | None) -> Callable[[int], None]:
        """A callback for work that tells how many items were done since its last call."""
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self(done, total)

        return advance

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()
