"""Mosaics as files: pictures and one COCO keypoint file, to evaluate on or to train other tools with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.atomic_files import write_atomically
from hrnet.data.datasets.coco_keypoints import AREA_OF_BOX
from hrnet.data.images import write_image
from hrnet.data.scenes import SceneSource
from hrnet.geometry import box_xyxy_to_xywh
from hrnet.structures import KeypointSet


def write_scenes(scenes: SceneSource, keypoint_set: KeypointSet, folder: str | Path, name: str, quality: int = 90) -> Path:
    """Write the scenes of epoch 0 as ``FOLDER/NAME/00001.jpg`` ... and ``FOLDER/NAME.json``, and return the latter's path.

    What is not counted in training becomes a crowd region, which evaluation ignores. Areas are 0.53 of the boxes.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder = Path(folder)
    (folder / name).mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(len(scenes)):
        scene = scenes.scene(0, number)
        height, width = scene.image.shape[:2]
        identity = number + 1
        file_name = f"{identity:05d}.jpg"
        write_image(folder / name / file_name, scene.image, quality=quality)
        images.append({"id": identity, "file_name": file_name, "width": width, "height": height})
        for points, flags, box in zip(scene.keypoints, scene.visibility, scene.boxes, strict=True):
            triples = np.concatenate([np.where(flags[:, None] > 0, points, 0.0), flags[:, None]], axis=1)
            placed = box_xyxy_to_xywh(box)
            annotations.append(
                _annotation(len(annotations) + 1, identity, placed, triples, float(AREA_OF_BOX * placed[2] * placed[3]))
            )
        if not scene.counted.all():
            ignored = ~scene.counted
            rows, columns = np.flatnonzero(ignored.any(axis=1)), np.flatnonzero(ignored.any(axis=0))
            placed = np.array([columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1], np.float64)
            crowd = _annotation(
                len(annotations) + 1, identity, placed, np.zeros((keypoint_set.num_keypoints, 3)), float(ignored.sum())
            )
            annotations.append({**crowd, "iscrowd": 1, "segmentation": run_lengths(ignored)})
    category = {
        "id": 1,
        "name": "person",
        "keypoints": list(keypoint_set.keypoints),
        "skeleton": [[first + 1, second + 1] for first, second in keypoint_set.skeleton],
    }
    content = {"images": images, "annotations": annotations, "categories": [category]}
    path = folder / f"{name}.json"
    write_atomically(path, json.dumps(content))
    return path


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """COCO's uncompressed run lengths of a mask (H, W): column by column, a run of pixels outside first."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0] if flat.size and flat[0] else [], [0], changes, [flat.size]])
    return {"size": list(mask.shape), "counts": np.diff(starts).astype(int).tolist()}


def _annotation(
    identity: int, image_id: int, box: NDArray[np.float64], triples: NDArray[np.float64], area: float
) -> dict[str, Any]:
    return {
        "id": identity,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": box.round(2).tolist(),
        "area": round(area, 2),
        "num_keypoints": int((triples[:, 2] > 0).sum()),
        "keypoints": [round(value, 2) if n % 3 < 2 else int(value) for n, value in enumerate(triples.ravel().tolist())],
    }
