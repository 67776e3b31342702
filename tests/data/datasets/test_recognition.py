from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.io import savemat

from hrnet.data.datasets import load_pose_dataset
from hrnet.errors import AnnotationError

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
    "annotations": [{"id": 5, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "keypoints": [9, 9, 2] * 2}],
    "categories": [{"id": 1, "name": "stick", "keypoints": ["left_end", "right_end"]}],
}
MPII = [{"image": "a.jpg", "center": [5, 6], "scale": 0.5, "joints": [[1, 2]] * 16, "joints_vis": [1] * 16}]


def load(folder, value, **options):
    path = folder / "file.json"
    path.write_text(json.dumps(value))
    return load_pose_dataset(path, folder, **options)


def test_formats_are_recognised_by_content(tmp_path):
    assert load(tmp_path, COCO).format == "coco"
    assert load(tmp_path, MPII).format == "mpii"
    assert load(tmp_path, MPII, head_boxes=[[0, 0, 3, 4]]).records[0].head_size == pytest.approx(3)
    assert load(tmp_path, COCO, format="coco").format == "coco"


def test_matlab_files(tmp_path):
    savemat(tmp_path / "joints.mat", {"joints": np.ones((3, 14, 2))})
    assert load_pose_dataset(tmp_path / "joints.mat", tmp_path).format == "lsp"
    for name, message in (
        ("RELEASE", "MPII's own MATLAB release"),
        ("headboxes_src", "as head boxes"),
        ("x", "the file has: x"),
    ):
        savemat(tmp_path / "other.mat", {name: 1})
        with pytest.raises(AnnotationError, match=message):
            load_pose_dataset(tmp_path / "other.mat", tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5, "category_id": 1}], "COCO results"),
        ([{"a": 1}], "the fields a"),
        ([], "an empty list"),
        ([1, 2], "no annotation file"),
        (3, "no annotation file"),
        ({"images": []}, "'annotations' is missing"),
        ({"hello": 1}, "none of COCO's fields"),
        (COCO | {"annotations": [{"id": 1, "bbox": [1, 2, 3, 4]}], "categories": [{"id": 1}]}, "without keypoints"),
    ],
)
def test_what_it_is_not(tmp_path, value, message):
    with pytest.raises(AnnotationError, match=message):
        load(tmp_path, value)


def test_unknown_format_and_misplaced_head_boxes(tmp_path):
    with pytest.raises(ValueError, match=r"'coc'.*'coco'"):
        load(tmp_path, COCO, format="coc")
    with pytest.raises(AnnotationError, match="MPII annotations only"):
        load(tmp_path, COCO, head_boxes=[])
