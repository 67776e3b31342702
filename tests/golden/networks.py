"""The recorded networks: facts of every variant and the numbers they compute. `extract_networks.py` made the files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

FOLDER = Path(__file__).parent

_INDEX: dict[str, Any] = json.loads((FOLDER / "networks.json").read_text(encoding="utf-8"))

FACTS: dict[str, dict[str, Any]] = _INDEX["facts"]
"""Parameters, multiply-accumulates and outputs of every recorded network, by ``family/model``."""


def cases_of(*families: str, mode: str | None = None) -> list[dict[str, Any]]:
    """The recorded cases of these families (all without any), of ``mode`` ``"eval"`` or ``"train"`` or both."""
    return [
        case
        for case in _INDEX["cases"]
        if (not families or case["family"] in families) and (mode is None or case["mode"] == mode)
    ]


def assert_recorded(case: dict[str, Any], record: dict[str, Any], tensor: Tensor, tolerance: float = 1e-4) -> None:
    """Fail unless ``tensor`` is the recorded one: at the stored entries, and in the statistics of the whole.

    The tolerance is in units of the tensor's standard deviation. A float32 network of the same arithmetic is within
    1e-5; a wrong layer is off by more than 1e-3.
    """
    what = f"{case['id']}: {record['name']}"
    assert list(tensor.shape) == record["shape"], f"{what} has shape {list(tensor.shape)}, recorded is {record['shape']}"
    whole = tensor.detach().double().contiguous().numpy().ravel()
    stored = _arrays()[f"{case['id']}/{record['name']}"]
    # A single number has no spread: its own size is the unit.
    unit = record["std"] or abs(record["mean"])
    error = np.abs(whole[:: record["step"]] - stored).max() / unit
    assert error <= tolerance, f"{what} is off by {error:.2e} standard deviations"
    for statistic, value in (("mean", whole.mean()), ("std", whole.std()), ("min", whole.min()), ("max", whole.max())):
        error = abs(value - record[statistic]) / unit
        assert error <= tolerance, f"{what}: {statistic} is {value}, recorded is {record[statistic]}"
    assert np.isclose(np.linalg.norm(whole), record["l2"], rtol=tolerance), f"{what}: the norm differs"


@cache
def _arrays() -> dict[str, NDArray]:
    arrays: dict[str, NDArray] = {}
    for path in FOLDER.glob("networks_*.npz"):
        with np.load(path) as archive:
            arrays.update({key: archive[key] for key in archive.files})
    return arrays
