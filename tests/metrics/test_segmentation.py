"""Confusion matrices and their numbers: against the record, by hand, and for what is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden.cases import assert_close, cases_of

from hrnet.metrics.segmentation import SegmentationMetric, confusion_matrix, scores_of_confusion
from hrnet.structures.class_set import ClassSet

case = cases_of("segmentation_training")


def classes(count: int, ignore: int = 255) -> ClassSet:
    return ClassSet("some", tuple(f"class{index}" for index in range(count)), ignore_label=ignore)


@pytest.mark.parametrize(("name", "count"), [("seg_metrics_19classes", 19), ("seg_metrics_5classes", 5)])
def test_numbers_are_as_recorded(name: str, count: int) -> None:
    recorded = case(name)
    metric = SegmentationMetric(classes(count, recorded.inputs["ignore"]))
    for label, scores in zip(recorded.inputs["label"], recorded.inputs["score_float16"], strict=True):
        metric.update(scores.argmax(0), label)
    found = metric.compute()
    assert_close(recorded, "confusion", found.confusion)
    assert_close(recorded, "iou", found.iou)
    assert_close(recorded, "miou", found.miou)
    assert_close(recorded, "pixel_acc", found.pixel_accuracy)
    assert_close(recorded, "mean_acc", found.mean_accuracy)
    assert found.pictures == 2


def test_bytes_are_counted_like_other_numbers() -> None:
    draws = np.random.default_rng(0)
    label = draws.integers(0, 7, (40, 50), np.uint8)
    label[draws.random(label.shape) < 0.2] = 255
    found = draws.integers(0, 7, (40, 50), np.uint8)
    counted = confusion_matrix(found, label, classes(7))
    assert (counted == confusion_matrix(found.astype(int), label.astype(int), classes(7))).all()
    assert counted[2, 3] == ((label == 2) & (found == 3)).sum()
    assert counted.sum() == (label != 255).sum()


def test_absent_classes() -> None:
    found = scores_of_confusion(np.array([[8, 2, 0], [0, 10, 0], [0, 0, 0]]), ("a", "b", "c"), 1)
    assert found.iou == pytest.approx([0.8, 10 / 12, 0])
    assert found.miou == pytest.approx((0.8 + 10 / 12) / 3)
    assert found.miou_present == pytest.approx((0.8 + 10 / 12) / 2)
    assert (found.mean_accuracy, found.mean_accuracy_present) == pytest.approx((0.6, 0.9))
    assert "1 absent from the labels counted as 0" in found.summary()
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["IoU"] == {"a": 0.8, "b": pytest.approx(10 / 12), "c": None}
    assert plain["absent_classes"] == ["c"]
    nothing = scores_of_confusion(np.zeros((2, 2), int), ("a", "b"))
    assert json.loads(json.dumps(nothing.to_dict()))["mIoU_present"] is None


def test_merging() -> None:
    one, two, both = (SegmentationMetric(classes(2)) for _ in range(3))
    label, found = np.array([[0, 1, 255]]), np.array([[0, 0, 1]])
    for metric in (one, two, both, both):
        metric.update(found, label)
    one.merge(two)
    assert (one.confusion == both.confusion).all()
    assert one.pictures == both.pictures == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_what_is_refused(dtype: type) -> None:
    metric = SegmentationMetric(classes(3))
    with pytest.raises(ValueError, match="same shape"):
        metric.update(np.zeros((2, 3), dtype), np.zeros((3, 2), dtype))
    with pytest.raises(ValueError, match=r"label must hold the classes 0..2 .* got \[3\]"):
        metric.update(np.zeros((1, 2), dtype), np.array([[3, 255]], dtype))
    with pytest.raises(ValueError, match=r"prediction must hold .* got \[7\]"):
        metric.update(np.array([[7, 0]], dtype), np.zeros((1, 2), dtype))
    metric.update(np.array([[7]], dtype), np.array([[255]], dtype))  # it does not count
    with pytest.raises(ValueError, match="must have shape"):
        metric.add_counts(np.zeros((2, 2), int))
    assert metric.confusion.sum() == 0
