"""Make the excerpt of networks from the complete record of reference numbers.

    python tests/golden/extract_networks.py FOLDER

``FOLDER/models`` holds `outputs.json`, `outputs.npz`, `summary.json` and `manifests/`. What is taken:

* ``manifests.json.xz``: the ordered keys and shapes of every state dict;
* ``networks.json``: parameters and multiply-accumulates of every network, and the cases whose outputs were recorded;
* ``networks_*.npz``: the recorded numbers. Long outputs are thinned further by a step that shares no factor with any
  dimension; their statistics are those of the complete output.
"""

from __future__ import annotations

import gzip
import json
import lzma
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

NETWORK_GROUPS = {
    "pose": ("pose_hrnet", "pose_resnet", "stacked_hourglass"),
    "v2": ("cls_hrnet", "seg_hrnet", "seg_hrnet_ocr", "face_hrnetv2"),
    "bottom_up": ("higher_hrnet", "pose_ae"),
    "detection": ("mmdet", "mmdet_v1"),
    "toolkits": ("timm", "mmpose", "mmseg"),
}
FACTS = (
    "family", "model", "params", "macs", "num_joints", "num_classes", "num_classes_with_background", "num_outputs",
    "align_corners", "feature_channels", "feature_reductions", "output_channels", "output_strides",
)  # fmt: skip
LONGEST_OUTPUT = 4500


def thinned(tensor: dict[str, Any], array: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """Keep every n-th number of a long record; n shares no factor with a dimension, so that all rows stay visited."""
    if array.size <= LONGEST_OUTPUT:
        return tensor, array
    n = next(n for n in range(3, 100) if n * LONGEST_OUTPUT >= array.size and math.gcd(n, math.prod(tensor["shape"])) == 1)
    return {**tensor, "step": tensor["step"] * n}, array[::n]


def extract(source: Path) -> None:
    cases = json.loads((source / "outputs.json").read_text())["cases"]
    summary = json.loads((source / "summary.json").read_text())["models"]
    arrays = np.load(source / "outputs.npz")
    manifests = {}
    for name, facts in summary.items():
        shapes = json.loads(gzip.decompress((source / facts["manifest"]).read_bytes()))
        manifests[name] = shapes.get("state_dict", shapes)
    # All of them have the same few thousand names: together they shrink to a hundredth of their size.
    (HERE / "manifests.json.xz").write_bytes(lzma.compress(json.dumps(manifests).encode(), preset=9))
    facts = {name: {key: entry[key] for key in FACTS if key in entry} for name, entry in summary.items()}
    kept_cases, stores = [], {group: {} for group in NETWORK_GROUPS}
    for case in cases:
        group = next(group for group, families in NETWORK_GROUPS.items() if case["family"] in families)
        tensors = []
        for tensor in case["tensors"]:
            tensor, array = thinned(tensor, arrays[tensor["array"]])
            tensors.append({key: tensor[key] for key in ("name", "shape", "step", "mean", "std", "l2", "min", "max")})
            stores[group][f"{case['id']}/{tensor['name']}"] = array
        kept = {key: value for key, value in case.items() if key not in ("manifest", "fp32_error", "layout_note")}
        kept["input"] = {key: case["input"][key] for key in ("shape", "seed")}
        kept_cases.append({**kept, "tensors": tensors})
    (HERE / "networks.json").write_text(_one_line_each({"facts": facts, "cases": kept_cases}, depth=2))
    for group, store in stores.items():
        np.savez_compressed(HERE / f"networks_{group}.npz", **store)


def _one_line_each(index: dict[str, Any], depth: int) -> str:
    """JSON with one entry per line below ``depth``, so that a change shows as one line."""

    def lines(value: Any, depth: int) -> str:
        if depth == 0 or not value or not isinstance(value, (dict, list)):
            return json.dumps(value)
        if isinstance(value, list):
            return "[\n" + ",\n".join(lines(item, depth - 1) for item in value) + "\n]"
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {lines(item, depth - 1)}" for key, item in value.items()) + "\n}"

    return lines(index, depth) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "models")
