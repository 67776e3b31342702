from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from training.drawn_classes import CLASSES, write_classes

from hrnet.data.datasets.class_folders import ClassFolders, load_class_folders
from hrnet.data.images import read_image
from hrnet.evaluation.classification import evaluate_classification
from hrnet.structures.classification_result import ClassificationResult


class Striped:
    """Knows stripes, which are equal along rows, and takes everything else for a disc."""

    name = "striped"
    batch_size = 4

    def __init__(self, classes: tuple[str, ...] = CLASSES) -> None:
        self.classes = classes

    def predict_pictures(self, images: Sequence[np.ndarray], /) -> list[ClassificationResult]:
        assert len(images) <= 4
        return [self._result(image) for image in images]

    def _result(self, image: np.ndarray) -> ClassificationResult:
        wanted = "stripes" if (image == image[:, :1]).all() else "disc"
        place = self.classes.index(wanted) if wanted in self.classes else int(wanted == "stripes") * 2
        logits = np.where(np.arange(len(self.classes)) == place, 3.0, 0.0)
        return ClassificationResult(logits, self.classes, image.shape[:2])


@pytest.fixture
def data(tmp_path: Path) -> ClassFolders:
    return load_class_folders(write_classes(tmp_path / "val", 3))


def test_numbers_and_files(data: ClassFolders, tmp_path: Path) -> None:
    done: list[int] = []
    result = evaluate_classification(Striped(), data, progress=done.append)
    assert result.metric.confusion.tolist() == [[3, 0, 0], [3, 0, 0], [0, 0, 3]]
    assert result.metric.top1 == pytest.approx(2 / 3)
    assert sum(done) == 9
    folder = result.save(tmp_path / "out")
    assert {path.name for path in folder.iterdir()} == {
        "metrics.json", "summary.txt", "predictions.csv", "confusion.csv", "confusion.png",
    }  # fmt: skip
    rows = list(csv.DictReader((folder / "predictions.csv").open(newline="")))
    assert rows[3] == {"picture": "square/0.png", "true": "square", "predicted": "disc", "score": "0.909443", "rank": "1"}
    assert (folder / "confusion.csv").read_text().splitlines()[2] == "square,3,0,0"
    assert json.loads((folder / "metrics.json").read_text())["metrics"]["classification"]["top1"] == pytest.approx(2 / 3)
    assert "striped on val" in (folder / "summary.txt").read_text()
    assert read_image(folder / "confusion.png").shape[0] > 150


def test_classes_are_matched_by_name(data: ClassFolders) -> None:
    result = evaluate_classification(Striped(("ring", "stripes", "square", "disc")), data)
    assert result.metric.top1 == pytest.approx(2 / 3)
    assert result.metric.counts.tolist() == [0, 3, 3, 3]
    assert result.notes == ("val has 3 of the model's 4 classes",)


def test_other_names_are_compared_in_order(data: ClassFolders) -> None:
    result = evaluate_classification(Striped(("n01", "n02", "n03")), data)
    assert result.metric.top1 == pytest.approx(2 / 3)
    assert "compared in order: n01/disc" in result.notes[0]


def test_classes_that_the_model_does_not_know(data: ClassFolders) -> None:
    with pytest.raises(ValueError, match="does not know 1 of the 3 classes of val: stripes; did you mean 'stripe'"):
        evaluate_classification(Striped(("disc", "square", "stripe")), data)


def test_broken_pictures_are_left_out_and_told(data: ClassFolders) -> None:
    data.pictures[4].image.write_bytes(b"nothing")
    result = evaluate_classification(Striped(), data)
    assert result.metric.pictures == 8
    assert [name for name, _ in result.unreadable] == ["square/1.png"]
    assert "1 picture left out, which cannot be read" in result.summary()
    for picture in data.pictures:
        picture.image.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no picture of val can be read"):
        evaluate_classification(Striped(), data)
