"""The recorded cases of classification; `extract_classification.py` made the files."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from golden.cases import COMPLETE_RECORD, FOLDER, Case
from numpy.typing import NDArray


@cache
def case(name: str) -> Case:
    """The case called ``name``."""
    entry = json.loads((FOLDER / "classification.json").read_text(encoding="utf-8"))[name]
    with np.load(FOLDER / "classification.npz") as arrays:
        filled = {
            side: {key: arrays[f"{name}/{side}/{key}"] if value is None else value for key, value in entry[side].items()}
            for side in ("inputs", "outputs")
        }
    return Case(name, filled["inputs"], filled["outputs"], entry["tolerance"], entry["withheld"])


def photograph(recorded: Case, key: str) -> NDArray:
    """An array with pixels of a photograph; without the complete record the test is skipped."""
    folder = os.environ.get(COMPLETE_RECORD)
    if not folder:
        pytest.skip(f"photographs are no part of the excerpt: set {COMPLETE_RECORD} to the complete record")
    archive, name = recorded.withheld[key].split(":")
    with np.load(Path(folder) / "processing" / archive) as arrays:
        return arrays[name]
