"""The recorded cases of facial landmarks; `extract_face.py` made the files."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
from golden.bottom_up_training import photograph
from golden.cases import FOLDER, Case
from numpy.typing import NDArray

__all__ = ["case", "photograph"]


@cache
def case(name: str) -> Case:
    """The case called ``name``; one that shares the arrays of another has them among its inputs."""
    entry = _index()[name]
    arrays = _archive(entry["archive"])

    def filled(side: str) -> dict[str, Any]:
        return {
            key: arrays[f"{name}/{side}/{key}"] if value is None and key not in entry["empty"] else value
            for key, value in entry[side].items()
        }

    inputs = filled("inputs")
    if "tensors_of_case" in inputs:
        inputs = {**case(str(inputs["tensors_of_case"])).inputs, **inputs}
    return Case(name, inputs, filled("outputs"), entry["tolerance"], entry["withheld"])


@cache
def _index() -> dict[str, Any]:
    return json.loads((FOLDER / "face.json").read_text(encoding="utf-8"))


@cache
def _archive(name: str) -> dict[str, NDArray]:
    with np.load(FOLDER / name) as arrays:
        return {key: array.astype(np.float32) if array.dtype == np.float16 else array for key, array in arrays.items()}
