"""Tiny data sets, drawn: each keypoint is a dot of its own colour, so that what a sample claims can be seen in its picture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw

KEYPOINTS = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip")
COLORS = ((250, 250, 250), (250, 40, 40), (40, 250, 40), (60, 60, 250), (250, 250, 40))
LAYOUT = np.array([[0.5, 0.15], [0.8, 0.4], [0.2, 0.4], [0.7, 0.85], [0.3, 0.85]])
SIZE = (96, 80)  # width, height
BACKGROUND = (90, 90, 90)


def write_people(folder: Path, name: str, count: int, seed: int = 0, keypoints: tuple[str, ...] = KEYPOINTS) -> None:
    """Write ``folder/NAME.json`` in COCO's format, and ``count`` PNG pictures of one person each in ``folder/NAME/``."""
    random = np.random.default_rng(seed)
    images, annotations = [], []
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        left, top = random.integers(8, 24), random.integers(6, 14)
        width, height = random.integers(44, 60), random.integers(50, 60)
        points = np.round(LAYOUT * (width, height) + (left, top) + random.uniform(-3, 3, LAYOUT.shape))
        picture = Image.new("RGB", SIZE, BACKGROUND)
        draw = ImageDraw.Draw(picture)
        for (x, y), color in zip(points, COLORS, strict=True):
            draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=color)
        picture.save(folder / name / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIZE[0], "height": SIZE[1]})
        labels = np.concatenate([points, np.full((len(points), 1), 2)], axis=1)[: len(keypoints)]
        annotations.append(
            {
                "id": number + 1,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "area": float(width * height),
                "bbox": [int(left), int(top), int(width), int(height)],
                "num_keypoints": len(keypoints),
                "keypoints": labels.astype(int).ravel().tolist(),
            }
        )
    category = {"id": 1, "name": "person", "keypoints": list(keypoints), "skeleton": [[1, 2], [1, 3]]}
    content = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / f"{name}.json").write_text(json.dumps(content))


def write_recipe(folder: Path, **changes: Any) -> Path:
    """Write a recipe for data in ``folder``; ``changes`` replace top-level entries."""
    recipe: dict[str, Any] = {
        "model": {"architecture": "pose_hrnet_w18_small_v1", "codec": {"input_size": [64, 64], "sigma": 1.5}},
        "data": {
            "root": str(folder),
            "train": [{"annotations": "train.json", "images": "train"}],
            "val": {"annotations": "val.json", "images": "val"},
            "workers": 0,
        },
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


def run_environment() -> dict[str, str]:
    """For processes that import this very package."""
    import hrnet

    source = str(Path(hrnet.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}


def start_training(*arguments: str | Path) -> subprocess.Popen[str]:
    """``hrnet train`` in a process of its own, its output in one pipe."""
    command = [sys.executable, "-m", "hrnet", "train", *map(str, arguments)]
    # A shell may have started the tests with interrupts ignored.
    heed = None if sys.platform == "win32" else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command,
        env=run_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        preexec_fn=heed,
    )
