"""Pose data sets: one parser per annotation format, and `load_pose_dataset`, which finds out the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrnet.data.datasets.annotation_file import read_json, shortened
from hrnet.data.datasets.coco_keypoints import load_coco_keypoints, parse_coco_keypoints
from hrnet.data.datasets.lsp import load_lsp
from hrnet.data.datasets.matlab_file import mat_names
from hrnet.data.datasets.mpii import load_mpii, parse_mpii
from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures import KeypointSet, PoseDataset

__all__ = ["load_coco_keypoints", "load_lsp", "load_mpii", "load_pose_dataset"]

_FORMATS = ("auto", "coco", "mpii", "lsp")


def load_pose_dataset(
    annotations: str | Path,
    images: str | Path,
    format: str = "auto",
    keypoint_set: KeypointSet | str | None = None,
    head_boxes: Any = None,
) -> PoseDataset:
    """Read a pose data set of any format the toolkit knows.

    Args:
        annotations: a COCO keypoint JSON, MPII's JSON list, or the ``joints.mat`` of LSP / LSPET.
        images: folder of the pictures.
        format: ``"coco"``, ``"mpii"``, ``"lsp"``, or ``"auto"`` to go by the content of the file.
        keypoint_set: set or name, where the file does not say it.
        head_boxes: head rectangles of an MPII list, see `load_mpii`.

    Raises:
        ValueError: there is no such format or keypoint set.
        AnnotationError: the file is broken, or it is not one of these formats; the message says what it looks like.
    """
    if format not in _FORMATS:
        raise ValueError(f"no data set format is called {format!r}; {nearest_name(format, _FORMATS)}")
    file, folder = Path(annotations), Path(images)
    if format == "lsp" or (format == "auto" and _is_matlab(file)):
        if format == "auto" and "joints" not in (names := mat_names(file)):
            raise AnnotationError(f"{file}: {_about_mat(names)}")
        if head_boxes is not None:
            raise AnnotationError(f"{file}: head boxes go with MPII annotations only")
        return load_lsp(file, folder, keypoint_set=keypoint_set)
    content = read_json(file)
    found = format if format != "auto" else _recognise(content, file)
    if found == "mpii":
        return parse_mpii(content, file, folder, keypoint_set, head_boxes)
    if head_boxes is not None:
        raise AnnotationError(f"{file}: head boxes go with MPII annotations only")
    return parse_coco_keypoints(content, file, folder, keypoint_set)


def _is_matlab(file: Path) -> bool:
    if file.suffix.lower() == ".mat":
        return True
    try:
        with file.open("rb") as stream:
            return stream.read(6) == b"MATLAB"
    except OSError:
        return False  # reading it as JSON gives the message


def _about_mat(names: list[str]) -> str:
    there = ", ".join(names) or "nothing"
    if "RELEASE" in names:
        return "this is MPII's own MATLAB release; use the JSON list made from it (image, center, scale, joints, joints_vis)"
    if "headboxes_src" in names:
        return "these are MPII's evaluation data; give the JSON list as annotations and this file as head boxes"
    return f"expected LSP's variable 'joints', the file has: {there}"


def _recognise(content: Any, file: Path) -> str:
    """``"coco"`` or ``"mpii"``; raises AnnotationError saying what the file looks like otherwise."""
    known = "known formats: COCO keypoint JSON, MPII JSON list, LSP joints.mat"
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(first, dict):
        if {"joints", "center", "scale"} & set(first):
            return "mpii"
        if "score" in first and ("bbox" in first or "keypoints" in first):
            raise AnnotationError(f"{file}: these are COCO results (detections), not annotations; {known}")
        fields = ", ".join(sorted(first)[:12])
        raise AnnotationError(f"{file}: a list of objects with the fields {fields}, which is no format known here; {known}")
    if isinstance(content, list) and not content:
        raise AnnotationError(f"{file}: an empty list; {known}")
    if isinstance(content, dict) and "annotations" in content:
        posed = any(_has(entry, "keypoints") for field in ("annotations", "categories") for entry in content.get(field) or ())
        if "images" in content and content["annotations"] and not posed:
            raise AnnotationError(
                f"{file}: a COCO file without keypoints (instances or detection); use the data set's file of person keypoints"
            )
        return "coco"
    if isinstance(content, dict):
        missing = "its field 'annotations' is missing" if "images" in content else "it has none of COCO's fields"
        raise AnnotationError(f"{file}: an object with the fields {shortened(sorted(content)[:12])}: {missing}; {known}")
    raise AnnotationError(f"{file}: {shortened(content)} is no annotation file; {known}")


def _has(entry: Any, field: str) -> bool:
    return isinstance(entry, dict) and field in entry
