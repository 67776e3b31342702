"""Reading many files at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_threads(
    function: Callable[[_Item], _Result], items: Sequence[_Item], progress: Callable[[int, int], None] | None = None
) -> list[_Result]:
    """Results in the order of the items; as many threads as processors, 16 at most.

    Args:
        progress: called with (done, all) after each item.
    """
    results = []
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        for result in pool.map(function, items):
            results.append(result)
            if progress is not None:
                progress(len(results), len(items))
    return results
