from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from hrnet.data.datasets import load_pose_dataset
from hrnet.data.images import read_image, write_image
from hrnet.data.inspection import draw_sheet, find_image_folder, inspect_pose_dataset
from hrnet.data.picture_check import examine_pictures, find_duplicates
from hrnet.errors import AnnotationError, ImageError

HEIGHT, WIDTH = 60, 80


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def make(folder, split="train", seeds=range(4), changes=None, names=("head", "left_hand", "right_hand")):
    """A small data set: annotations/person_keypoints_SPLIT.json and images/SPLIT/; returns the annotation file."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / "images" / split).mkdir(parents=True)
    images, people = [], []
    for number, seed in enumerate(seeds, start=1):
        write_image(folder / "images" / split / f"{number}.png", picture(seed))
        images.append({"id": number, "file_name": f"{number}.png", "width": WIDTH, "height": HEIGHT})
        person = {
            "id": number,
            "image_id": number,
            "category_id": 1,
            "bbox": [10, 10, 40, 40],
            "keypoints": [20, 20, 2, 30, 30, 1, 0, 0, 0],
        }
        people.append(person | (changes or {}).get(number, {}))
    value = {"images": images, "annotations": people, "categories": [{"id": 1, "name": "robot", "keypoints": list(names)}]}
    path = folder / "annotations" / f"person_keypoints_{split}.json"
    path.write_text(json.dumps(value))
    return path


def test_counts(tmp_path):
    report = inspect_pose_dataset(make(tmp_path), tmp_path / "images" / "train")
    assert (report.people, report.pictures, report.keypoint_set, report.format) == (4, 4, "robot", "coco")
    assert [tuple(joint) for joint in report.keypoints] == [("head", 4, 4), ("left_hand", 4, 0), ("right_hand", 0, 0)]
    assert report.flip_pairs == [("left_hand", "right_hand")]
    assert report.skeleton == []
    assert not report.has_sigmas
    assert report.image_heights["50%"] == HEIGHT
    assert report.image_widths["100%"] == WIDTH
    assert report.problems == ["1 keypoints are never labelled: right_hand"]
    assert not (report.degenerate_boxes)
    assert not (report.boxes_outside)
    assert not (report.boxes_sticking_out)
    assert not (report.keypoints_outside)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["keypoints"][0] == {"name": "head", "labelled": 4, "visible": 4}
    assert plain["problems"] == report.problems
    text = str(report)
    assert "4 in 4 pictures" in text
    assert "right_hand" in text
    assert "PROBLEM" in text


def test_boxes_and_keypoints_outside(tmp_path):
    changes = {
        1: {"bbox": [-5, 10, 40, 40]},
        2: {"bbox": [10, 10, 0, 40]},
        3: {"keypoints": [20, 20, 2, -9, 30, 1, 99, 30, 2]},
        4: {"bbox": [70, 10, 40, 40], "keypoints": [79.4, 20, 2, 0, 0, 0, 0, 0, 0]},
    }
    report = inspect_pose_dataset(make(tmp_path, changes=changes), tmp_path / "images" / "train")
    assert report.people == 3
    assert report.boxes_sticking_out == 2
    assert report.keypoints_outside == 2
    assert report.people_with_keypoints_outside == 1
    assert any("left out 1 of 4 people" in problem for problem in report.problems)


def test_faulty_pictures(tmp_path):
    path = make(tmp_path, seeds=range(6))
    folder = tmp_path / "images" / "train"
    (folder / "1.png").unlink()
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:500])
    (folder / "3.png").write_bytes(b"")
    write_image(folder / "4.png", picture(3).transpose(1, 0, 2))
    shutil.copy(folder / "5.png", folder / "6.png")
    report = inspect_pose_dataset(path, folder)
    assert report.missing_pictures == [str(folder / "1.png")]
    assert [name for name, _ in report.unreadable_pictures] == [str(folder / "2.png"), str(folder / "3.png")]
    assert report.wrong_sizes == [(str(folder / "4.png"), "80 x 60 in the file, 60 x 80 in truth")]
    assert report.repeated_pictures == [(str(folder / "5.png"), str(folder / "6.png"))]
    assert len(report.problems) == 4


def test_duplicates_across_splits(tmp_path):
    train = make(tmp_path, "train", range(8))
    val = make(tmp_path, "val", range(100, 104))
    folder = tmp_path / "images"
    assert not inspect_pose_dataset(train, against=val).same_pictures
    shutil.copy(folder / "train" / "3.png", folder / "val" / "1.png")
    small = cv2.resize(picture(5), (56, 42), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(folder / "val" / "2.png", "JPEG", quality=60)
    for against in (val, [val], (val, folder / "val"), [(str(val), None)]):
        report = inspect_pose_dataset(train, against=against)
        assert report.same_pictures == [(str(folder / "train" / "3.png"), str(folder / "val" / "1.png"))]
        assert report.similar_pictures == [(str(folder / "train" / "6.png"), str(folder / "val" / "2.png"))]
        assert report.compared_with == [val.name]
    assert sum(val.name in problem for problem in report.problems) == 2


def test_pictures_of_one_colour_are_not_alike(tmp_path):
    for number, value in enumerate((0, 128, 255)):
        write_image(tmp_path / f"{number}.png", np.full((20, 20, 3), value, np.uint8))
    facts = examine_pictures([tmp_path / f"{number}.png" for number in range(3)])
    assert find_duplicates(facts[:2], facts[1:]) == ([(tmp_path / "1.png", tmp_path / "1.png")], [])


def test_annotations_only(tmp_path):
    path = make(tmp_path)
    shutil.rmtree(tmp_path / "images")
    report = inspect_pose_dataset(path, tmp_path / "images", check_images=False)
    assert report.people == 4
    assert not report.checked_images
    assert "the pictures were not opened" in report.notes


def test_image_folder_is_found_or_asked_for(tmp_path):
    train, val = make(tmp_path, "train"), make(tmp_path, "val")
    assert find_image_folder(train) == tmp_path / "images" / "train"
    assert find_image_folder(val) == tmp_path / "images" / "val"
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(AnnotationError, match=r"1\.png.*give their folder"):
        inspect_pose_dataset(train)


def test_sheet(tmp_path):
    path = make(tmp_path, seeds=range(5), changes={2: {"bbox": [-10, -10, 30, 30]}})
    (tmp_path / "images" / "train" / "1.png").unlink()
    dataset = load_pose_dataset(path, tmp_path / "images" / "train")
    sheet = draw_sheet(dataset, count=3, columns=2, cell=(64, 64))
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    assert sheet.shape[0] > 128
    assert sheet.std() > 10
    inspect_pose_dataset(path, tmp_path / "images" / "train", sheet=tmp_path / "sheet.png")
    assert read_image(tmp_path / "sheet.png").shape[2] == 3
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(ImageError, match="no such file"):
        draw_sheet(dataset)


def test_progress_counts_up(tmp_path):
    seen = []
    inspect_pose_dataset(make(tmp_path), tmp_path / "images" / "train", progress=lambda done, all: seen.append((done, all)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
