"""Tiny data sets of faces in every format: landmarks of a drawn face, and pictures in which they can be seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 64, 56


def landmarks(count: int, seed: int = 0) -> np.ndarray:
    """(count, 2) 0-based positions inside a picture, with halves, so that a pixel's difference shows."""
    return np.random.default_rng(seed).integers(24, 90, (count, 2)) / 2.0


def draw_face(path: Path, points: np.ndarray) -> None:
    """A grey picture with a white dot on each landmark."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90))
    draw = ImageDraw.Draw(picture)
    for x, y in points:
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=(250, 250, 250))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def write_pts(path: Path, points: np.ndarray) -> None:
    """As 300W: the positions count from 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{x + 1:.3f} {y + 1:.3f}" for x, y in points]
    path.write_text("\n".join(["version: 1", f"n_points: {len(points)}", "{", *lines, "}", ""]))


def write_csv(path: Path, names: list[str], faces: list[np.ndarray], scale: float = 0.2) -> None:
    header = ["image_name", "scale", "center_w", "center_h"]
    header += [f"original_{k}_{axis}" for k in range(len(faces[0])) for axis in "xy"]
    rows = [
        [name, str(scale), "30", "28", *(f"{value:g}" for value in points.ravel())]
        for name, points in zip(names, faces, strict=True)
    ]
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")


def write_wflw(path: Path, names: list[str], faces: list[np.ndarray], attributes: list[list[int]]) -> None:
    lines = [
        " ".join([*(f"{value:g}" for value in points.ravel()), "10", "12", "50", "48", *map(str, flags), name])
        for name, points, flags in zip(names, faces, attributes, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")


def write_lapa(path: Path, points: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([str(len(points)), *(f"{x:g} {y:g}" for x, y in points)]) + "\n")


def write_coco(path: Path, names: list[str], faces: list[np.ndarray], keypoints: list[str] | None = None) -> None:
    images = [{"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT} for n, name in enumerate(names)]
    annotations = [
        {
            "id": n,
            "image_id": n,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [12, 12, 36, 34],
            "area": 1224,
            "num_keypoints": len(points),
            "keypoints": np.concatenate([points, np.full((len(points), 1), 2)], axis=1).ravel().tolist(),
        }
        for n, points in enumerate(faces)
    ]
    category = {"id": 1, "name": "face", "keypoints": keypoints or [], "skeleton": []}
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [category]}))
