"""Make the excerpt of segmentation tests (windows, scales, mirrored pictures) from the complete record of reference numbers.

    python tests/golden/extract_segmentation_testing.py FOLDER

``FOLDER/processing`` holds `cases.json` and `segmentation.npz`; the pictures in them are random numbers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
CASES = (
    "seg_inference_general_multi_scale",
    "seg_inference_general_align_corners_two_outputs",
    "seg_inference_cityscapes",
    "seg_inference_lip",
)


def extract(source: Path) -> None:
    cases = {case["name"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    store: dict[str, np.ndarray] = {}
    index: dict[str, Any] = {}
    with np.load(source / "segmentation.npz") as archive:
        for name in CASES:
            entry: dict[str, Any] = {"inputs": {}, "outputs": {}, "tolerance": cases[name]["tolerance"]}
            for side in ("inputs", "outputs"):
                for key, field in cases[name][side].items():
                    entry[side][key] = field.get("value")
                    if "value" not in field:
                        store[f"{name}/{side}/{key}"] = archive[field["key"]]
            index[name] = entry
    np.savez_compressed(HERE / "segmentation_testing.npz", **store)  # pyright: ignore[reportArgumentType]
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in index.items()]
    (HERE / "segmentation_testing.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
