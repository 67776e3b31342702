"""The recorded evaluations of bottom-up pose. `extract_processing.py` made the file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARCHIVE = Path(__file__).parent / "multi_person_evaluation.npz"
COCO_STATS = ("AP", "AP50", "AP75", "AP_medium", "AP_large", "AR", "AR50", "AR75", "AR_medium", "AR_large")
CROWD_STATS = ("AP", "AP50", "AP75", "AR", "AR50", "AR75", "AP_easy", "AP_medium", "AP_hard")


@cache
def recorded(case: str) -> dict[str, NDArray[Any]]:
    """Arrays of a case by ``in/NAME`` and ``out/NAME``."""
    with np.load(ARCHIVE) as arrays:
        return {key.removeprefix(f"{case}/"): arrays[key] for key in arrays.files if key.startswith(f"{case}/")}


def annotation_file(case: str, folder: Path) -> Path:
    """Write the annotations of a case as a COCO file whose pictures are called ``ID.jpg``."""
    arrays = recorded(case)
    crowd_index = (
        dict(zip(arrays["in/image_id"].tolist(), arrays["in/crowd_index"].tolist(), strict=True))
        if ("in/crowd_index" in arrays)
        else {}
    )
    names = sorted({*arrays["in/gt_image_id"].tolist(), *arrays["in/pred_image_id"].tolist(), *crowd_index})
    count = arrays["in/gt_keypoints"].shape[1] // 3
    optional = {"area": "in/gt_area", "iscrowd": "in/gt_iscrowd"}
    people = [
        {
            "id": int(arrays["in/gt_id"][n]),
            "image_id": int(arrays["in/gt_image_id"][n]),
            "category_id": 1,
            "keypoints": arrays["in/gt_keypoints"][n].tolist(),
            "num_keypoints": int(arrays["in/gt_num_keypoints"][n]),
            "bbox": arrays["in/gt_bbox"][n].tolist(),
            **{name: arrays[key][n].item() for name, key in optional.items() if key in arrays},
        }
        for n in range(len(arrays["in/gt_id"]))
    ]
    images = [
        {"id": name, "file_name": f"{name}.jpg", "width": 640, "height": 480}
        | ({"crowdIndex": crowd_index[name]} if crowd_index else {})
        for name in names
    ]
    category = {"id": 1, "name": "person", "keypoints": [f"k{k}" for k in range(count)] if count != 17 else COCO}
    path = folder / "truth.json"
    path.write_text(json.dumps({"images": images, "annotations": people, "categories": [category]}))
    return path


COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *(f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")),
)
