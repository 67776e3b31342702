"""Leeds Sports Pose (LSP, 2,000 pictures) and its extension (LSPET, 10,000) from their ``joints.mat``; one person per picture.

S. Johnson, M. Everingham, BMVC 2010 and CVPR 2011.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from hrnet.data.datasets.annotation_file import require_size
from hrnet.data.datasets.coco_keypoints import AREA_OF_BOX
from hrnet.data.datasets.matlab_file import read_mat
from hrnet.data.keypoint_sets import keypoint_set as known_set
from hrnet.errors import AnnotationError
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

_JOINTS = 14
_MARGIN = 0.12  # of the extent of the joints, added on each side: joints lie inside the person


def load_lsp(
    joints_mat: str | Path,
    image_folder: str | Path,
    third_row: Literal["occluded", "visible"] | None = None,
    one_based: bool = True,
    keypoint_set: KeypointSet | str | None = None,
) -> PoseDataset:
    """Read the ``joints.mat`` of LSP or LSPET.

    Args:
        joints_mat: file with ``joints`` of shape (3, 14, N) as in LSP, or (14, 3, N) as in LSPET: x, y and a flag.
        image_folder: folder of the pictures ``im0001.jpg`` ... (LSP) or ``im00001.jpg`` ... (LSPET).
        third_row: what a flag of 1 means. The two data sets contradict each other: in LSP it marks an occluded joint (whose
            position was still annotated), in LSPET a visible one (others have no usable position). By default taken from the
            shape, which differs between the two; say it for a file that was rearranged.
        one_based: whether the pixel positions count from 1. Neither data set says it; the files were made in MATLAB, whose
            pixels do, so 1 is subtracted by default. What hangs on it is one pixel.
        keypoint_set: another set of 14 keypoints in the same order, or its name; ``lsp`` by default.

    Returns:
        Records whose box is the extent of the labelled joints plus 12 % on each side, not clipped (pictures are not opened),
        with area = 0.53 x box. Visibility is 2 for visible, 1 for occluded joints of LSP, 0 for joints without a position.
        People without any labelled joint are left out. Image id and annotation id are the number of the picture.

    Raises:
        AnnotationError: the file is broken or of another shape.
        MissingExtraError: SciPy is not installed.
    """
    if third_row not in (None, "occluded", "visible"):
        raise ValueError(f"third_row must be 'occluded', 'visible' or None, got {third_row!r}")
    file, folder = Path(joints_mat), Path(image_folder)
    chosen = _resolve(keypoint_set)
    require_size(file, chosen, _JOINTS, "Leeds Sports Pose")
    joints = np.asarray(read_mat(file, "joints"), np.float64)
    if joints.ndim == 2:
        joints = joints[:, :, None]  # MATLAB drops a last axis of length 1
    if joints.ndim != 3 or joints.shape[:2] not in ((3, _JOINTS), (_JOINTS, 3)):
        raise AnnotationError(f"{file}: 'joints' must have shape (3, 14, N) (LSP) or (14, 3, N) (LSPET), got {joints.shape}")
    is_lsp = joints.shape[:2] == (3, _JOINTS)
    people = joints.transpose(2, 1, 0) if is_lsp else joints.transpose(2, 0, 1)  # (N, 14, 3)
    meaning = third_row or ("occluded" if is_lsp else "visible")
    digits = _digits(folder, len(people))
    records = []
    for number, person in enumerate(people, start=1):
        placed = np.isfinite(person[:, :2]).all(axis=1)
        marked, unmarked = (1, 2) if meaning == "occluded" else (2, 0)
        visibility = np.where(placed, np.where(person[:, 2] > 0, marked, unmarked), 0).astype(np.uint8)
        labelled = visibility > 0
        if not labelled.any():
            continue
        points = np.where(placed[:, None], person[:, :2] - float(one_based), 0.0)
        low, high = points[labelled].min(axis=0), points[labelled].max(axis=0)
        margin = _MARGIN * np.maximum(high - low, 1.0)
        box = np.concatenate((low - margin, high + margin))
        records.append(
            PersonRecord(
                image=folder / f"im{number:0{digits}d}.jpg",
                image_id=number,
                annotation_id=number,
                box=box,
                keypoints=points,
                visibility=visibility,
                area=AREA_OF_BOX * float(np.prod(box[2:] - box[:2])),
            )
        )
    return PoseDataset(file.name, chosen, records, file, "lsp")


def _resolve(chosen: KeypointSet | str | None) -> KeypointSet:
    return chosen if isinstance(chosen, KeypointSet) else known_set(chosen or "lsp")


def _digits(folder: Path, count: int) -> int:
    """Digits of the picture names: what the folder has, or else 4 as in LSP and 5 as in LSPET, by the number of people."""
    for digits in (4, 5):
        if (folder / f"im{1:0{digits}d}.jpg").exists():
            return digits
    return 4 if count <= 2000 else 5
