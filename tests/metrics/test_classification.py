from __future__ import annotations

import json

import numpy as np
import pytest
from golden.cases import assert_close, cases_of

from hrnet.metrics.classification import ClassificationMetric, ranks_of
from hrnet.metrics.confusion_picture import draw_confusion_matrix

case = cases_of("classification")


def measured(logits: np.ndarray, labels: np.ndarray, classes=None):
    metric = ClassificationMetric(classes or [f"c{number}" for number in range(logits.shape[1])])
    half = len(labels) // 2
    metric.update(logits[:half], labels[:half])
    metric.update(logits[half:], labels[half:])
    return metric.compute()


def test_golden_accuracy() -> None:
    recorded = case("cls_topk_accuracy")
    result = measured(recorded.inputs["logits"], recorded.inputs["target"])
    assert_close(recorded, "top1", 100 * result.top1)
    assert_close(recorded, "top5", 100 * result.top5)
    assert_close(recorded, "cross_entropy", result.cross_entropy)
    assert result.pictures == 64


def test_by_hand() -> None:
    # true 0: taken for 0, 0, 1; true 1: taken for 1; true 2: never; 3 occurs nowhere
    predicted, labels = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    logits = np.eye(4)[predicted] * 5
    result = measured(logits, labels, ["a", "b", "c", "d"])
    assert result.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert result.top1 == 0.75
    assert result.recall[:2].tolist() == [2 / 3, 1]
    assert result.precision[:2].tolist() == [1, 0.5]
    assert result.f1[:2] == pytest.approx([0.8, 2 / 3])
    assert np.isnan(result.recall[2])
    assert np.isnan(result.f1[3])
    assert result.mean_recall == pytest.approx(5 / 6)
    assert result.confusions() == [("a", "b", 1)]
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["per_class"]["c"] == {"pictures": 0, "precision": None, "recall": None, "f1": None}
    assert plain["confusions"] == [{"true": "a", "predicted": "b", "pictures": 1}]
    text = result.summary()
    assert "top-1 75.00 %, mean recall 83.33 %" in text
    assert "top-5" not in text  # of four classes it says nothing
    assert "a taken for b: 1" in text


def test_equal_logits_do_not_count_as_hits() -> None:
    logits, labels = np.zeros((6, 6)), np.arange(6)
    assert ranks_of(logits, labels).tolist() == [0, 1, 2, 3, 4, 5]
    assert measured(logits, labels).top1 == pytest.approx(1 / 6)


def test_huge_logits_stay_finite() -> None:
    result = measured(np.array([[1e4, -1e4], [0.0, 1e4]]), np.array([0, 0]))
    assert result.cross_entropy == pytest.approx(5000)


def test_nothing() -> None:
    result = ClassificationMetric(["a", "b"]).compute()
    assert np.isnan(result.top1)
    assert np.isnan(result.mean_recall)
    assert result.to_dict()["top1"] is None
    assert "0 pictures" in result.summary()


def test_many_classes_are_shortened_to_the_worst() -> None:
    draws = np.random.default_rng(0)
    labels = np.repeat(np.arange(100), 3)
    logits = draws.normal(size=(300, 100)) + 4 * np.eye(100)[labels]
    logits[labels == 42] = 0
    text = measured(logits, labels, ["crane"] * 2 + [f"c{k}" for k in range(2, 100)]).summary()
    assert "the 40 classes of the lowest F1, of 100" in text
    assert "c42" in text
    assert len(text.splitlines()) < 65


def test_names_that_classes_share_are_told_apart() -> None:
    result = measured(np.eye(2), np.arange(2), ["crane", "crane"])
    assert list(result.to_dict()["per_class"]) == ["crane [0]", "crane [1]"]


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        (np.zeros((2, 4)), np.zeros(2, int), r"logits \(N, 3\) and labels \(N,\), got \(2, 4\)"),
        (np.zeros((2, 3)), np.zeros(1, int), r"got \(2, 3\) and \(1,\)"),
        (np.zeros((2, 3)), np.array([0, 3]), r"0\.\.2, got int64 from 0 to 3"),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), "whole numbers"),
        (np.full((2, 3), np.nan), np.zeros(2, int), r"NaN for pictures \[0, 1\]"),
    ],
)
def test_wrong_inputs(logits: np.ndarray, labels: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClassificationMetric(["a", "b", "c"]).update(logits, labels)


@pytest.mark.parametrize("count", [1, 3, 40, 400, 1500])
def test_pictures_of_confusion_stay_of_a_size_to_look_at(count: int) -> None:
    confusion = np.diag(np.full(count, 9))
    confusion[0, -1] += 1
    picture = draw_confusion_matrix(confusion, [f"class näme {number}" for number in range(count)], "a model")
    assert picture.dtype == np.uint8
    assert 100 < min(picture.shape[:2]) <= max(picture.shape[:2]) < 1900


def test_mistakes_and_hits_have_their_own_colours() -> None:
    confusion = np.array([[8, 2], [0, 10]])
    picture = draw_confusion_matrix(confusion, ["a", "b"]).astype(int)
    side = 2 * 64
    grid = picture[-side - 12 :][:side]
    reddish, bluish = (grid[..., 0] - grid[..., 2] > 60), (grid[..., 2] - grid[..., 0] > 60)
    assert 1000 < reddish.sum() < 64 * 64
    assert 4000 < bluish.sum() < 2 * 64 * 64


def test_a_matrix_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 3\) and 2"):
        draw_confusion_matrix(np.zeros((3, 3)), ["a", "b"])
