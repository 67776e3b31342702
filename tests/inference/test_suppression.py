from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hrnet.inference.suppression import box_nms, oks_nms, rescore, soft_oks_nms

SIGMAS = (0.05, 0.05, 0.1)
Detections = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def detections(draw: st.DrawFn) -> Detections:
    count = draw(st.integers(0, 8))
    points = draw(hnp.arrays(np.float64, (count, 3, 2), elements=st.floats(0, 40, width=32)))
    scores = draw(hnp.arrays(np.float64, (count,), elements=st.floats(0, 1)))
    return points, scores, draw(hnp.arrays(np.float64, (count,), elements=st.floats(1, 1e4)))


@given(detections(), st.floats(0.05, 0.95))
def test_oks_nms_is_idempotent_and_best_first(people: Detections, threshold: float) -> None:
    points, scores, areas = people
    kept = oks_nms(points, scores, areas, SIGMAS, threshold)
    assert (np.diff(scores[kept]) <= 0).all()
    again = oks_nms(points[kept], scores[kept], areas[kept], SIGMAS, threshold)
    np.testing.assert_array_equal(again, np.arange(len(kept)))


@given(detections(), st.integers(1, 10))
def test_soft_nms_drops_nobody_below_the_limit(people: Detections, limit: int) -> None:
    kept = soft_oks_nms(*people, SIGMAS, 0.9, max_detections=limit)
    assert len(kept) == min(limit, len(people[1])) == len(set(kept.tolist()))
    if len(kept):
        assert people[1][kept[0]] == people[1].max()


@given(detections(), st.floats(0, 1))
def test_box_nms_is_idempotent(people: Detections, threshold: float) -> None:
    points, scores, _ = people
    boxes = np.concatenate([points[:, 0], points[:, 0] + points[:, 1]], axis=1)
    kept = box_nms(boxes, scores, threshold)
    np.testing.assert_array_equal(box_nms(boxes[kept], scores[kept], threshold), np.arange(len(kept)))


def test_equal_scores_keep_input_order_and_doubles_go() -> None:
    points = np.asarray([[[0.0, 0]] * 3, [[500.0, 0]] * 3, [[0.0, 0]] * 3])
    kept = oks_nms(points, [0.5, 0.5, 0.5], [100.0] * 3, SIGMAS, 0.9)
    assert kept.tolist() == [0, 1]


def test_box_nms_counts_inclusive_pixels() -> None:
    boxes = [[0, 0, 9, 9], [0, 5, 9, 14]]  # 50 of 150 pixels shared
    assert box_nms(boxes, [0.9, 0.8], 1 / 3).tolist() == [0, 1]
    assert box_nms(boxes, [0.9, 0.8], 0.33).tolist() == [0]


def test_nothing_in_nothing_out() -> None:
    for kept in (
        oks_nms([], [], [], SIGMAS),
        soft_oks_nms([], [], [], SIGMAS),
        box_nms([], [], 0.5),
        rescore([], np.zeros((0, 3))),
    ):
        assert kept.shape == (0,)


def test_rescore() -> None:
    found = rescore([0.5, 1.0], [[0.4, 0.8, 0.2], [0.2, 0.1, 0.0]], threshold=0.2)
    np.testing.assert_allclose(found, [0.5 * 0.6, 0])


def test_values_that_are_not_numbers() -> None:
    points = np.zeros((2, 3, 2))
    with pytest.raises(ValueError, match=r"scores must be finite.*rows \[1\]"):
        oks_nms(points, [0.5, np.nan], [1.0, 1.0], SIGMAS)
    points[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        soft_oks_nms(points, [0.5, 0.4], [1.0, 1.0], SIGMAS)
    with pytest.raises(ValueError, match="boxes must be finite"):
        box_nms([[0, 0, np.nan, 1]], [0.5], 0.5)
    with pytest.raises(ValueError, match="keypoint_scores must be finite"):
        rescore([1.0], [[np.nan]])
    with pytest.raises(ValueError, match="areas must have one entry"):
        oks_nms(np.zeros((2, 3, 2)), [0.5, 0.4], [1.0], SIGMAS)
