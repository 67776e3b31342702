"""Class sets: the known ones, those read from files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrnet.data.class_sets import class_set, class_sets_of_size, list_class_sets, published_class_weights, read_class_file
from hrnet.errors import AnnotationError
from hrnet.structures.class_set import ClassSet

SIZES = {"ade20k": 150, "camvid": 11, "cityscapes": 19, "cocostuff": 171, "lip": 20, "pascal_context59": 59}
SIZES |= {"pascal_context60": 60, "voc": 21}


def test_known_sets() -> None:
    assert {name: class_set(name).num_classes for name in list_class_sets()} == SIZES
    assert class_set("Pascal-Context59").classes == class_set("pascal_context60").classes[1:]
    assert class_sets_of_size(19) == ["cityscapes"]
    with pytest.raises(ValueError, match="did you mean 'cityscapes'"):
        class_set("cityscape")


def test_mirror_pairs_and_weights() -> None:
    lip = class_set("lip")
    assert lip.flip_indices[14:] == (15, 14, 17, 16, 19, 18)
    assert lip.flip_indices[:14] == tuple(range(14))
    assert len(published_class_weights("cityscapes") or ()) == 19
    assert published_class_weights("ade20k") is None
    with pytest.raises(ValueError, match="did you mean 'hat'"):
        lip.index("hatt")


def write(folder: Path, text: str, name: str = "classes.txt") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_files(tmp_path: Path) -> None:
    known = class_set("camvid")
    rows = [
        f"{i} {name} {' '.join(map(str, color))}"
        for i, (name, color) in enumerate(zip(known.classes, known.colors or (), strict=True))
    ]
    read = read_class_file(write(tmp_path, "\n".join(["# names", *rows, "255 void 0 0 0"])), "camvid")
    assert read == known
    plain = read_class_file(write(tmp_path, "a tree\nroad\n\n"))
    assert (plain.name, plain.classes, plain.colors, plain.ignore_label) == (tmp_path.name, ("a tree", "road"), None, 255)
    assert read_class_file(write(tmp_path, "0 a\n1 b\n2 c", "kinds.txt")).name == "kinds"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("0 a\n2 b\n3 c", "without gaps"),
        ("1 a\n2 b", "without gaps"),
        ("0 a\n1 a", "'a' twice"),
        ("0 a 1 2 300", "0..255"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AnnotationError, match=said):
        read_class_file(write(tmp_path, text))
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_class_file(tmp_path / "nothing.txt")


def test_sets_contradict_themselves() -> None:
    for wrong, said in [
        ({"classes": ()}, "no classes"),
        ({"classes": ("a", "a")}, "twice"),
        ({"colors": ((0, 0, 0),)}, "2 entries"),
        ({"colors": ((0, 0, 0), (0, 0, 256))}, "0..255"),
        ({"flip_pairs": ((0, 2),)}, "flip_pairs"),
        ({"flip_pairs": ((0, 1), (1, 0))}, "flip_pairs"),
        ({"ignore_label": 1}, "is a class"),
    ]:
        with pytest.raises(ValueError, match=said):
            ClassSet(**{"name": "x", "classes": ("a", "b"), **wrong})
