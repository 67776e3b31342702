"""Inspection of segmentation data sets: what is counted, and each fault it is there to find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data.drawn_streets import street, write_streets
from numpy.typing import NDArray
from PIL import Image

from hrnet.data.class_frequency import count_classes, frequency_of_counts
from hrnet.data.datasets.segmentation import SegmentationDataset, load_segmentation_dataset
from hrnet.data.images import read_image
from hrnet.data.segmentation_inspection import inspect_segmentation_dataset, quick_problems
from hrnet.errors import AnnotationError


def load(folder: Path, name: str = "train", **options: object) -> SegmentationDataset:
    return load_segmentation_dataset(folder / "images" / name, folder / "labels" / name, **options)  # pyright: ignore[reportArgumentType]


def relabel(folder: Path, change: Callable[[NDArray[np.uint8]], NDArray], numbers: range) -> None:
    for number in numbers:
        file = folder / f"labels/train/{number:03}.png"
        Image.fromarray(change(np.asarray(Image.open(file)))).save(file)


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    write_streets(tmp_path, "train", 6)
    return tmp_path


def test_counts(streets: Path) -> None:
    write_streets(streets, "val", 3, seed=1)
    report = inspect_segmentation_dataset(load(streets), load(streets, "val"), sheet=streets / "sheet.png")
    labels = np.stack([street(number)[1] for number in range(6)])
    assert [one.pixels for one in report.classes] == [(labels == index).sum() for index in range(3)]
    assert [one.pictures for one in report.classes] == [6, 6, 6]
    assert (report.ignored_pixels, report.total_pixels) == (6 * 2 * 64, labels.size)
    assert report.image_sizes == {"64 x 48": 6}
    assert report.problems == []
    assert "no picture is also in labels/val" in report.summary()
    assert json.loads(json.dumps(report.to_dict()))["classes"][2]["name"] == "car"
    assert read_image(streets / "sheet.png").shape[1] > 600


def test_median_frequency() -> None:
    frequency = frequency_of_counts([np.array([60, 40, 0, 0]), np.array([90, 0, 10, 0])], ignored=5)
    assert frequency.pictures.tolist() == [2, 1, 1, 0]
    # 150 of 200, 40 of 100, 10 of 100; the median is 0.4
    assert frequency.median_frequency_weights() == pytest.approx((0.4 / 0.75, 1, 4, 1))
    assert frequency.total == 205


def test_weights_are_those_of_a_count(streets: Path) -> None:
    counted = count_classes(load(streets))
    report = inspect_segmentation_dataset(load(streets), check_images=False)
    assert [one.suggested_weight for one in report.classes] == list(counted.median_frequency_weights())
    assert report.image_sizes == {"64 x 48": 6}
    assert "the pictures were not opened" in report.notes
    relabel(streets, lambda label: label * 0 + 7, range(1))
    with pytest.raises(AnnotationError, match="got 7"):
        count_classes(load(streets))


def test_faults_of_files(streets: Path) -> None:
    Image.fromarray(np.zeros((48, 60), np.uint8)).save(streets / "labels/train/000.png")
    (streets / "labels/train/001.png").write_bytes(b"broken")
    (streets / "images/train/002.png").write_bytes(b"broken")
    relabel(streets, lambda label: label * 0 + 255, range(3, 4))
    relabel(streets, lambda label: np.where(label == 2, 9, label), range(4, 5))
    Image.fromarray(street(0)[0]).save(streets / "images/train/lone.png")
    Image.fromarray(street(0)[1]).save(streets / "labels/train/only.png")
    report = inspect_segmentation_dataset(load(streets, allow_unpaired=True))
    said = "\n".join(report.problems)
    for part in (
        "1 pictures have no label map", "1 label maps have no picture", "1 pictures cannot be read",
        "1 label maps cannot be read",
        "1 label maps have another size than their picture", "1 label maps have values that mean nothing",
        "1 label maps have no labelled pixel", "60 x 48, its picture 000.png is 64 x 48", "got 9 (",
    ):  # fmt: skip
        assert part in said, part
    assert report.label_traps == []  # faults of single files are no faults of all


def test_labels_counted_from_one(streets: Path) -> None:
    relabel(streets, lambda label: np.where(label == 255, 255, label + 1).astype(np.uint8), range(6))
    for problems in (inspect_segmentation_dataset(load(streets)).problems, quick_problems(load(streets))):
        assert any("the values run from 1 to 3, classes are counted from 0" in problem for problem in problems)


def test_masks_of_0_and_255(streets: Path) -> None:
    relabel(streets, lambda label: np.where(label == 2, 255, 0).astype(np.uint8), range(6))
    assert any("a mask has to be stored as 0 and 1" in problem for problem in quick_problems(load(streets)))
    relabel(streets, lambda label: label * 0, range(6))
    assert any("all pixels of all label maps have the value 0" in problem for problem in quick_problems(load(streets)))


def test_quick_look(streets: Path) -> None:
    assert quick_problems(load(streets)) == []
    relabel(streets, lambda label: label[:40], range(5, 6))
    assert len(quick_problems(load(streets))) == 1
    assert "64 x 40, its picture 005.png is 64 x 48" in quick_problems(load(streets))[0]
    assert quick_problems(load(streets), maps=1) == []
    (streets / "labels/train/000.png").write_bytes(b"broken")
    assert "not a readable label file" in quick_problems(load(streets), maps=1)[0]


def test_missing_classes_and_duplicates(streets: Path) -> None:
    write_streets(streets, "val", 2)  # the same pictures
    (streets / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    report = inspect_segmentation_dataset(load(streets), load(streets, "val"))
    assert len(report.same_pictures) == 2
    said = "\n".join(report.problems)
    assert "1 of 4 classes are never labelled: tree" in said
    assert "2 pictures are the same as pictures of labels/val" in said
