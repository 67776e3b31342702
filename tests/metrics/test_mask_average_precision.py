from __future__ import annotations

import sys

import numpy as np
import pytest

from hrnet.errors import MissingExtraError
from hrnet.metrics.mask_average_precision import MaskAveragePrecision
from hrnet.structures.instance_result import InstanceResult
from hrnet.structures.labelled_instances import LabelledInstances
from hrnet.structures.run_lengths import encode_mask

NAMES = ("cat", "dog")


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((60, 80), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


A, B = box(5, 5, 25, 25), box(40, 10, 70, 50)


def truth(masks: list[np.ndarray], class_ids: list[int], crowd: list[bool] | None = None) -> LabelledInstances:
    flags = np.array(crowd or [False] * len(masks), np.bool_)
    return LabelledInstances((60, 80), tuple(map(encode_mask, masks)), np.array(class_ids, np.int64), flags)


def found(masks: list[np.ndarray], class_ids: list[int], scores: list[float] | None = None) -> InstanceResult:
    given = np.stack(masks) if masks else np.zeros((0, 60, 80), np.bool_)
    return InstanceResult.from_masks(given, scores or [0.9] * len(masks), np.array(class_ids, int), NAMES)


def test_perfect_and_empty() -> None:
    metric = MaskAveragePrecision(NAMES)
    metric.update(found([A, B], [0, 1]), truth([A, B], [0, 1]))
    result = metric.compute()
    assert result.ap == pytest.approx(1)
    assert result.per_class == {"cat": pytest.approx(1), "dog": pytest.approx(1)}
    assert (result.instances, result.images, result.detections) == (2, 1, 2)
    assert "mask IoU" in result.summary()
    nobody = MaskAveragePrecision(NAMES)
    nobody.update(found([], []), truth([A, B], [0, 1]))
    assert nobody.compute().ap == 0
    nothing = MaskAveragePrecision(NAMES)
    nothing.update(found([A], [0]), truth([], []))
    assert np.isnan(nothing.compute().ap)
    assert nothing.compute().to_dict()["AP"] is None


def test_thresholds_by_hand() -> None:
    """An IoU of 0.75 exactly counts at 0.50, 0.55, ..., 0.75: six thresholds of ten."""
    metric = MaskAveragePrecision(NAMES)
    metric.update(found([box(5, 5, 20, 25)], [0]), truth([A], [0]))
    values = metric.compute().values
    assert (values["AP"], values["AP50"], values["AP75"]) == pytest.approx((0.6, 1, 1))
    assert values["AP_small"] == pytest.approx(0.6)
    assert np.isnan(values["AP_large"])


def test_the_wrong_class_is_wrong_and_merged_ones_are_missed() -> None:
    metric = MaskAveragePrecision(NAMES)
    metric.update(found([A | B], [0]), truth([A, B], [0, 1]))
    assert metric.compute().values["AP50"] == pytest.approx(0.0)  # B is most of the mask, but a dog


def test_crowds_are_neither_found_nor_missed() -> None:
    metric = MaskAveragePrecision(NAMES)
    metric.update(found([B, A], [0, 0], [0.99, 0.5]), truth([A, box(38, 8, 75, 55)], [0, 0], [False, True]))
    result = metric.compute()
    assert (result.ap, result.instances) == (pytest.approx(1), 1)


def test_input_that_does_not_fit() -> None:
    metric = MaskAveragePrecision(("cat",))
    with pytest.raises(ValueError, match="expected results with the classes"):
        metric.update(found([A], [0]), truth([A], [0]))
    other = InstanceResult.from_masks(A[None, :50], [1], [0], ("cat",))
    with pytest.raises(ValueError, match="for a picture of"):
        metric.update(other, truth([A], [0]))


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_coco_eval.core.coco", None)
    metric = MaskAveragePrecision(NAMES)
    metric.update(found([A], [0]), truth([A], [0]))
    with pytest.raises(MissingExtraError, match=r"hrnet\[eval\]"):
        metric.compute()
