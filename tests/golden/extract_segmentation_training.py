"""Make ``segmentation_training.json`` and ``segmentation_training.npz`` from the complete record of reference numbers.

    python tests/golden/extract_segmentation_training.py FOLDER

``FOLDER/processing`` holds `cases.json` and `segmentation.npz`. Taken are the cases of labels, augmentation, losses, rates and
metrics of semantic segmentation. A photograph and crops of it stay out, because they may not be redistributed; the test that
needs them runs where the variable ``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

NAMES = (
    "seg_cityscapes_labels", "seg_label_conventions", "seg_metrics_19classes", "seg_metrics_5classes", "seg_losses",
    "seg_train_sample", "seg_lip_flip_labels", "seg_poly_lr",
)  # fmt: skip
PHOTOGRAPHIC = ("image_bgr", "image_strided", "short_side_image_strided")


def extract(source: Path) -> None:
    cases = {case["name"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    store: dict[str, np.ndarray] = {}
    entries = {name: excerpt(cases[name], source, store) for name in NAMES}
    np.savez_compressed(HERE / "segmentation_training.npz", **store)  # pyright: ignore[reportArgumentType]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
    (HERE / "segmentation_training.json").write_text(f"{{\n{lines}\n}}\n")


def excerpt(case: dict[str, Any], source: Path, store: dict[str, np.ndarray]) -> dict[str, Any]:
    """The index entry of a case; its arrays go into ``store``."""
    entry: dict[str, Any] = {"inputs": {}, "outputs": {}, "withheld": {}}
    for side in ("inputs", "outputs"):
        for key, field in case[side].items():
            if "value" in field:
                entry[side][key] = field["value"]
            elif key in PHOTOGRAPHIC:
                entry["withheld"][key] = f"{field['npz']}:{field['key']}"
            else:
                entry[side][key] = None
                store[f"{case['name']}/{side}/{key}"] = np.load(source / field["npz"])[field["key"]]
    return {**entry, "tolerance": case["tolerance"]}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
