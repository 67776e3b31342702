from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hrnet.data.datasets.coco_instances import load_coco_instances
from hrnet.data.instance_scenes import AnnotatedInstances
from hrnet.errors import AnnotationError
from hrnet.structures.run_lengths import compress_runs, decode_mask, encode_mask

pytest.importorskip("faster_coco_eval")

SIZE: tuple[int, int] = (30, 40)


def square(left: int, top: int, side: int) -> list[list[int]]:
    return [[left, top, left + side, top, left + side, top + side, left, top + side]]


def mask(left: int, top: int, side: int) -> np.ndarray:
    found = np.zeros(SIZE, np.bool_)
    found[top : top + side, left : left + side] = True
    return found


def write(folder: Path, **changes: Any) -> Path:
    """Two pictures: a person with a smaller dog on top, a crowd of people, and one with a cat as run lengths."""
    crowd = {"size": list(SIZE), "counts": encode_mask(mask(0, 20, 10)).tolist()}
    cat = {"size": list(SIZE), "counts": compress_runs(encode_mask(mask(3, 4, 5)))}
    rows = [
        (7, 1, square(10, 5, 20), 0),
        (7, 18, square(15, 8, 6), 0),
        (7, 1, crowd, 1),
        (8, 17, cat, 0),
        (8, 17, [], 0),
    ]
    annotations = [
        {"id": number, "image_id": image, "category_id": kind, "segmentation": shape, "iscrowd": many, "bbox": [1, 1, 2, 2]}
        for number, (image, kind, shape, many) in enumerate(rows)
    ]
    content = {
        "images": [{"id": k, "file_name": f"{k}.png", "height": SIZE[0], "width": SIZE[1]} for k in (7, 8, 9)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}, {"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
        **changes,
    }
    for number in (7, 8, 9):
        Image.new("RGB", (SIZE[1], SIZE[0]), (number, 0, 0)).save(folder / f"{number}.png")
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


def test_all_classes(tmp_path: Path) -> None:
    found = load_coco_instances(write(tmp_path), tmp_path)
    assert found.class_set.classes == ("person", "cat", "dog")
    assert found.category_ids == (1, 17, 18)
    assert (len(found), found.instances, found.without_mask) == (2, 3, 1)
    source = AnnotatedInstances(found.pictures)
    scene = source.scene(0, 0)
    assert scene.image[0, 0, 0] == 7
    assert scene.class_ids.tolist() == [0, 2]
    expected = np.where(mask(0, 20, 10), -1, 0)
    expected[mask(10, 5, 20)], expected[mask(15, 8, 6)] = 1, 2
    assert np.array_equal(scene.labels, expected)
    truth = source.truth(0)
    assert (truth.class_ids.tolist(), truth.crowd.tolist()) == ([0, 2, 0], [False, False, True])
    assert np.array_equal(decode_mask(truth.runs[0], SIZE), mask(10, 5, 20))  # also where the dog is
    assert np.array_equal(decode_mask(source.truth(1).runs[0], SIZE), mask(3, 4, 5))


def test_one_class(tmp_path: Path) -> None:
    found = load_coco_instances(write(tmp_path), tmp_path, classes=["person"])
    assert [(picture.image_id, len(picture.regions), len(picture.crowds)) for picture in found.pictures] == [(7, 1, 1)]
    whole = load_coco_instances(write(tmp_path), tmp_path, classes=["person"], empty_pictures=True)
    assert [len(picture.regions) for picture in whole.pictures] == [1, 0, 0]
    assert len(AnnotatedInstances(whole.pictures).scene(0, 2)) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": []}, "annotation 0: field 'image_id' must be the id of a picture"),
        ({"annotations": []}, "no picture with a mask of person"),
        ({"categories": [{"id": 1, "name": "person"}]}, "'category_id' must be one of"),
        ({"annotations": [{"id": 5, "image_id": 7, "category_id": 1, "segmentation": 3}]}, "annotation 5.*'segmentation'"),
    ],
)
def test_broken_files(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=said):
        load_coco_instances(write(tmp_path, **change), tmp_path)


def test_other_errors(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(ValueError, match="no category 'persn'; did you mean 'person'"):
        load_coco_instances(path, tmp_path, classes=["persn"])
    found = load_coco_instances(path, tmp_path)
    Image.new("RGB", (5, 5)).save(tmp_path / "7.png")
    with pytest.raises(AnnotationError, match="its annotations say"):
        AnnotatedInstances(found.pictures).scene(0, 0)
    path.write_text(json.dumps({"images": [], "annotations": []}))
    with pytest.raises(AnnotationError, match="'categories' is missing"):
        load_coco_instances(path, tmp_path)
