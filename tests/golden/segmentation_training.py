"""The recorded cases of training segmentation; `extract_segmentation_training.py` made the files."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
from golden.cases import FOLDER, Case


@cache
def case(name: str) -> Case:
    """The case called ``name``. `golden.bottom_up_training.photograph` gives its withheld arrays."""
    entry = json.loads((FOLDER / "segmentation_training.json").read_text(encoding="utf-8"))[name]

    def filled(side: str) -> dict[str, Any]:
        with np.load(FOLDER / "segmentation_training.npz") as arrays:
            return {key: arrays[f"{name}/{side}/{key}"] if value is None else value for key, value in entry[side].items()}

    inputs = {key: _single(value) for key, value in filled("inputs").items()}
    return Case(name, inputs, filled("outputs"), entry["tolerance"], entry["withheld"])


def _single(value: Any) -> Any:
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float16 else value
