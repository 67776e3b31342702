"""Make this folder's excerpts from the complete record of reference numbers.

    python tests/golden/extract.py FOLDER

``FOLDER/models`` holds `outputs.json`, `outputs.npz`, `summary.json` and `manifests/`; ``FOLDER/processing`` holds
`cases.json` and `topdown.npz`. What is taken:

* ``networks.json``: facts of every pose network and of every HRNet body (digest of the ordered keys and shapes,
  parameters, multiply-accumulates) and the cases whose outputs were recorded;
* ``networks_pose.npz``, ``networks_branches.npz``: the recorded numbers. Long outputs are thinned further by a step that
  shares no factor with any dimension; their statistics are those of the complete output;
* ``topdown.json`` and ``topdown_*.npz``: the cases of top-down processing that need no data set. Photographs and crops of
  them stay out, because they may not be redistributed; the tests that need them run where the variable
  ``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

POSE_FAMILIES = ("pose_hrnet", "pose_resnet", "stacked_hourglass")
BODY_KEY = re.compile(r"(conv|bn|layer|transition|stage)[1-4]\.")
BRANCH_TENSOR = re.compile(r"layer1|stage[234]\.\d|backbone\.\d")
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


def shapes_digest(shapes: Mapping[str, Sequence[int]]) -> str:
    """SHA-256 over the ordered lines ``key:d0,d1,...``: equal when keys, their order and all shapes are equal."""
    lines = "\n".join(f"{key}:{','.join(map(str, shape))}" for key, shape in shapes.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def body_shapes(shapes: Mapping[str, Sequence[int]], prefix: str = "") -> dict[str, Sequence[int]]:
    """The HRNet body of a manifest, without the prefix."""
    return {
        key.removeprefix(prefix): shape
        for key, shape in shapes.items()
        if key.startswith(prefix) and BODY_KEY.match(key.removeprefix(prefix))
    }


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
    networks: dict[str, Any] = {}
    bodies: dict[str, Any] = {}
    for name, facts in summary.items():
        shapes = json.loads(gzip.decompress((source / facts["manifest"]).read_bytes()))
        shapes = shapes.get("state_dict", shapes)
        if facts["family"] in POSE_FAMILIES:
            macs = [{k: m[k] for k in ("input", "macs", "deconv_macs", "macs_official_counter") if k in m}
                    for m in facts.get("macs", [])]  # fmt: skip
            networks[facts["model"]] = {
                "digest": shapes_digest(shapes), "entries": len(shapes), "params": facts["params"],
                "keypoints": facts["num_joints"], "macs": macs,
            }  # fmt: skip
        prefix = "backbone." if "backbone.conv1.weight" in shapes else ""
        body = body_shapes(shapes, prefix)
        if "stage4.0.branches.3.0.conv1.weight" in body:
            bodies[name] = {"digest": shapes_digest(body), "entries": len(body)}
    pose_cases, branch_cases = [], []
    pose_arrays, branch_arrays = {}, {}
    for case in cases:
        if case["family"] in POSE_FAMILIES:
            target, store, wanted = pose_cases, pose_arrays, re.compile("")
        else:
            target, store, wanted = branch_cases, branch_arrays, BRANCH_TENSOR
        tensors = []
        if case["mode"] == "train" and case["family"] == "mmdet":
            continue  # its backbone keeps frozen statistics
        if case["mode"] == "train" and store is branch_arrays:
            wanted = BODY_KEY
        for tensor in case["tensors"]:
            if not wanted.match(tensor["name"]):
                continue
            tensor, array = thinned(tensor, arrays[tensor["array"]])
            kept = {key: tensor[key] for key in ("name", "shape", "step", "mean", "std", "l2", "min", "max")}
            tensors.append(kept)
            store[f"{case['id']}/{tensor['name']}"] = array
        if not tensors:
            continue
        keys = ["id", "family", "model", "mode", "align_corners"]
        if store is pose_arrays:
            keys += ["loss", "grad_l2", "parameters_without_gradient", "fp64"]
        kept = {key: case[key] for key in keys if key in case}
        target.append({**kept, "input": {key: case["input"][key] for key in ("shape", "seed")}, "tensors": tensors})
    index = {"networks": networks, "bodies": bodies, "pose_cases": pose_cases, "branch_cases": branch_cases}
    (HERE / "networks.json").write_text(_one_line_each(index))
    np.savez_compressed(HERE / "networks_pose.npz", **pose_arrays)
    np.savez_compressed(HERE / "networks_branches.npz", **branch_arrays)


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
    (HERE / "topdown.json").write_text(_one_line_each(index))


def _one_line_each(index: dict[str, Any]) -> str:
    """JSON with one entry per line, so that a change shows as one line."""

    def lines(value: Any, depth: int) -> str:
        if depth == 0 or not value or not isinstance(value, (dict, list)):
            return json.dumps(value)
        if isinstance(value, list):
            return "[\n" + ",\n".join(lines(item, depth - 1) for item in value) + "\n]"
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {lines(item, depth - 1)}" for key, item in value.items()) + "\n}"

    depth = 2 if "networks" in index else 1
    return lines(index, depth) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract_networks(Path(sys.argv[1]) / "models")
    extract_topdown(Path(sys.argv[1]) / "processing")
