"""Evaluation of segmentation on little pictures, and the files a run writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hrnet.data.datasets.segmentation import SegmentationDataset, load_segmentation_dataset
from hrnet.data.images import read_image, write_image
from hrnet.errors import AnnotationError
from hrnet.evaluation.segmentation import evaluate_segmentation
from hrnet.inference.segmentation import SegmentationPredictor
from hrnet.structures.class_set import ClassSet
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest

COLORS = ClassSet("colors", ("dark", "red", "green", "blue"))
PAINT = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


class ColorReader(nn.Module):
    """Tells red, green and blue squares of 4 pixels apart."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.avg_pool2d(x, 4)
        return 9 * torch.cat([torch.full_like(pooled[:, :1], 0.5), pooled], dim=1)


def predictor(names: ClassSet = COLORS) -> SegmentationPredictor:
    card = SegmentationCard("seg_hrnet_w4", names, test=SegmentationTest("own"), mean=(0, 0, 0), std=(1, 1, 1))
    return SegmentationPredictor(ColorReader(), card, batch_size=2, name="reader")


@pytest.fixture
def dataset(tmp_path: Path) -> SegmentationDataset:
    """Three pictures of large squares; the labels of the last are wrong in a quarter, and partly ignored."""
    random = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for number in range(3):
        coarse = random.integers(0, 3, (2, 2)).astype(np.uint8)  # no blue
        label = coarse.repeat(32, axis=0).repeat(32, axis=1)
        write_image(tmp_path / "images" / f"{number}.png", PAINT[label])
        if number == 2:
            label[:32, :32] = (coarse[0, 0] + 1) % 3
            label[32:, 32:] = 255
        cv2.imwrite(str(tmp_path / "labels" / f"{number}.png"), label)
    return load_segmentation_dataset(tmp_path / "images", tmp_path / "labels", class_set=COLORS)


def test_numbers(dataset: SegmentationDataset, tmp_path: Path) -> None:
    done: list[int] = []
    found = evaluate_segmentation(predictor(), dataset, boundary=True, progress=done.append)
    assert done == [2, 1]
    scores = found.scores
    assert scores.confusion.sum() == 3 * 64 * 64 - 32 * 32
    # Borders between squares may be off by a pixel or two; the wrong quarter is 1024 pixels.
    wrong = scores.confusion.sum() - np.trace(scores.confusion)
    assert 1024 - 200 <= wrong <= 1024 + 700
    assert not scores.present[3]
    assert scores.miou == pytest.approx(0.75 * scores.miou_present)
    assert [picture.picture[-5:] for picture in found.pictures] == ["0.png", "1.png", "2.png"]
    assert found.pictures[2].pixel_accuracy < 0.7 < 0.9 < found.pictures[0].pixel_accuracy
    assert found.boundary is not None
    text = found.summary()
    assert text.startswith("reader on ")
    assert "published convention" in text

    folder = found.save(tmp_path / "report")
    saved = json.loads((folder / "metrics.json").read_text())
    assert saved["metrics"]["segmentation"]["mIoU"] == pytest.approx(scores.miou)
    assert saved["metrics"]["segmentation"]["absent_classes"] == ["blue"]
    assert "boundary_F" in saved["metrics"]["boundary"]
    rows = list(csv.reader((folder / "confusion.csv").open()))
    assert rows[0][1:] == list(COLORS.classes)
    assert [[int(value) for value in row[1:]] for row in rows[1:]] == scores.confusion.tolist()
    worst = next(csv.DictReader((folder / "pictures.csv").open()))
    assert worst["picture"].endswith("2.png")
    assert (folder / "summary.txt").read_text() == text + "\n"


def test_perfect_labels_of_the_predictor_itself(dataset: SegmentationDataset) -> None:
    results = predictor().predict_pictures([read_image(pair.image) for pair in dataset.pairs])
    for result, pair in zip(results, dataset.pairs, strict=True):
        result.save(pair.label, kind="labels")
    found = evaluate_segmentation(predictor(), dataset, batch_size=1)
    assert found.scores.miou_present == found.scores.pixel_accuracy == 1
    assert found.boundary is None


def test_classes_that_differ(dataset: SegmentationDataset) -> None:
    other = ClassSet("other", ("black", "red", "green", "azure"))
    found = evaluate_segmentation(predictor(other), dataset)
    assert found.notes == (
        "2 classes of the model are named otherwise in the data set, and were compared in order: black/dark, azure/blue",
    )
    with pytest.raises(ValueError, match=r"model gives 2 classes \(two\) and the data set has 4 \(colors\)"):
        evaluate_segmentation(predictor(ClassSet("two", ("a", "b"))), dataset)


def test_a_label_of_another_size(dataset: SegmentationDataset) -> None:
    cv2.imwrite(str(dataset.pairs[1].label), np.zeros((64, 63), np.uint8))
    with pytest.raises(AnnotationError, match=r"1\.png: the label map has \(height, width\) \(64, 63\)"):
        evaluate_segmentation(predictor(), dataset)
