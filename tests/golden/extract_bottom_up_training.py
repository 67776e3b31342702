"""Make ``bottom_up_training.json`` and ``bottom_up_training_*.npz`` from the complete record of reference numbers.

    python tests/golden/extract_bottom_up_training.py FOLDER

``FOLDER/processing`` holds `cases.json`, `bottomup.npz` and `hourglass.npz`. Taken are the cases of bottom-up targets, masks,
losses and augmentation, of the OpenMMLab codec what concerns its targets. Photographs and crops of them stay out, because they
may not be redistributed; the tests that need them run where the variable ``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

GROUPS = {
    "targets": (
        "bu_heatmap_target_res64_sigma2", "bu_joint_indices_res64", "bu_heatmap_target_res96_sigma-1", "bu_joint_indices_res96",
        "bu_heatmap_target_scale_aware", "bu_get_joints", "bu_ignore_mask", "bu_aug_matrix", "bu_aug_sample_short_side",
        "bu_aug_sample_long_side", "bu_ae_codec_mmpose_plain", "bu_ae_codec_mmpose_udp", "ae_heatmap_target_res64",
        "ae_heatmap_target_res128",
    ),
    "tag_losses": ("bu_ae_loss_exp", "bu_ae_loss_max", "bu_ae_loss_mmpose", "ae_tag_loss", "ae_tag_loss_python_version"),
    "losses": ("bu_heatmap_loss", "bu_multi_stage_loss", "ae_stacked_loss"),
}  # fmt: skip
PHOTOGRAPHIC = ("image", "image_affine", "image_flipped")
DECODING = ("det", "tag", "decoded", "decoded_scores", "instance_scores")


def extract(source: Path) -> None:
    cases = {case["name"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    index: dict[str, Any] = {}
    for group, names in GROUPS.items():
        store: dict[str, np.ndarray] = {}
        for name in names:
            index[name] = {"archive": f"bottom_up_training_{group}.npz", **excerpt(cases[name], source, store)}
        np.savez_compressed(HERE / f"bottom_up_training_{group}.npz", **store)  # pyright: ignore[reportArgumentType]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in index.items())
    (HERE / "bottom_up_training.json").write_text(f"{{\n{lines}\n}}\n")


def excerpt(case: dict[str, Any], source: Path, store: dict[str, np.ndarray]) -> dict[str, Any]:
    """The index entry of a case; its arrays go into ``store``."""
    entry: dict[str, Any] = {"inputs": {}, "outputs": {}, "withheld": {}}
    for side in ("inputs", "outputs"):
        for key, field in case[side].items():
            if key in DECODING:
                continue
            if "value" in field:
                entry[side][key] = field["value"]
            elif key in PHOTOGRAPHIC:
                entry["withheld"][key] = f"{field['npz']}:{field['key']}"
            else:
                entry[side][key] = None
                store[f"{case['name']}/{side}/{key}"] = np.load(source / field["npz"])[field["key"]]
    entry["tolerance"] = {key: value for key, value in case["tolerance"].items() if key not in DECODING}
    return entry


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
