from __future__ import annotations

from pathlib import Path

import pytest
from training.drawn_classes import write_classes

from hrnet.data.datasets.class_folders import load_class_folders
from hrnet.errors import AnnotationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "train", 2)


def test_classes_are_sorted_and_pictures_found_at_any_depth(folder: Path) -> None:
    (folder / "disc" / "more").mkdir()
    (folder / "disc" / "0.png").rename(folder / "disc" / "more" / "A.JPEG")
    (folder / "disc" / "notes.txt").touch()
    (folder / "disc" / ".hidden.png").touch()
    (folder / ".cache").mkdir()
    (folder / "labels.csv").touch()
    found = load_class_folders(folder)
    assert found.classes == ("disc", "square", "stripes")
    assert found.counts.tolist() == [2, 2, 2]
    names = [(picture.image.relative_to(folder).as_posix(), picture.label) for picture in found.pictures]
    assert names[:3] == [("disc/1.png", 0), ("disc/more/A.JPEG", 0), ("square/0.png", 1)]
    assert (found.name, len(found), found.empty_classes) == ("train", 6, [])


def test_labels_follow_the_order_that_is_given(folder: Path) -> None:
    found = load_class_folders(folder, ("stripes", "star", "square", "disc"))
    assert found.counts.tolist() == [2, 0, 2, 2]
    assert found.empty_classes == ["star"]
    assert found.pictures[0].image.parent.name == "stripes"


def test_empty_folders_are_classes(folder: Path) -> None:
    (folder / "star").mkdir()
    assert load_class_folders(folder).empty_classes == ["star"]


def test_classes_that_were_not_expected(folder: Path) -> None:
    with pytest.raises(AnnotationError, match="a class that is not among the 3 expected: stripes; did you mean 'stripe'"):
        load_class_folders(folder, ("disc", "square", "stripe"))
    with pytest.raises(AnnotationError, match="2 classes that are not among the 1 expected: square, stripes"):
        load_class_folders(folder, ("disc",))


def test_lists(folder: Path, tmp_path: Path) -> None:
    listing = tmp_path / "val.txt"
    listing.write_text("# path and class\ndisc/0.png 0\n\nsquare/1.png\tsquare\nwith space/a b.png 2\n")
    found = load_class_folders(folder, ("disc", "square", "stripes"), listing)
    assert [(picture.image.relative_to(folder).as_posix(), picture.label) for picture in found.pictures] == [
        ("disc/0.png", 0),
        ("square/1.png", 1),
        ("with space/a b.png", 2),
    ]
    listing.write_text("disc/0.png round\nsquare/1.png angular\n")
    assert load_class_folders(folder, listing=listing).classes == ("angular", "round")


@pytest.mark.parametrize(
    ("text", "classes", "said"),
    [
        ("a.png 0\n", None, "numbers its classes: say their names"),
        ("a.png 3\n", ("a", "b"), "line 1: no class '3' among the 2"),
        ("a.png disk\n", ("disc", "square"), "did you mean 'disc'"),
        ("a.png\n", ("a", "b"), "line 1: expected a path and a class, got 'a.png'"),
        ("# nothing\n", ("a", "b"), "names no picture"),
    ],
)
def test_broken_lists(folder: Path, text: str, classes: tuple[str, ...] | None, said: str) -> None:
    (folder / "list.txt").write_text(text)
    with pytest.raises(AnnotationError, match=said):
        load_class_folders(folder, classes, folder / "list.txt")


def test_a_list_that_is_not_there(folder: Path) -> None:
    with pytest.raises(AnnotationError, match=r"nowhere\.txt cannot be read"):
        load_class_folders(folder, None, folder / "nowhere.txt")


def test_wrong_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"there is no folder .*nowhere"):
        load_class_folders(tmp_path / "nowhere")
    with pytest.raises(AnnotationError, match=r"holds splits, not classes: give .*train"):
        load_class_folders(tmp_path)
    with pytest.raises(AnnotationError, match=r"has no folders.*2 pictures lie in it directly"):
        load_class_folders(folder / "disc")
    (tmp_path / "bare" / "a").mkdir(parents=True)
    with pytest.raises(AnnotationError, match=r"folders of classes .*\(a\) hold no pictures"):
        load_class_folders(tmp_path / "bare")
    with pytest.raises(AnnotationError, match="named twice: disc"):
        load_class_folders(folder, ("disc", "disc", "square", "stripes"))
