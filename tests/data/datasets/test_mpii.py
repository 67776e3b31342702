from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from hrnet.data.datasets import load_mpii
from hrnet.errors import AnnotationError

GOLDEN = Path(__file__).parents[2] / "golden" / "topdown_records.npz"


def person(**changes):
    joints = [[float(10 + k), float(20 + 2 * k)] for k in range(16)]
    return {"image": "a.jpg", "center": [50.0, 60.0], "scale": 0.5, "joints": joints, "joints_vis": [1] * 16} | changes


def load(folder: Path, value, **options):
    path = folder / "train.json"
    path.write_text(json.dumps(value))
    return load_mpii(path, folder, **options)


def test_golden_records(tmp_path):
    golden = np.load(GOLDEN)
    fields = ("center", "scale", "joints", "joints_vis")
    rows = zip(*(golden[f"td_mpii_records/in/{name}"].tolist() for name in fields), strict=True)
    people = [{"image": "a.jpg"} | dict(zip(fields, row, strict=True)) for row in rows]
    dataset = load(tmp_path, people)
    assert dataset.keypoint_set.name == "mpii"
    assert dataset.format == "mpii"
    for index, record in enumerate(dataset.records):
        assert record.center is not None
        assert record.size is not None
        np.testing.assert_allclose(record.center, golden["td_mpii_records/out/center"][index], rtol=1e-7, atol=1e-4)
        np.testing.assert_allclose(record.size / 200, golden["td_mpii_records/out/scale"][index], rtol=1e-7, atol=1e-4)
        np.testing.assert_allclose(record.keypoints, golden["td_mpii_records/out/joints"][index, :, :2], rtol=1e-7, atol=1e-4)
        np.testing.assert_array_equal(record.visibility > 0, golden["td_mpii_records/out/joints_vis"][index, :, 0] > 0)
        np.testing.assert_allclose((record.box[:2] + record.box[2:]) / 2, record.center)
        np.testing.assert_allclose((record.box[2:] - record.box[:2]) * 1.25, record.size)
        assert (record.annotation_id, record.image_id, record.head_size) == (index, "a.jpg", None)


def test_no_centre_means_no_shift_and_no_padding(tmp_path):
    (record,) = load(tmp_path, [person(center=[-1, -1])]).records
    assert record.center is not None
    assert record.center.tolist() == [-2, -2]
    assert record.size is not None
    assert record.size.tolist() == [100, 100]


def test_head_sizes(tmp_path):
    people = [person(), person(head_box=[0, 0, 30, 40])]
    assert [record.head_size for record in load(tmp_path, people).records] == [None, pytest.approx(30)]
    given = load(tmp_path, people, head_boxes=[[0, 0, 3, 4], [0, 0, 0, 0]])
    assert [record.head_size for record in given.records] == [pytest.approx(3), pytest.approx(30)]
    with pytest.raises(AnnotationError, match="1 head boxes for the 2 people"):
        load(tmp_path, people, head_boxes=[[0, 0, 3, 4]])
    with pytest.raises(AnnotationError, match="shape"):
        load(tmp_path, people, head_boxes=[1, 2])


def test_head_sizes_from_a_matlab_file(tmp_path):
    corners = np.array([[[0, 0], [3, 4]], [[10, 10], [16, 18]]], float).transpose(1, 2, 0)  # (2, 2, N)
    savemat(tmp_path / "gt.mat", {"headboxes_src": corners})
    dataset = load(tmp_path, [person(), person()], head_boxes=tmp_path / "gt.mat")
    assert [record.head_size for record in dataset.records] == [pytest.approx(3), pytest.approx(6)]
    savemat(tmp_path / "other.mat", {"something": corners})
    with pytest.raises(AnnotationError, match="'headboxes_src', the file has: something"):
        load(tmp_path, [person()], head_boxes=tmp_path / "other.mat")
    (tmp_path / "broken.mat").write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 40)
    with pytest.raises(AnnotationError, match=r"broken\.mat"):
        load(tmp_path, [person()], head_boxes=tmp_path / "broken.mat")
    with pytest.raises(AnnotationError, match="no such"):
        load(tmp_path, [person()], head_boxes=tmp_path / "absent.mat")


def test_coco_style(tmp_path):
    value = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "keypoints": [9, 9, 2] * 16}],
        "categories": [{"id": 1, "name": "person"}],
    }
    dataset = load(tmp_path, value)
    assert dataset.keypoint_set.name == "mpii"
    assert dataset.format == "coco"
    assert len(dataset) == 1


@pytest.mark.parametrize("field", ["image", "center", "scale", "joints", "joints_vis"])
def test_missing_field(tmp_path, field):
    broken = person()
    del broken[field]
    with pytest.raises(AnnotationError, match=rf"train\.json: person number 1 \(from 0\): field '{field}' is missing"):
        load(tmp_path, [person(), broken])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": [[1, 2]] * 14}, "14 keypoints, but the keypoint set 'mpii' has 16"),
        ({"joints": [[1, 2, 3]] * 16}, "field 'joints' must be 16 x 2 finite numbers.*shape"),
        ({"joints": [[1, float("nan")]] * 16}, "field 'joints'"),
        ({"joints_vis": [1] * 15}, "field 'joints_vis' must be 16.*got 15 values"),
        ({"center": 3}, "field 'center'"),
        ({"scale": 0}, "field 'scale' must be above 0"),
        ({"scale": None}, "field 'scale' must be a finite number"),
        ({"image": ""}, "field 'image' must be a non-empty string"),
    ],
)
def test_wrong_fields(tmp_path, changes, message):
    with pytest.raises(AnnotationError, match=message):
        load(tmp_path, [person(**changes)])
