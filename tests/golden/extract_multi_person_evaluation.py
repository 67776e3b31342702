"""Make the excerpt of multi-person evaluation from the complete record of reference numbers.

    python tests/golden/extract_multi_person_evaluation.py FOLDER

``FOLDER/processing`` holds `cases.json` and `bottomup.npz`. What is taken: ``multi_person_evaluation.npz``, the evaluation on
COCO and on CrowdPose, whose keys are ``CASE/in/NAME`` and ``CASE/out/NAME``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

CASES = ("bu_coco_evaluate", "bu_crowdpose_evaluate")


def extract(source: Path) -> None:
    with np.load(source / "bottomup.npz") as arrays:
        store = {key: arrays[key] for key in arrays.files if key.split("/")[0] in CASES}
    np.savez_compressed(Path(__file__).parent / "multi_person_evaluation.npz", **store)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
