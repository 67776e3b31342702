from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from training.drawn_classes import draw_class, write_classes

from hrnet.data.class_folder_inspection import inspect_class_folders
from hrnet.errors import AnnotationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "train", 3)


def test_a_sound_set(folder: Path, tmp_path: Path) -> None:
    write_classes(tmp_path / "val", 2, seed=1)
    report = inspect_class_folders(folder, tmp_path / "val")
    assert [tuple(entry) for entry in report.classes] == [("disc", 3, (2,)), ("square", 3, (2,)), ("stripes", 3, (2,))]
    assert report.image_heights["50%"] == 40
    assert (report.pictures, report.imbalance, report.compared_with) == (9, 1.0, ["val"])
    drawn_alike = {pair.first_class for pair in report.similar_pictures}  # stripes lie at the same places
    assert drawn_alike <= {"stripes"}
    assert not report.same_pictures
    assert json.loads(json.dumps(report.to_dict()))["classes"][0] == {"name": "disc", "pictures": 3, "others": [2]}


def test_faults(folder: Path, tmp_path: Path) -> None:
    val = write_classes(tmp_path / "val", 1, seed=1, names=("disc", "square"))
    shutil.copy(folder / "disc" / "1.png", folder / "square" / "copy.png")  # in two classes
    shutil.copy(folder / "disc" / "2.png", folder / "disc" / "copy.png")  # twice in one
    shutil.copy(folder / "square" / "0.png", val / "square" / "leaked.png")  # in both parts
    draw_class("disc", 0).resize((96, 80)).save(val / "disc" / "larger.png")  # nearly the same as one
    (folder / "stripes" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "star").mkdir()
    (val / "ring").mkdir()
    draw_class("disc", 99).save(val / "ring" / "a.png")
    report = inspect_class_folders(folder, [val])
    text = str(report)
    assert {pair[:2] for pair in report.repeated_pictures} == {
        ("disc/1.png", "square/copy.png"),
        ("disc/2.png", "disc/copy.png"),
    }
    assert [tuple(pair)[:2] for pair in report.same_pictures] == [("square/0.png", "square/leaked.png")]
    assert ("disc/0.png", "disc/larger.png") in {pair[:2] for pair in report.similar_pictures}
    assert report.unknown_classes == {"val": ["ring"]}
    for said in (
        "1 class has no picture: star",
        "val has 1 class that train has not: ring",
        "1 picture cannot be read: stripes/broken.jpg (",
        "1 picture is in two classes: disc/1.png = square/copy.png",
        "1 picture is the same as pictures of val: square/0.png = square/leaked.png",
        "val has no picture of 1 class: stripes",
        "1 picture repeats another of the class: disc/2.png = disc/copy.png",
    ):
        assert said in text, said


def test_imbalance_and_single_pictures(folder: Path) -> None:
    for number in range(3, 40):
        draw_class("disc", number).save(folder / "disc" / f"{number}.png")
    for number in (1, 2):
        (folder / "square" / f"{number}.png").unlink()
    report = inspect_class_folders(folder, check_images=False)
    assert report.imbalance == 40
    assert "1 class has a single picture: square" in report.notes
    assert any("commonest class has 40 times the pictures of the rarest; 2 classes" in note for note in report.notes)
    assert "the pictures were not opened" in report.notes
    assert not report.problems


def test_many_classes_are_shortened(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"c{number:02}").mkdir()
        draw_class("disc", number).save(tmp_path / f"c{number:02}" / "a.png")
    text = inspect_class_folders(tmp_path, check_images=False).summary()
    assert "... 20 more" in text
    assert len(text.splitlines()) < 55


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="there is no folder"):
        inspect_class_folders(tmp_path / "nothing")
