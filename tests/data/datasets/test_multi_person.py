"""Pose data sets picture by picture: COCO with crowds and people without keypoints, CrowdPose, other formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hrnet.data.datasets.crowdpose import crowding, load_crowdpose
from hrnet.data.datasets.multi_person import load_multi_person
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.data.region_masks import covered
from hrnet.errors import AnnotationError

NAMES = ["head", "left_hand", "right_hand"]


def person(identity: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": identity, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [10, 20, 30, 40], "area": 600.0,
        "keypoints": [15, 25, 2, 20, 30, 1, 0, 0, 0], **changes,
    }  # fmt: skip


def write(folder: Path, *people: dict[str, Any], names: list[str] = NAMES, pictures: int = 3, **image: Any) -> Path:
    images = [{"id": n + 1, "file_name": f"{n}.jpg", "width": 100, "height": 80, **image} for n in range(pictures)]
    categories = [{"id": 1, "name": "robot", "keypoints": names}, {"id": 2, "name": "tree"}]
    path = folder / "people.json"
    path.write_text(json.dumps({"images": images, "annotations": list(people), "categories": categories}))
    return path


NOBODY = [0] * 9


def test_people_by_picture(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        person(1),
        person(2, image_id=3),
        person(3, bbox=[-5, 30, 40, 20]),
        person(4, iscrowd=1, keypoints=NOBODY, bbox=[50, 0, 20, 10]),
        person(5, keypoints=NOBODY, bbox=[80, 60, 10, 10]),
        person(6, category_id=2, keypoints=NOBODY, bbox=[0, 0, 90, 70]),
    )
    found = load_multi_person(file, tmp_path)
    assert [picture.image_id for picture in found.pictures] == [1, 3]
    first = found.pictures[0]
    assert len(first) == 2
    assert first.image == tmp_path / "0.jpg"
    assert first.image_size == (80, 100)
    assert first.boxes.tolist() == [[10, 20, 40, 60], [-5, 30, 35, 50]]
    assert first.visibility.tolist() == [[2, 1, 0]] * 2
    assert first.crowd_index is None
    mask = covered(first.ignored, (80, 100))
    assert mask[0:10, 50:70].all()
    assert mask[60:70, 80:90].all()
    assert mask.sum() == 300  # and not the tree
    assert not found.pictures[1].ignored
    everything = load_multi_person(file, tmp_path, without_people=True)
    assert [len(picture) for picture in everything.pictures] == [2, 0, 1]
    assert everything.pictures[1].keypoints.shape == (0, 3, 2)


@pytest.mark.parametrize(("ignored", "count"), [(("crowd",), 1), (("unlabelled",), 2), ((), 0), (("crowd", "unlabelled"), 3)])
def test_what_is_ignored(ignored: Any, count: int, tmp_path: Path) -> None:
    people = [person(4, iscrowd=1), person(5, keypoints=NOBODY), person(6, bbox=[10, 20, 0, 40])]  # the last box is empty
    file = write(tmp_path, person(1), *people)
    with pytest.warns(UserWarning, match="left out 1 of 4 people"):
        found = load_multi_person(file, tmp_path, ignored=ignored)
    assert len(found.pictures[0].ignored) == count
    assert len(found.pictures[0]) == 1


def test_segmentation_goes_before_the_box(tmp_path: Path) -> None:
    pytest.importorskip("faster_coco_eval")
    crowd = {"size": [80, 100], "counts": [0, 40, 7960]}
    file = write(
        tmp_path,
        person(1),
        person(2, iscrowd=1, segmentation=crowd),
        person(3, keypoints=NOBODY, segmentation=[[50, 50, 60, 50, 60, 60, 50, 60]]),
    )
    mask = covered(load_multi_person(file, tmp_path).pictures[0].ignored, (80, 100))
    assert mask[:40, 0].all()
    assert mask[50:60, 50:60].all()
    assert mask.sum() == 140


def test_crowds_alone(tmp_path: Path) -> None:
    file = write(tmp_path, person(1, iscrowd=1, keypoints=NOBODY))
    with pytest.raises(AnnotationError, match="no picture with a labelled person"):
        load_multi_person(file, tmp_path)
    found = load_multi_person(file, tmp_path, without_people=True)
    assert [len(picture) for picture in found.pictures] == [0, 0, 0]
    assert covered(found.pictures[0].ignored, (80, 100)).sum() == 30 * 40


def test_annotations_without_keypoints(tmp_path: Path) -> None:
    bare = person(1)
    del bare["keypoints"]
    with pytest.raises(AnnotationError, match="annotation 1: field 'keypoints' is missing"):
        load_multi_person(write(tmp_path, bare), tmp_path)
    with pytest.raises(AnnotationError, match="names its keypoints"):
        load_multi_person(write(tmp_path, person(1), names=[]), tmp_path)  # K = 0


def test_flags_without_positions_are_nobody(tmp_path: Path) -> None:
    """Coordinates without flags: the parser keeps such records, but there is nothing to learn from them."""
    file = write(tmp_path, person(1), person(2, keypoints=[5, 5, 0, 0, 0, 0, 0, 0, 0]))
    picture = load_multi_person(file, tmp_path).pictures[0]
    assert len(picture) == 1
    assert len(picture.ignored) == 1


def test_broken_segmentation_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, person(1), person(2, iscrowd=1, segmentation=[["x"] * 6]))
    with pytest.raises(AnnotationError, match="annotation 2: field 'segmentation'"):
        load_multi_person(file, tmp_path)


def test_unknown_choices(tmp_path: Path) -> None:
    file = write(tmp_path, person(1))
    with pytest.raises(ValueError, match="'trees'"):
        load_multi_person(file, tmp_path, ignored=["trees"])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="no data set format"):
        load_multi_person(file, tmp_path, format="kitti")


def test_other_formats(tmp_path: Path) -> None:
    """MPII's list: people of one picture are put together; nothing says what to ignore."""
    joints = [[20.0 + k, 30.0] for k in range(16)]
    entry = {"image": "a.jpg", "center": [50, 50], "scale": 0.5, "joints": joints, "joints_vis": [1] * 16}
    file = tmp_path / "mpii.json"
    file.write_text(json.dumps([entry, {**entry, "image": "b.jpg"}, entry]))
    found = load_multi_person(file, tmp_path)
    assert (found.format, [len(picture) for picture in found.pictures]) == ("mpii", [2, 1])
    assert found.pictures[0].image_size is None
    assert not found.pictures[0].ignored


def crowdpose(folder: Path, **image: Any) -> Path:
    names = list(keypoint_set("crowdpose").keypoints)
    people = [
        person(1, keypoints=[5, 5, 2] * 14),
        person(2, keypoints=[0] * 42, bbox=[0, 0, 9, 9]),
        person(3, keypoints=[5, 5, 1] * 14, image_id=2),
    ]
    return write(folder, *people, names=names, **image)


def test_crowdpose(tmp_path: Path) -> None:
    found = load_crowdpose(crowdpose(tmp_path, crowdIndex=0.33), tmp_path)
    assert found.keypoint_set == keypoint_set("crowdpose")
    assert [(len(picture), picture.crowd_index) for picture in found.pictures] == [(1, 0.33)] * 2
    assert not found.pictures[0].ignored
    assert [crowding(index) for index in (0, 0.19, 0.2, 0.79, 0.8, 1)] == ["easy"] * 2 + ["medium"] * 2 + ["hard"] * 2


def test_crowdpose_needs_its_index(tmp_path: Path) -> None:
    for image in ({}, {"crowdIndex": 2}):
        with pytest.raises(AnnotationError, match="image 1: field 'crowdIndex' must be"):
            load_crowdpose(crowdpose(tmp_path, **image), tmp_path)
    with pytest.raises(AnnotationError, match="crowdIndex"):
        load_crowdpose(crowdpose(tmp_path, crowdIndex="much"), tmp_path)
    with pytest.raises(AnnotationError, match="has 14"):
        load_crowdpose(write(tmp_path, person(1), crowdIndex=0.5), tmp_path)


def test_arrays_have_their_types(tmp_path: Path) -> None:
    picture = load_multi_person(write(tmp_path, person(1)), tmp_path, without_people=True).pictures[2]
    assert (picture.keypoints.dtype, picture.visibility.dtype, picture.boxes.shape) == (np.float64, np.uint8, (0, 4))
