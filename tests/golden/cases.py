"""The recorded cases of processing: inputs, outputs and tolerances by name. `extract_processing.py` made the files.

Conventions of the record: points are (x, y), names that end in ``_wh`` hold (width, height), ``scale`` is a size in units
of 200 pixels, angles are degrees. NaN in a recorded output means "do not compare".
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
COMPLETE_RECORD = "HRNET_GOLDEN_FOLDER"
_OTHERS = ("tensors_of_case", "image_mask_joints_of_case")


@dataclass(frozen=True)
class Case:
    """One recorded computation.

    Attributes:
        inputs, outputs: arrays and plain values by name; half-precision arrays are given as float32.
        tolerance: per output, ``exact``, ``atol`` and ``rtol``, or ``max_abs`` and ``mean_abs`` for pictures.
        withheld: arrays that are no part of the excerpt, by name: side, archive and key in the complete record.
    """

    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    tolerance: dict[str, dict[str, Any]]
    withheld: dict[str, tuple[str, str, str]]

    def photograph(self, key: str) -> NDArray:
        """An array that was withheld, mostly pixels of a photograph; without the complete record the test is skipped."""
        folder = os.environ.get(COMPLETE_RECORD)
        if not folder:
            pytest.skip(f"{key} of {self.name} is no part of the excerpt: set {COMPLETE_RECORD} to the complete record")
        _, archive, stored = self.withheld[key]
        with np.load(Path(folder) / "processing" / archive) as arrays:
            return _widened(arrays[stored])

    def completed(self) -> Case:
        """With all that was withheld; without the complete record the test is skipped."""
        sides: dict[str, dict[str, Any]] = {"inputs": dict(self.inputs), "outputs": dict(self.outputs)}
        for key, (side, _, _) in self.withheld.items():
            sides[side][key] = self.photograph(key)
        return Case(self.name, sides["inputs"], sides["outputs"], self.tolerance, {})


def cases_of(excerpt: str) -> Callable[[str], Case]:
    """What gives the cases of an excerpt, such as ``face``, by name; one that shares the inputs of another has them too."""

    def case(name: str) -> Case:
        entry = _index(excerpt)[name]
        arrays = _archive(entry["archive"])
        inputs, outputs = (
            entry[side] | {key.rpartition("/")[2]: arrays[key] for key in arrays if key.startswith(f"{name}/{side}/")}
            for side in ("inputs", "outputs")
        )
        withheld = entry["withheld"]
        for other in [case(inputs[key]) for key in _OTHERS if key in inputs]:
            inputs, withheld = {**other.inputs, **inputs}, {**other.withheld, **withheld}
        return Case(name, inputs, outputs, entry["tolerance"], withheld)

    return case


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
def _index(excerpt: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{excerpt}.json").read_text(encoding="utf-8"))


@cache
def _archive(name: str) -> dict[str, NDArray]:
    with np.load(FOLDER / name) as arrays:
        return {key: _widened(arrays[key]) for key in arrays.files}


def _widened(array: NDArray) -> NDArray:
    return array.astype(np.float32) if array.dtype == np.float16 else array
