"""The recorded cases of bottom-up decoding by name. `extract_bottom_up.py` made the files; see `golden.cases` for the rest."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.cases import COMPLETE_RECORD, Case
from numpy.typing import NDArray

FOLDER = Path(__file__).parent


def case(name: str, complete: bool = False) -> Case:
    """The case called ``name``.

    Args:
        complete: give arrays that are no part of the excerpt as well; without the complete record the test is skipped.
    """
    entry = _index()[name]
    arrays = _archive(entry["archive"]) if entry["archive"] else {}
    sides: dict[str, dict[str, Any]] = {
        side: {key: arrays[f"{name}/{side}/{key}"] if value is None else value for key, value in entry[side].items()}
        for side in ("inputs", "outputs")
    }
    if complete and entry["withheld"]:
        folder = os.environ.get(COMPLETE_RECORD)
        if not folder:
            pytest.skip(f"{name} is no part of the excerpt: set {COMPLETE_RECORD} to the complete record")
        for key, (side, archive, stored) in entry["withheld"].items():
            with np.load(Path(folder) / "processing" / archive) as record:
                sides[side][key] = _widened(record[stored])
    return Case(name, sides["inputs"], sides["outputs"], entry["tolerance"], {})


@cache
def _index() -> dict[str, Any]:
    return json.loads((FOLDER / "bottom_up.json").read_text(encoding="utf-8"))


@cache
def _archive(name: str) -> dict[str, NDArray]:
    with np.load(FOLDER / name) as arrays:
        return {key: _widened(arrays[key]) for key in arrays.files}


def _widened(array: NDArray) -> NDArray:
    return array.astype(np.float32) if array.dtype == np.float16 else array
