from __future__ import annotations

import io

from rich.console import Console

from hrnet.weights.zoo.progress import DownloadBar


def shown(terminal: bool, total: int | None) -> str:
    out = io.StringIO()
    with DownloadBar("a[b].c", Console(file=out, force_terminal=terminal, width=120)) as bar:
        for done in (1_000_000, 2_000_000):
            bar(done, total)
    return out.getvalue()


def test_a_bar_in_a_terminal_and_one_line_elsewhere() -> None:
    assert shown(False, 2_000_000) == "downloading a[b].c (2 MB)\n"
    assert shown(False, None) == "downloading a[b].c\n"
    assert "2.0/2.0 MB" in shown(True, 2_000_000)
    assert "a[b].c" in shown(True, None)


def test_nothing_is_said_without_a_download() -> None:
    out = io.StringIO()
    with DownloadBar("a", Console(file=out, force_terminal=True)):
        pass
    assert out.getvalue() == ""
