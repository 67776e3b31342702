"""Time several candidates side by side, so that a machine that slows down or warms up treats all of them alike."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from statistics import median
from typing import Any

Timings = dict[str, list[float]]


def measure(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    least_seconds: float = 0.2,
    label: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Timings:
    """Seconds of one call of each candidate in each round.

    Every round takes each candidate in turn; the order is reversed from round to round. One round before them warms up and is
    not counted. What is faster than ``least_seconds`` is called several times in a row, and the mean is taken. On a machine
    that does other work, ``time.process_time`` is the ``clock`` to take, with one thread.
    """
    timings: Timings = {name: [] for name in candidates}
    for number in range(rounds + 1):
        names = list(candidates)
        for name in names if number % 2 else reversed(names):
            _progress(f"{label}: {f'round {number} of {rounds}' if number else 'warming up'}, {name}")
            calls, start = 0, clock()
            while not calls or (number and clock() - start < least_seconds):
                candidates[name]()
                calls += 1
            if number:
                timings[name].append((clock() - start) / calls)
    _progress("")
    return timings


def summarize(timings: Timings, items: int, reference: str) -> list[dict[str, Any]]:
    """One entry per candidate: median seconds, items per second, and how much faster than ``reference`` it is.

    The factor is the median over the rounds of the ratio within a round, which a slow round leaves untouched.
    """
    entries = []
    for name, seconds in timings.items():
        ratios = [theirs / own for theirs, own in zip(timings[reference], seconds, strict=True)]
        middle = median(seconds)
        entries.append(
            {
                "name": name,
                "seconds": middle,
                "per_second": items / middle,
                "speedup": median(ratios),
                "speedup_range": [min(ratios), max(ratios)],
                "rounds": seconds,
            }
        )
    return entries


def markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that reads well as plain text too: the first column to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in (titles, *rows)) for column in range(len(titles))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]) + " |"

    rule = "| " + " | ".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + " |"
    return "\n".join([line(titles), rule, *map(line, rows)])


def describe_machine(packages: Sequence[str]) -> dict[str, Any]:
    """Processor, operating system, Python and the versions of ``packages``."""
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {package: metadata.version(package) for package in packages},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _progress(message: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{message}", end="", file=sys.stderr, flush=True)
