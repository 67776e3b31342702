"""Make ``classification.json`` and ``classification.npz`` from the complete record of reference numbers.

    python tests/golden/extract_classification.py FOLDER

``FOLDER/processing`` holds `cases.json` and `classification.npz`. The photograph and crops of it stay out, because they may not
be redistributed; the tests that need them run where the variable ``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PHOTOGRAPHIC = ("image", "crop_uint8_strided", "tensor_strided")


def extract(source: Path) -> None:
    cases = [case for case in json.loads((source / "cases.json").read_text())["cases"] if case["section"] == "E"]
    store: dict[str, np.ndarray] = {}
    index = {case["name"]: excerpt(case, source, store) for case in cases}
    np.savez_compressed(HERE / "classification.npz", **store)  # pyright: ignore[reportArgumentType]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in index.items())
    (HERE / "classification.json").write_text(f"{{\n{lines}\n}}\n")


def excerpt(case: dict[str, Any], source: Path, store: dict[str, np.ndarray]) -> dict[str, Any]:
    """The index entry of a case; its arrays go into ``store``."""
    entry: dict[str, Any] = {"inputs": {}, "outputs": {}, "withheld": {}, "tolerance": case["tolerance"]}
    for side in ("inputs", "outputs"):
        for key, field in case[side].items():
            if "value" in field:
                entry[side][key] = field["value"]
            elif key in PHOTOGRAPHIC:
                entry["withheld"][key] = f"{field['npz']}:{field['key']}"
            else:
                entry[side][key] = None
                store[f"{case['name']}/{side}/{key}"] = np.load(source / field["npz"])[field["key"]]
    return entry


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
