"""The recorded cases of top-down processing: inputs, outputs and tolerances by name. `extract.py` made the files.

Conventions of the record: points are (x, y), names that end in ``_wh`` hold (width, height), ``scale`` is a size in units
of 200 pixels, angles are degrees. NaN in a recorded output means "do not compare".
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
COMPLETE_RECORD = "HRNET_GOLDEN_FOLDER"


@dataclass(frozen=True)
class Case:
    """One recorded computation.

    Attributes:
        inputs, outputs: arrays and plain values by name; half-precision arrays are given as float32.
        tolerance: per output, ``exact``, ``atol`` and ``rtol``, or ``max_abs`` and ``mean_abs`` for pictures.
        withheld: arrays that are no part of the excerpt, by name, with their key in the complete record.
    """

    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    tolerance: dict[str, dict[str, Any]]
    withheld: dict[str, str]

    def photograph(self, key: str) -> NDArray:
        """An array with pixels of a photograph; without the complete record the test is skipped."""
        folder = os.environ.get(COMPLETE_RECORD)
        if not folder:
            pytest.skip(f"photographs are no part of the excerpt: set {COMPLETE_RECORD} to the complete record")
        with np.load(Path(folder) / "processing" / "topdown.npz") as arrays:
            return arrays[self.withheld[key]]


@cache
def case(name: str) -> Case:
    """The case called ``name``; a case that shares the tensors of another one has them among its inputs."""
    entry = _index()[name]
    arrays = _archive(entry["archive"])

    def filled(side: str) -> dict[str, Any]:
        return {key: arrays[f"{name}/{side}/{key}"] if value is None else value for key, value in entry[side].items()}

    inputs = filled("inputs")
    if "tensors_of_case" in inputs:
        inputs.update(case(str(inputs["tensors_of_case"])).inputs)
    return Case(name, inputs, filled("outputs"), entry["tolerance"], entry["withheld"])


def assert_close(case: Case, key: str, value: Any, expected: Any = None) -> None:
    """Fail unless ``value`` (array, tensor or number) meets output ``key`` within the recorded tolerance.

    ``expected`` replaces the recorded output, for parts of it and for withheld arrays.
    """
    wanted = np.asarray(case.outputs[key] if expected is None else expected, np.float64)
    got = np.asarray(value, np.float64)
    if got.size == wanted.size:
        got = got.reshape(wanted.shape)
    assert got.shape == wanted.shape, f"{case.name}: {key} has shape {got.shape}, recorded is {wanted.shape}"
    compared = ~np.isnan(wanted)
    got, wanted = got[compared], wanted[compared]
    assert wanted.size, f"{case.name}: nothing of {key} may be compared"
    error = np.abs(got - wanted)
    tolerance = case.tolerance[key]
    if tolerance.get("exact"):
        close = error == 0
    elif "max_abs" in tolerance:
        assert error.mean() <= tolerance["mean_abs"], f"{case.name}: {key} is off by {error.mean():.3g} on average"
        close = error <= tolerance["max_abs"]
    else:
        close = error <= tolerance["atol"] + tolerance["rtol"] * np.abs(wanted)
    # NaN in the value is not close to anything.
    assert close.all(), f"{case.name}: {key} differs in {(~close).sum()} of {close.size}, at most by {error.max():.3g}"


@cache
def _index() -> dict[str, Any]:
    return json.loads((FOLDER / "topdown.json").read_text(encoding="utf-8"))


@cache
def _archive(name: str) -> dict[str, NDArray]:
    with np.load(FOLDER / name) as arrays:
        return {
            key: array.astype(np.float32) if array.dtype == np.float16 else array
            for key, array in ((key, arrays[key]) for key in arrays.files)
        }
