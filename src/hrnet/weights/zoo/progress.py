"""What is seen of a download in a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn


class DownloadBar:
    """Called with (bytes done, bytes in all or None). In a terminal a bar on stderr, elsewhere one line when it begins."""

    def __init__(self, label: str, console: Console | None = None) -> None:
        self._label = label
        self._console = console or Console(stderr=True)
        self._progress: Progress | None = None
        self._said = False

    def __enter__(self) -> DownloadBar:
        return self

    def __call__(self, done: int, total: int | None) -> None:
        if not self._console.is_terminal:
            if not self._said:
                size = f" ({total / 1e6:.0f} MB)" if total else ""
                self._console.print(f"downloading {self._label}{size}", markup=False, highlight=False, soft_wrap=True)
                self._said = True
            return
        if self._progress is None:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._progress = Progress(*columns, TimeRemainingColumn(), console=self._console)
            self._progress.add_task(self._label, total=total)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=done, total=total)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()
