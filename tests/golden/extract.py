"""Make this folder's excerpts from the complete record of reference numbers.

    python tests/golden/extract.py FOLDER

``FOLDER/models`` holds `outputs.json`, `outputs.npz`, `summary.json` and `manifests/`; ``FOLDER/processing`` holds
`cases.json` and `topdown.npz`. What is taken:

* ``manifests.json.xz``: the ordered keys and shapes of every state dict;
* ``networks.json``: parameters and multiply-accumulates of every network, and the cases whose outputs were recorded;
* ``networks_*.npz``: the recorded numbers. Long outputs are thinned further by a step that shares no factor with any
  dimension; their statistics are those of the complete output;
* ``topdown.json`` and ``topdown_*.npz``: the cases of top-down processing that need no data set. Photographs and crops of
  them stay out, because they may not be redistributed; the tests that need them run where the variable
  ``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
"""

from __future__ import annotations

import gzip
import json
import lzma
import math
import re
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

TOPDOWN_GROUPS = {
    "geometry": (
        "td_box_to_center_scale_256x192", "td_box_to_center_scale_384x288", "td_box_to_center_scale_256x256",
        "td_affine_matrix", "td_transform_preds", "td_udp_and_plain_warp_matrix", "td_crop_to_image_mmpose",
        "td_flip_joints_coco", "td_flip_joints_mpii", "td_crop_real_image", "td_udp_crop_real_image",
    ),
    "targets": (
        "td_gaussian_target_sigma2_256x192", "td_gaussian_target_sigma3_384x288", "td_gaussian_target_sigma2_256x256",
        "td_dark_unbiased_target", "td_dark_original_target_and_affine",
    ),
    "decoding": (
        "td_argmax_quarter_decode", "td_dark_decode_k11", "td_dark_decode_k17",
    ),
    "codecs": ("td_msra_codec", "td_udp_codec_gaussian", "td_udp_codec_combined"),
    "mirroring": ("td_flip_back_coco", "td_flip_back_mpii", "td_flip_maps_mmpose"),
    "losses": ("td_joints_mse_loss", "td_ohkm_loss", "td_losses_mmpose_style"),
    "augmentation": ("td_half_body", "td_sample_test", "td_sample_train_a", "td_sample_train_b_half_body"),
}  # fmt: skip
PHOTOGRAPHIC = re.compile(r"image|crop_\d|udp_crop_\d|crop_uint8|input_strided")


def thinned(tensor: dict[str, Any], array: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """Keep every n-th number of a long record; n shares no factor with a dimension, so that all rows stay visited."""
    if array.size <= LONGEST_OUTPUT:
        return tensor, array
    n = next(n for n in range(3, 100) if n * LONGEST_OUTPUT >= array.size and math.gcd(n, math.prod(tensor["shape"])) == 1)
    return {**tensor, "step": tensor["step"] * n}, array[::n]


def extract_networks(source: Path) -> None:
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


def extract_topdown(source: Path) -> None:
    cases = {case["name"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    arrays = np.load(source / "topdown.npz")
    index = {}
    for group, names in TOPDOWN_GROUPS.items():
        store = {}
        for name in names:
            case = cases[name]
            entry: dict[str, Any] = {"archive": f"topdown_{group}.npz", "inputs": {}, "outputs": {}, "withheld": {}}
            for side in ("inputs", "outputs"):
                for key, field in case[side].items():
                    if "value" in field:
                        entry[side][key] = field["value"]
                    elif PHOTOGRAPHIC.fullmatch(key):
                        entry["withheld"][key] = field["key"]
                    else:
                        entry[side][key] = None
                        store[f"{name}/{side}/{key}"] = arrays[field["key"]]
            entry["tolerance"] = case["tolerance"]
            index[name] = entry
        np.savez_compressed(HERE / f"topdown_{group}.npz", **store)
    (HERE / "topdown.json").write_text(_one_line_each(index, depth=1))


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
    extract_networks(Path(sys.argv[1]) / "models")
    extract_topdown(Path(sys.argv[1]) / "processing")
