"""The recorded cases of training bottom-up pose; `extract_bottom_up_training.py` made the files."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.cases import COMPLETE_RECORD, FOLDER, Case
from numpy.typing import NDArray


@cache
def case(name: str) -> Case:
    """The case called ``name``; one that shares the arrays of another has them among its inputs."""
    entry = _index()[name]
    arrays = _archive(entry["archive"])

    def filled(side: str) -> dict[str, Any]:
        return {key: arrays[f"{name}/{side}/{key}"] if value is None else value for key, value in entry[side].items()}

    inputs, withheld = filled("inputs"), dict(entry["withheld"])
    for key in ("tensors_of_case", "image_mask_joints_of_case"):
        if key in inputs:
            other = case(str(inputs[key]))
            inputs = {**other.inputs, **inputs}
            withheld = {**other.withheld, **withheld}
    return Case(name, inputs, filled("outputs"), entry["tolerance"], withheld)


def photograph(recorded: Case, key: str) -> NDArray:
    """An array with pixels of a photograph; without the complete record the test is skipped."""
    folder = os.environ.get(COMPLETE_RECORD)
    if not folder:
        pytest.skip(f"photographs are no part of the excerpt: set {COMPLETE_RECORD} to the complete record")
    archive, name = recorded.withheld[key].split(":")
    with np.load(Path(folder) / "processing" / archive) as arrays:
        return arrays[name]


@cache
def _index() -> dict[str, Any]:
    return json.loads((FOLDER / "bottom_up_training.json").read_text(encoding="utf-8"))


@cache
def _archive(name: str) -> dict[str, NDArray]:
    with np.load(FOLDER / name) as arrays:
        return {key: array.astype(np.float32) if array.dtype == np.float16 else array for key, array in arrays.items()}
