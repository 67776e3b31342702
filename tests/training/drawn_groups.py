"""Tiny pictures with several people, drawn as dots, for bottom-up pose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw

from hrnet.data.keypoint_sets import keypoint_set

LSP = keypoint_set("lsp")
# Of the keypoints in a person's box, the order of the set.
COLUMNS = (0.3, 0.3, 0.35, 0.65, 0.7, 0.7, 0.0, 0.1, 0.3, 0.7, 0.9, 1.0, 0.5, 0.5)
ROWS = (1.0, 0.8, 0.6, 0.6, 0.8, 1.0, 0.6, 0.4, 0.25, 0.25, 0.4, 0.6, 0.2, 0.0)
LAYOUT = np.stack([COLUMNS, ROWS], axis=1)
COLORS = [tuple(int(v) for v in np.random.default_rng(k).integers(60, 256, 3)) for k in range(len(LAYOUT))]
SIZE = 96


def write_groups(folder: Path, name: str, count: int, seed: int = 0, most: int = 2) -> None:
    """Write ``folder/NAME.json`` in COCO's format, and ``count`` PNG pictures of up to ``most`` people in ``folder/NAME/``."""
    random = np.random.default_rng(seed)
    images, annotations = [], []
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = Image.new("RGB", (SIZE, SIZE), (20, 20, 20))
        draw = ImageDraw.Draw(picture)
        for column in range(int(random.integers(1, most + 1))):
            left, top = column * 46 + random.integers(4, 10), random.integers(6, 20)
            width, height = random.integers(28, 36), random.integers(50, 66)
            points = np.round(LAYOUT * (width, height) + (left, top))
            for (x, y), color in zip(points, COLORS, strict=True):
                draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=color)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": float(0.53 * width * height),
                    "bbox": [int(left), int(top), int(width), int(height)],
                    "num_keypoints": len(points),
                    "keypoints": np.concatenate([points, np.full((len(points), 1), 2)], axis=1).astype(int).ravel().tolist(),
                }
            )
        picture.save(folder / name / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIZE, "height": SIZE})
    category = {"id": 1, "name": "person", "keypoints": list(LSP.keypoints), "skeleton": []}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / f"{name}.json").write_text(json.dumps(content))


def write_bottom_up_recipe(folder: Path, **changes: Any) -> Path:
    """Write a recipe for data in ``folder``; ``changes`` replace top-level entries."""
    recipe: dict[str, Any] = {
        "task": "bottom_up_pose",
        "model": {"architecture": "higher_hrnet_w18_small_v1", "input_size": [64, 64]},
        "data": {
            "root": str(folder),
            "train": [{"annotations": "train.json", "images": "train"}],
            "val": {"annotations": "val.json", "images": "val"},
            "workers": 0,
        },
        "optimizer": {"lr": 3e-3},
        "schedule": {"kind": "cosine"},
        "epochs": 3,
        "batch_size": 4,
        "accelerator": "cpu",
        "devices": 1,
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path
