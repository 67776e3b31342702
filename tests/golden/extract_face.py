"""Make ``face.json`` and ``face_*.npz`` from the complete record of reference numbers.

    python tests/golden/extract_face.py FOLDER

``FOLDER/processing`` holds `cases.json` and `face.npz`. Taken are all cases of facial landmarks. Photographs and crops of them
stay out, because they may not be redistributed; the tests that need them run where the variable ``HRNET_GOLDEN_FOLDER`` names
``FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SECTION = "C"


def is_photographic(key: str) -> bool:
    return key == "image" or key.startswith("crop_") or key.endswith(("_crop_uint8", "_input_first_row_mid"))


def archive_of(name: str) -> str:
    """Items are kept apart: they are most of the bytes."""
    return "face_items.npz" if name.startswith("face_item") else "face_steps.npz"


def extract(source: Path) -> None:
    cases = [case for case in json.loads((source / "cases.json").read_text())["cases"] if case["section"] == SECTION]
    with np.load(source / "face.npz") as archive:
        arrays = {key: archive[key] for key in archive.files}
    index: dict[str, Any] = {}
    stores: dict[str, dict[str, np.ndarray]] = {}
    for case in cases:
        archive_name = archive_of(case["name"])
        index[case["name"]] = {"archive": archive_name, **excerpt(case, arrays, stores.setdefault(archive_name, {}))}
    for name, store in stores.items():
        np.savez_compressed(HERE / name, **store)  # pyright: ignore[reportArgumentType]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in index.items())
    (HERE / "face.json").write_text(f"{{\n{lines}\n}}\n")


def excerpt(case: dict[str, Any], arrays: dict[str, np.ndarray], store: dict[str, np.ndarray]) -> dict[str, Any]:
    """The index entry of a case; its arrays go into ``store``."""
    entry: dict[str, Any] = {"inputs": {}, "outputs": {}, "withheld": {}}
    for side in ("inputs", "outputs"):
        for key, field in case[side].items():
            if "value" in field:
                entry[side][key] = field["value"]
            elif is_photographic(key):
                entry["withheld"][key] = f"{field['npz']}:{field['key']}"
            else:
                entry[side][key] = None
                store[f"{case['name']}/{side}/{key}"] = arrays[field["key"]]
    # A value that is None has no array either.
    entry["empty"] = [key for key, field in case["inputs"].items() if "value" in field and field["value"] is None]
    entry["tolerance"] = case["tolerance"]
    return entry


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
