"""Finding the pairs of segmentation data sets, in the ways data sets name their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data.drawn_streets import CLASSES, street, write_streets
from PIL import Image

from hrnet.data.class_sets import class_set
from hrnet.data.datasets.segmentation import load_segmentation_dataset
from hrnet.errors import AnnotationError


def put(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def test_folders(tmp_path: Path) -> None:
    write_streets(tmp_path, "train", 3)
    found = load_segmentation_dataset(tmp_path / "images", tmp_path / "labels")
    assert [pair.image.relative_to(tmp_path).as_posix() for pair in found.pairs] == [
        f"images/train/00{n}.png" for n in range(3)
    ]
    assert found.class_set.classes == CLASSES
    assert (found.label(1) == street(1)[1]).all()
    named = load_segmentation_dataset(tmp_path / "images", tmp_path / "labels", names=["train/002", "train/000.png"])
    assert [pair.label.name for pair in named.pairs] == ["002.png", "000.png"]
    assert load_segmentation_dataset(tmp_path / "images", tmp_path / "labels", class_set="voc").class_set == class_set("voc")


def test_cityscapes(tmp_path: Path) -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    ids = np.array([[7, 26, 0], [33, 24, 3]], np.uint8).repeat(2, 0).repeat(2, 1)
    put(tmp_path / "leftImg8bit/train/bonn/bonn_0_1_leftImg8bit.png", picture)
    put(tmp_path / "gtFine/train/bonn/bonn_0_1_gtFine_labelIds.png", ids)
    put(tmp_path / "gtFine/train/bonn/bonn_0_1_gtFine_instanceIds.png", ids)
    put(tmp_path / "gtFine/train/bonn/bonn_0_1_gtFine_color.png", picture)
    put(tmp_path / "gtFine/train/bonn/bonn_0_1_gtFine_labelTrainIds.png", np.minimum(ids, 18))
    folders = tmp_path / "leftImg8bit/train", tmp_path / "gtFine/train"
    found = load_segmentation_dataset(*folders, "cityscapes")
    assert len(found) == 1
    assert found.label(0)[::2, ::2].tolist() == [[0, 13, 255], [18, 11, 255]]
    direct = load_segmentation_dataset(*folders, "cityscapes_train_ids")
    assert direct.label(0)[::2, ::2].tolist() == [[7, 18, 0], [18, 18, 3]]


def test_listed_formats(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / f"JPEGImages/{name}.jpg", np.zeros((4, 4, 3), np.uint8))
    put(tmp_path / "SegmentationClass/b.png", np.full((4, 4), 20, np.uint8))
    (tmp_path / "val.txt").write_text("b\n")
    folders = tmp_path / "JPEGImages", tmp_path / "SegmentationClass"
    found = load_segmentation_dataset(*folders, "voc", names=tmp_path / "val.txt")
    assert [pair.image.name for pair in found.pairs] == ["b.jpg"]
    with pytest.raises(AnnotationError, match=r"2 pictures .* have no label map .*a.jpg; give the list"):
        load_segmentation_dataset(*folders, "voc")
    with pytest.raises(AnnotationError, match="1 names of the list are not there, such as 'x'"):
        load_segmentation_dataset(*folders, "voc", names=["b", "x"])
    with pytest.raises(AnnotationError, match="have no label map"):
        load_segmentation_dataset(*folders, "voc", names=["a", "b"])
    with pytest.raises(AnnotationError, match="cannot be read"):
        load_segmentation_dataset(*folders, "voc", names=tmp_path / "no.txt")


def test_camvid_in_colors(tmp_path: Path) -> None:
    camvid = class_set("camvid")
    put(tmp_path / "i/0001.png", np.zeros((1, 11, 3), np.uint8))
    put(tmp_path / "l/0001_L.png", np.array([camvid.colors], np.uint8))
    found = load_segmentation_dataset(tmp_path / "i", tmp_path / "l", "camvid", encoding="colors")
    assert found.label(0).tolist() == [list(range(11))]


def test_what_is_refused(tmp_path: Path) -> None:
    write_streets(tmp_path, "train", 3)
    images, labels = tmp_path / "images/train", tmp_path / "labels/train"
    with pytest.raises(ValueError, match="did you mean 'cityscapes'"):
        load_segmentation_dataset(images, labels, "citiscapes")
    with pytest.raises(ValueError, match="did you mean"):
        load_segmentation_dataset(images, labels, class_set="camvit")
    with pytest.raises(AnnotationError, match=r"no such folder \(expected: leftImg8bit"):
        load_segmentation_dataset(tmp_path / "nowhere", labels, "cityscapes")
    (labels / "001.png").unlink()
    with pytest.raises(AnnotationError, match=r"1 pictures in .* have no label map"):
        load_segmentation_dataset(images, labels)
    (images / "001.png").unlink()
    (images / "000.png").unlink()
    with pytest.raises(AnnotationError, match=r"1 label maps in .* have no picture"):
        load_segmentation_dataset(images, labels)
    loose = load_segmentation_dataset(images, labels, allow_unpaired=True)
    assert (len(loose), len(loose.without_picture)) == (1, 1)
    put(images / "002.jpg", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(AnnotationError, match="have the same name"):
        load_segmentation_dataset(images, labels)
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="name the classes"):
        load_segmentation_dataset(images, labels)
    with pytest.raises(AnnotationError, match="no picture has a label map"):
        load_segmentation_dataset(tmp_path / "empty", tmp_path / "empty", class_set="voc")
