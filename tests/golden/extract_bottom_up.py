"""Make the excerpts of bottom-up decoding from the complete record of reference numbers.

    python tests/golden/extract_bottom_up.py FOLDER

``FOLDER/processing`` holds `cases.json`, `bottomup.npz` and `hourglass.npz`. What is taken: ``bottom_up.json`` and
``bottom_up_*.npz``, the cases that lead from a network's maps to people. Photographs stay out, because they may not be
redistributed, and so do the arrays of large cases that others cover as well; the tests that need them run where the variable
``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

GROUPS = {
    "steps": (
        "bu_multi_scale_sizes", "bu_resize_sizes", "bu_resize_align", "bu_final_coordinates", "bu_heatmap_nms", "bu_top_k",
        "bu_match_default", "bu_match_no_detection_val", "bu_match_ignore_too_much_max4", "bu_match_max4_without_ignore",
        "bu_match_tight_tag_threshold", "bu_match_high_detection_threshold", "bu_adjust", "bu_refine",
    ),
    "stages": ("bu_multi_stage_outputs_coco_center", "bu_aggregate_scales_first_scale"),
    "people": (
        "bu_parse_one_person", "bu_parse_three_people", "bu_parse_ten_people_noisy", "bu_parse_three_people_tag1_kernel3",
        "bu_parse_empty", "bu_parse_crowdpose14", "bu_parse_shared_tag",
    ),
    "crowd": ("bu_parse_thirty_people",),
    "pipeline": ("bu_pipeline_multiscale_projected", "bu_pipeline_multiscale_first_scale"),
    "others": (
        "bu_ae_codec_mmpose_plain", "bu_ae_codec_mmpose_udp", "ae_parse_four_people", "ae_parse_ten_people",
        "ae_pipeline_single_scale",
    ),
    None: (
        "bu_multi_stage_outputs_coco", "bu_multi_stage_outputs_crowdpose", "bu_aggregate_scales_projected",
        "bu_parse_thirty_people_ambiguous_line_tags",
    ),
}  # fmt: skip
PHOTOGRAPHIC = {"bu_resize_align": ("image", "a", "b", "c_transposed")}
# The decoder that was recorded overwrote its input: what is stored is what it left.
OVERWRITTEN = {"bu_ae_codec_mmpose_udp": ("det",)}


def extract(source: Path) -> None:
    cases = {case["name"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    archives = {name: np.load(source / name) for name in ("bottomup.npz", "hourglass.npz")}
    lines = []
    for group, names in GROUPS.items():
        store: dict[str, np.ndarray] = {}
        for name in names:
            case = cases[name]
            archive = None if group is None else f"bottom_up_{group}.npz"
            entry: dict[str, Any] = {"archive": archive, "inputs": {}, "outputs": {}, "withheld": {}}
            for side in ("inputs", "outputs"):
                for key, field in case[side].items():
                    if key in OVERWRITTEN.get(name, ()):
                        continue
                    if "value" in field:
                        entry[side][key] = field["value"]
                    elif group is None or key in PHOTOGRAPHIC.get(name, ()):
                        entry["withheld"][key] = [side, field["npz"], field["key"]]
                    else:
                        entry[side][key] = None
                        store[f"{name}/{side}/{key}"] = archives[field["npz"]][field["key"]]
            entry["tolerance"] = case["tolerance"]
            lines.append(f"{json.dumps(name)}: {json.dumps(entry)}")
        if group is not None:
            np.savez_compressed(HERE / f"bottom_up_{group}.npz", **store)  # pyright: ignore[reportArgumentType]
    (HERE / "bottom_up.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
