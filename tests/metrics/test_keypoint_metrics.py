"""PCK, PCKh, NME and AP: values by hand, perfect predictions, nothing at all, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hrnet.errors import AnnotationError
from hrnet.metrics import PCK, KeypointAveragePrecision, Metric, MetricResult, NormalizedMeanError, PCKh
from hrnet.structures import KeypointSet, PersonRecord

BODY = KeypointSet("body", ("right_shoulder", "left_hip", "head_top", "pelvis", "tail"), (0, 1, 2, 3, 4))
POSE = np.asarray([[0.0, 0], [30, 40], [10, -20], [20, 40], [60, 60]])
METRICS: list[Callable[[], Metric]] = [
    lambda: PCK(BODY),
    lambda: PCK(BODY, "bbox", (0.1, 0.5)),
    lambda: PCK(BODY, "head"),
    lambda: PCKh(BODY),
    lambda: NormalizedMeanError(BODY),
    lambda: NormalizedMeanError(BODY, ("right_shoulder", "left_hip")),
    lambda: KeypointAveragePrecision(BODY, sigmas=0.05),
]


def person(points: np.ndarray = POSE, visibility: Any = (2, 2, 2, 1, 2), **changes: Any) -> PersonRecord:
    fields: dict[str, Any] = {
        "image": Path("a.jpg"),
        "image_id": 1,
        "annotation_id": 1,
        "box": np.asarray([-10.0, -30, 70, 70]),
        "area": 5000.0,
        "head_size": 20.0,
        **changes,
    }
    return PersonRecord(keypoints=points, visibility=np.asarray(visibility, np.uint8), **fields)


def moved(offset: Any) -> np.ndarray:
    """The pose with an offset for each keypoint, or one for all."""
    return POSE + np.asarray(offset)


def best(result: MetricResult) -> list[float]:
    """The headline numbers of a result, each 1 when everything is right."""
    numbers = result.to_dict()
    if numbers["metric"] == "pck":
        return [entry["mean"] for entry in numbers["thresholds"]]
    if numbers["metric"] == "pckh":
        return [numbers["mean"], numbers["mean_at_0.10"], numbers["mean_at_0.1_official"]]
    if numbers["metric"] == "nme":
        return [1 - numbers["mean"], numbers["auc"], *(1 - rate for rate in numbers["failure_rates"].values())]
    return [numbers["AP"], numbers["AR"]]


@pytest.mark.parametrize("build", METRICS)
@given(offsets=hnp.arrays(np.float64, (3, 2), elements=st.floats(-1000, 1000)))
def test_perfect_predictions_give_one(build: Callable[[], Metric], offsets: np.ndarray) -> None:
    metric = build()
    records = [person(POSE + offset, image_id=i, box=np.asarray([-10.0, -30, 70, 70])) for i, offset in enumerate(offsets)]
    metric.update(POSE + offsets[:, None], records)
    assert best(metric.compute()) == pytest.approx([1.0] * len(best(metric.compute())))


@pytest.mark.parametrize("build", METRICS)
def test_nothing_at_all_and_protocol(build: Callable[[], Metric]) -> None:
    metric = build()
    assert isinstance(metric, Metric)
    for _ in range(2):
        result = metric.compute()
        assert isinstance(result, MetricResult)
        assert set(best(result)) == {None} if result.to_dict()["metric"] != "nme" else result.to_dict()["mean"] is None
        json.dumps(result.to_dict(), allow_nan=False)
        assert "0 " in result.summary()
        metric.update(np.zeros((0, 5, 2)), [])


@pytest.mark.parametrize("build", METRICS)
def test_bad_predictions_and_records(build: Callable[[], Metric]) -> None:
    broken = np.stack([POSE, POSE])
    broken[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match=r"predictions must be finite.*\[1\]"):
        build().update(broken, [person(), person()])
    with pytest.raises(ValueError, match=r"shape \(people, 5, 2\)"):
        build().update(np.zeros((1, 4, 2)), [person()])
    with pytest.raises(ValueError, match=r"2 (predictions|detections) came with 1"):
        build().update(np.zeros((2, 5, 2)), [person()])
    lost = POSE.copy()
    lost[0] = np.inf
    with pytest.raises(AnnotationError, match=r"7.*not finite"):
        build().update(POSE[None], [person(lost, annotation_id=7)])
    with pytest.raises(AnnotationError, match="must have 5 keypoints"):
        build().update(POSE[None], [person(POSE[:4], (2, 2, 2, 2))])


def test_batches_add_up() -> None:
    generator = np.random.default_rng(0)
    records = [person(image_id=i) for i in range(6)]
    found = POSE + generator.normal(0, 8, (6, 5, 2))
    for build in METRICS:
        whole, parts = build(), build()
        whole.update(found, records)
        parts.update(found[:2], records[:2])
        parts.update(found[2:], records[2:])
        assert whole.compute().to_dict() == parts.compute().to_dict()


def test_pck_by_hand() -> None:
    found = POSE + np.asarray([[10.0, 0], [10.01, 0], [0, 0], [0, 5], [0, 90]])  # the torso is 50 long
    metric = PCK(BODY, thresholds=(0.1, 0.2))
    metric.update(found[None], [person(visibility=(2, 2, 0, 1, 2))])
    result = metric.compute()
    np.testing.assert_array_equal(result.per_keypoint, [[0, 0, np.nan, 1, 0], [1, 0, np.nan, 1, 0]])
    np.testing.assert_array_equal(result.counts, [1, 1, 0, 1, 1])
    np.testing.assert_allclose(result.mean, [0.25, 0.5])
    assert "right_shoulder to left_hip; 1 person" in result.summary()
    assert result.to_dict()["thresholds"][1]["per_keypoint"]["head_top"] is None


def test_mean_weighs_by_count_and_mean_of_keypoints_does_not() -> None:
    metric = PCK(BODY)
    far = moved([[0, 0], [0, 0], [0, 0], [0, 0], [0, 900.0]])
    metric.update(np.stack([far, POSE]), [person(), person(visibility=(2, 2, 2, 2, 0))])
    result = metric.compute()
    assert result.mean[0] == pytest.approx(8 / 9)
    assert result.mean_of_keypoints[0] == pytest.approx(4 / 5)


def test_people_without_a_normaliser_are_left_out_and_counted() -> None:
    flat = POSE.copy()
    flat[1] = flat[0]
    records = [person(), person(flat), person(visibility=(0, 2, 2, 2, 2)), person(head_size=None)]
    metric = PCK(BODY)
    metric.update(np.stack([POSE] * 4), records)
    result = metric.compute()
    assert (result.people, result.skipped) == (2, 2)
    assert "2 left out" in result.summary()
    head = PCKh(BODY)
    head.update(np.stack([POSE] * 4), records)
    assert (head.compute().people, head.compute().skipped) == (3, 1)


def test_explicit_normalisers() -> None:
    metric = PCK(BODY, "explicit", (0.5,))
    metric.update(moved([4, 0])[None], [person()], normalizers=[8])
    assert metric.compute().mean[0] == 1
    with pytest.raises(ValueError, match="normalizers=, one length"):
        metric.update(POSE[None], [person()])
    with pytest.raises(ValueError, match="1 finite lengths"):
        metric.update(POSE[None], [person()], normalizers=[np.nan])
    with pytest.raises(ValueError, match="goes with"):
        PCK(BODY).update(POSE[None], [person()], normalizers=[1.0])
    with pytest.raises(ValueError, match="goes with"):
        NormalizedMeanError(BODY).update(POSE[None], [person()], normalizers=[1.0])


def test_pckh_reads_its_fine_mean_at_011() -> None:
    metric = PCKh(BODY)
    metric.update(moved([2.1, 0])[None], [person()])  # 0.105 head sizes
    result = metric.compute()
    assert (result.mean, result.mean_at_01, result.mean_at_01_official) == (1, 0, 1)
    assert result.groups == {"Head": 1.0}
    assert "taken at 0.11" in result.summary()


def test_pckh_mean_leaves_out_the_pelvis_and_hits_include_the_limit() -> None:
    metric = PCKh(BODY)
    metric.update(moved([[10.0, 0], [0, 0], [0, 0], [99, 0], [0, 0]])[None], [person()])
    result = metric.compute()
    assert result.mean == 1
    np.testing.assert_array_equal(result.per_keypoint, [1, 1, 1, 0, 1])


def test_nme_by_hand() -> None:
    metric = NormalizedMeanError(BODY, (0, 1), failure_thresholds=(0.1,), auc_limit=0.4)
    metric.update(moved([[10.0, 0], [0, 0], [0, 0], [0, 0], [0, 99]])[None], [person(visibility=(2, 2, 2, 2, 0))])
    result = metric.compute()
    assert result.mean == pytest.approx(10 / 50 / 4)
    assert result.failure_rates == {0.1: 0.0}
    assert result.auc == pytest.approx(1 - 0.05 / 0.4)
    assert np.isnan(result.per_keypoint[4])
    assert "distance of right_shoulder and left_hip" in result.summary()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PCK(BODY, "torsso"), "did you mean 'torso'"),
        (lambda: PCK(BODY, torso=("right_shoulder", "left_hipp")), "did you mean 'left_hip'"),
        (lambda: PCK(BODY, thresholds=()), "thresholds"),
        (lambda: PCKh(BODY, 0), "threshold"),
        (lambda: NormalizedMeanError(BODY, "boxx"), "did you mean 'box'"),
        (lambda: NormalizedMeanError(BODY, (0, 9)), "0..4"),
        (lambda: KeypointAveragePrecision(BODY), "'body' has none.*sigmas=0.05"),
        (lambda: KeypointAveragePrecision(BODY, sigmas=[0.1, 0.2]), "5 values"),
    ],
)
def test_bad_settings(build: Callable[[], Metric], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
