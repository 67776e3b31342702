"""The recorded cases of testing segmentation; `extract_segmentation_testing.py` made the files."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
from golden.cases import FOLDER, Case


@cache
def case(name: str) -> Case:
    """The case called ``name``."""
    entry = json.loads((FOLDER / "segmentation_testing.json").read_text(encoding="utf-8"))[name]

    def filled(side: str) -> dict[str, Any]:
        with np.load(FOLDER / "segmentation_testing.npz") as arrays:
            return {key: arrays[f"{name}/{side}/{key}"] if value is None else value for key, value in entry[side].items()}

    return Case(name, filled("inputs"), filled("outputs"), entry["tolerance"], {})
