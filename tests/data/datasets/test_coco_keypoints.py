from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrnet.data.datasets import load_coco_keypoints
from hrnet.data.datasets.coco_keypoints import clip_box
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import AnnotationError

GOLDEN = Path(__file__).parents[2] / "golden" / "topdown_records.npz"
NAMES = ["head", "left_hand", "right_hand"]


def content(**changes):
    person = {
        "id": 5, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [10, 20, 30, 40], "area": 600.0,
        "keypoints": [15, 25, 2, 20, 30, 1, 0, 0, 0],
    }  # fmt: skip
    whole = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "annotations": [person | changes],
        "categories": [{"id": 1, "name": "robot", "keypoints": NAMES, "skeleton": [[1, 2], [1, 3]]}],
    }
    return copy.deepcopy(whole)


def write(folder: Path, value) -> Path:
    path = folder / "people.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def load(folder: Path, value, **options):
    return load_coco_keypoints(write(folder, value), folder / "images", **options)


def test_golden_records(tmp_path):
    golden = np.load(GOLDEN)
    values = {name: golden[f"td_coco_records/in/{name}"] for name in ("image_ids", "image_wh", "bbox", "area", "keypoints")}
    images = {
        int(i): {"id": int(i), "file_name": f"{i:012d}.jpg", "width": int(w), "height": int(h)}
        for i, (w, h) in zip(values["image_ids"], values["image_wh"], strict=True)
    }
    people = [
        {"id": n, "image_id": int(i), "category_id": 1, "bbox": box.tolist(), "area": float(area), "keypoints": points.tolist()}
        for n, (i, box, area, points) in enumerate(
            zip(values["image_ids"], values["bbox"], values["area"], values["keypoints"], strict=True)
        )
    ]
    category = {"id": 1, "name": "person", "keypoints": list(keypoint_set("coco").keypoints)}
    dataset = load(tmp_path, {"images": list(images.values()), "annotations": people, "categories": [category]})
    assert dataset.keypoint_set.name == "coco"
    assert dataset.format == "coco"
    assert [record.image_id for record in dataset.records] == golden["td_coco_records/out/record_image_ids"].tolist()
    boxes = np.stack([record.box for record in dataset.records])
    centers, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    np.testing.assert_allclose(centers, golden["td_coco_records/out/center"], rtol=1e-6, atol=2e-4)
    aspect = 192 / 256
    width = np.maximum(sizes[:, 0], sizes[:, 1] * aspect)
    scale = np.stack((width, width / aspect), axis=1) / 200 * 1.25
    np.testing.assert_allclose(scale, golden["td_coco_records/out/scale"], rtol=1e-6, atol=1e-5)
    joints = np.stack([record.keypoints for record in dataset.records])
    flags = np.stack([record.visibility for record in dataset.records])
    np.testing.assert_allclose(joints, golden["td_coco_records/out/joints"][:, :, :2], rtol=1e-6, atol=2e-4)
    np.testing.assert_array_equal(np.minimum(flags, 1), golden["td_coco_records/out/joints_vis"][:, :, 0])


def test_one_person(tmp_path):
    dataset = load(tmp_path, content())
    (record,) = dataset.records
    assert dataset.keypoint_set.keypoints == tuple(NAMES)
    assert dataset.keypoint_set.flip_indices == (0, 2, 1)
    assert record.image == tmp_path / "images" / "a.jpg"
    assert (record.image_id, record.annotation_id, record.area) == (1, 5, 600.0)
    assert record.box.tolist() == [10, 20, 39, 59]
    assert record.box.dtype == np.float64
    assert record.visibility.tolist() == [2, 1, 0]
    assert record.visibility.dtype == np.uint8
    assert record.center is None
    assert record.head_size is None


@pytest.mark.parametrize("changes", [{"iscrowd": 1}, {"keypoints": [0] * 9}, {"area": 0}])
def test_dropped_without_a_word(tmp_path, changes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load(tmp_path, content(**changes))) == 0


@pytest.mark.parametrize(
    "box", [[10, 20, 0, 40], [10, 20, -30, 40], [10, 20, 30, -4], [200, 20, 30, 40], [10, -90, 30, 40], [5, 5, 1, 1]]
)
def test_useless_boxes_are_left_out_and_announced(tmp_path, box):
    with pytest.warns(UserWarning, match=r"left out 1 of 1 people.*\[5\]"):
        dataset = load(tmp_path, content(bbox=box))
    assert len(dataset) == 0


def test_area_that_is_not_given_is_a_share_of_the_box(tmp_path):
    value = content()
    del value["annotations"][0]["area"]
    assert load(tmp_path, value).records[0].area == pytest.approx(0.53 * 30 * 40)


@given(
    x=st.floats(-50, 150), y=st.floats(-50, 150), width=st.floats(1, 300), height=st.floats(1, 300),
)  # fmt: skip
def test_clipped_boxes_stay_inside(x, y, width, height):
    x1, y1, x2, y2 = clip_box(np.array([x, y, width, height]), 100, 80)
    assert x1 >= 0
    assert y1 >= 0
    assert x2 <= 99
    assert y2 <= 79
    if x >= 0 and x + width <= 100:
        assert x2 - x1 == pytest.approx(width - 1)


def test_a_given_set_wins_over_the_category(tmp_path):
    value = content(keypoints=[1, 1, 2] * 14)
    value["categories"][0] = {"id": 1, "name": "person"}
    assert load(tmp_path, value, keypoint_set="crowdpose").keypoint_set.name == "crowdpose"
    with pytest.raises(AnnotationError, match=r"no category names its keypoints.*14 keypoints as in: lsp, crowdpose"):
        load(tmp_path, value)
    with pytest.raises(ValueError, match="crowdpose"):
        load(tmp_path, value, keypoint_set="crowdpos")


def test_a_set_in_another_order_is_refused(tmp_path):
    coco = keypoint_set("coco")
    value = content(keypoints=[1, 1, 2] * 17)
    value["categories"][0]["keypoints"] = list(coco.keypoints[::-1])
    with pytest.raises(AnnotationError, match="another order"):
        load(tmp_path, value, keypoint_set="coco")


def test_categories_without_keypoints_are_passed_over(tmp_path):
    value = content()
    value["categories"].append({"id": 2, "name": "chair"})
    value["annotations"].append({"id": 6, "image_id": 1, "category_id": 2, "bbox": [1, 1, 5, 5]})
    assert [record.annotation_id for record in load(tmp_path, value).records] == [5]


def test_categories_with_different_keypoints_are_refused(tmp_path):
    value = content()
    value["categories"].append({"id": 2, "name": "car", "keypoints": ["left_wheel", "right_wheel"]})
    with pytest.raises(AnnotationError, match=r"different keypoints \('robot' \(3\), 'car' \(2\)\)"):
        load(tmp_path, value)


@pytest.mark.parametrize("field", ["id", "image_id", "category_id", "bbox", "keypoints"])
def test_missing_field_of_an_annotation(tmp_path, field):
    value = content()
    del value["annotations"][0][field]
    with pytest.raises(AnnotationError, match=rf"people\.json: annotation (5|number 0 \(from 0\)): field '{field}' is missing"):
        load(tmp_path, value)


@pytest.mark.parametrize("field", ["id", "file_name", "width", "height"])
def test_missing_field_of_an_image(tmp_path, field):
    value = content()
    del value["images"][0][field]
    with pytest.raises(AnnotationError, match=rf"people\.json: image .*: field '{field}' is missing"):
        load(tmp_path, value)


@pytest.mark.parametrize("field", ["images", "annotations", "categories"])
def test_missing_list(tmp_path, field):
    value = content()
    del value[field]
    with pytest.raises(AnnotationError, match=rf"top level: field '{field}' is missing"):
        load(tmp_path, value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": [1, 2, 3]}, "annotation 5: field 'bbox' must be 4 finite numbers.*got 3 values"),
        ({"bbox": [1, 2, 3, float("nan")]}, "annotation 5: field 'bbox' must be 4 finite numbers"),
        ({"bbox": [1, 2, 3, "4x"]}, "annotation 5: field 'bbox' must be 4 finite numbers"),
        ({"bbox": [[1], [2], [3], [4]]}, "annotation 5: field 'bbox' must be 4 finite numbers"),
        ({"bbox": None}, "annotation 5: field 'bbox'"),
        ({"area": "big"}, "annotation 5: field 'area' must be a finite number, got 'big'"),
        ({"area": None}, "annotation 5: field 'area'"),
        ({"image_id": 77}, "annotation 5: field 'image_id' must be the id of an image of the file, got 77"),
        ({"category_id": 9}, "annotation 5: field 'category_id' must be the id of a category"),
        ({"keypoints": [1, 2]}, "annotation 5: field 'keypoints'"),
        (
            {"keypoints": [1, 1, 2] * 17},
            "annotation 5: field 'keypoints' has 51 numbers, that is 17 keypoints.*'robot' has 3.*coco",
        ),
        ({"keypoints": [1, 1, 2, 1, 1, 2, 1, float("inf"), 2]}, "annotation 5: field 'keypoints'"),
        ({"keypoints": [1, 1, 2, 1, 1, 2, 1, 1, 7]}, "annotation 5: field 'keypoints'.*v = 7"),
        ({"keypoints": "none"}, "annotation 5: field 'keypoints'"),
    ],
)
def test_wrong_fields(tmp_path, changes, message):
    with pytest.raises(AnnotationError, match=message):
        load(tmp_path, content(**changes))


@pytest.mark.parametrize("field", ["images", "annotations", "categories"])
def test_ids_used_twice(tmp_path, field):
    value = content()
    value[field].append(copy.deepcopy(value[field][0]))
    with pytest.raises(AnnotationError, match=r"id [15] is used twice"):
        load(tmp_path, value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "not valid JSON at line 1.*cut off"),
        (json.dumps(content())[:150], "not valid JSON"),
        ("[1, 2]", "a COCO file is an object"),
        ('{"images": 3, "annotations": [], "categories": []}', "images must be a list, got 3"),
        ('{"images": [3], "annotations": [], "categories": []}', "image number 0 .* must be an object, got 3"),
        ("[" * 100000, "nested too deeply|not valid JSON"),
    ],
)
def test_broken_files(tmp_path, text, message):
    with pytest.raises(AnnotationError, match=message):
        load(tmp_path, text)


def test_missing_file_folder_and_binary(tmp_path):
    with pytest.raises(AnnotationError, match=r"nothing\.json: there is no such annotation file"):
        load_coco_keypoints(tmp_path / "nothing.json", tmp_path)
    with pytest.raises(AnnotationError, match="got a folder"):
        load_coco_keypoints(tmp_path, tmp_path)
    (tmp_path / "x.json").write_bytes(b"\xff\xd8\xff\xe0\x00")
    with pytest.raises(AnnotationError, match=r"x\.json"):
        load_coco_keypoints(tmp_path / "x.json", tmp_path)
