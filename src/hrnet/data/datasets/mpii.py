"""MPII Human Pose in the JSON layout of the top-down references: a list of people with centre, scale and 16 joints.

Source of the record rules: the MPII part of the top-down reference (Xiao et al. 2018, Sun et al. 2019).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hrnet.data.datasets.annotation_file import Entry, entries, picture_path, read_json, require_size, shortened
from hrnet.data.datasets.coco_keypoints import AREA_OF_BOX, parse_coco_keypoints
from hrnet.data.datasets.matlab_file import read_mat
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

_PIXELS_PER_SCALE = 200.0  # "scale" is the person's height over 200 pixels
_PADDING = 1.25
_SHIFT_PER_SCALE = 15.0  # the annotated centre is moved down so that the feet are less likely to be cut off
_HEAD_FACTOR = 0.6  # head size = 0.6 of the diagonal of the head rectangle


def load_mpii(annotation_file: str | Path, image_folder: str | Path, head_boxes: Any = None) -> PoseDataset:
    """Read MPII annotations: the JSON list (``image``, ``center``, ``scale``, ``joints``, ``joints_vis``) or COCO-style MPII.

    Pixels of the list are 1-based and become 0-based, those of invisible joints included. ``center`` of a record is the
    annotated one moved down by 15 x scale; ``size`` is 200 x scale x 1.25 on both sides, the same square without the 1.25 is
    ``box``. (An annotated centre x of -1 means "no centre": neither shift nor padding.) Annotated joints get visibility 2,
    others 0. The person's place in the list is its annotation id, the picture's name its image id. ``area`` is 0.53 of the box.

    Args:
        annotation_file: the JSON file.
        image_folder: folder of the pictures.
        head_boxes: where head sizes (for PCKh) come from: the path of a ``gt_valid.mat``-like file with ``headboxes_src``
            (2, 2, N), or an (N, 4) array of x1, y1, x2, y2, in the order of the list. Without it, a field ``head_box``
            (x1, y1, x2, y2) of a person is used where there is one. Head size = 0.6 x diagonal.

    Raises:
        AnnotationError: a field is missing or wrong, or there are not as many head boxes as people.
        MissingExtraError: a .mat file was given and SciPy is not installed.
    """
    return parse_mpii(read_json(annotation_file), Path(annotation_file), Path(image_folder), head_boxes=head_boxes)


def parse_mpii(
    content: Any, file: Path, image_folder: Path, keypoints: KeypointSet | str | None = None, head_boxes: Any = None
) -> PoseDataset:
    """As `load_mpii`, with the JSON already read from ``file``, and a keypoint set of another name but 16 joints if wanted."""
    chosen = keypoint_set(keypoints) if isinstance(keypoints, str) else keypoints
    if isinstance(content, dict):
        if head_boxes is not None:
            raise AnnotationError(f"{file}: head boxes go with the MPII list layout; this file is COCO-style")
        named = any(isinstance(entry, dict) and entry.get("keypoints") for entry in content.get("categories") or ())
        return parse_coco_keypoints(content, file, image_folder, chosen or (None if named else keypoint_set("mpii")))
    if not isinstance(content, list):
        raise AnnotationError(f"{file}: MPII annotations are a list of people, got {shortened(content)}")
    chosen = chosen or keypoint_set("mpii")
    people = entries(file, content, "person")
    sizes = None if head_boxes is None else _head_sizes(head_boxes, len(people), file)
    records = [
        _record(entry, index, image_folder, chosen, None if sizes is None else sizes[index])
        for index, entry in enumerate(people)
    ]
    return PoseDataset(file.name, chosen, records, file, "mpii")


def _record(entry: Entry, index: int, folder: Path, chosen: KeypointSet, head_size: float | None) -> PersonRecord:
    joints = entry.require("joints")
    count = len(joints) if isinstance(joints, list) else chosen.num_keypoints
    require_size(entry.file, chosen, count, entry.label)
    points = entry.matrix("joints", count, 2, "x, y of each joint, 1-based")
    flags = entry.array("joints_vis", count, "1 or 0 for each joint")
    center = entry.array("center", 2, "x, y of the person's centre, 1-based")
    scale = entry.number("scale")
    if scale <= 0:
        raise entry.error("scale", "above 0 (person height / 200)", scale)
    padding = 1.0
    if center[0] != -1:
        center = center + np.array([0.0, _SHIFT_PER_SCALE * scale])
        padding = _PADDING
    center = center - 1.0
    side = _PIXELS_PER_SCALE * scale
    if head_size is None and "head_box" in entry.fields:
        head_size = float(head_sizes_of(entry.array("head_box", 4, "x1, y1, x2, y2")[None])[0])
    return PersonRecord(
        image=picture_path(entry, folder, "image"),
        image_id=entry.text("image"),
        annotation_id=index,
        box=np.concatenate((center - side / 2, center + side / 2)),
        keypoints=points - 1.0,
        visibility=np.where(flags > 0, 2, 0).astype(np.uint8),
        center=center,
        size=np.full(2, side * padding),
        area=AREA_OF_BOX * side * side,
        head_size=head_size,
    )


def head_sizes_of(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) head rectangles x1, y1, x2, y2 -> (N,) head sizes in pixels: 0.6 of the diagonal."""
    return _HEAD_FACTOR * np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])


def _head_sizes(source: Any, count: int, file: Path) -> list[float | None]:
    origin = "head boxes"
    if isinstance(source, (str, Path)):
        origin = str(source)
        corners = np.asarray(read_mat(source, "headboxes_src"), np.float64)
        if corners.ndim == 2:
            corners = corners[:, :, None]  # MATLAB drops a last axis of length 1
        if corners.ndim != 3 or corners.shape[:2] != (2, 2):
            raise AnnotationError(f"{origin}: 'headboxes_src' must have shape (2, 2, N), got {corners.shape}")
        boxes = corners.transpose(2, 0, 1).reshape(-1, 4)
    else:
        boxes = np.asarray(source, np.float64)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise AnnotationError(f"{origin} must have shape (N, 4) with x1, y1, x2, y2, got {boxes.shape}")
    if len(boxes) != count:
        raise AnnotationError(f"{origin}: {len(boxes)} head boxes for the {count} people of {file}")
    sizes = head_sizes_of(boxes)
    return [float(size) if np.isfinite(size) and size > 0 else None for size in sizes]
