"""The one-euro filter and the smoothing of tracked people: what must stay, what must not overshoot, what must not break."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference.tracking.synthetic import COCO, FPS, Walker, result_of, sequence

from hrnet.inference.tracking import OneEuroFilter, PoseSmoother

numbers = st.floats(-1e4, 1e4, allow_nan=False)
settings_of_filters = st.fixed_dictionaries(
    {
        "min_cutoff": st.floats(0.05, 20),
        "speed_coefficient": st.floats(0, 50),
        "speed_cutoff": st.floats(0.05, 20),
        "patience": st.floats(0, 2),
    }
)
steps_of_time = st.lists(st.floats(0.001, 1), min_size=1, max_size=30)


@given(settings_of_filters, st.tuples(numbers, numbers), steps_of_time)
@settings(max_examples=100, deadline=None)
def test_a_constant_input_stays_exactly(options, point, steps):
    smooth = OneEuroFilter(**options)
    for time in np.cumsum(steps):
        np.testing.assert_array_equal(smooth(np.array([point]), float(time)), [point])


@given(settings_of_filters, numbers, numbers, steps_of_time)
@settings(max_examples=100, deadline=None)
def test_a_step_is_never_overshot_and_only_approached(options, low, high, steps):
    smooth = OneEuroFilter(**options)
    smooth(np.array([[low]]), -0.01)
    last = low
    for time in np.cumsum(steps):
        now = float(smooth(np.array([[high]]), float(time))[0, 0])
        slack = 1e-9 * max(1.0, abs(low), abs(high))
        assert min(low, high) - slack <= now <= max(low, high) + slack
        assert abs(high - now) <= abs(high - last) + slack
        last = now


@given(st.lists(st.tuples(st.sampled_from([np.nan, np.inf, -np.inf]) | st.floats(-1e100, 1e100), numbers), min_size=1))
@settings(max_examples=100, deadline=None)
def test_what_is_not_finite_passes_and_changes_nothing(values):
    points = np.array(values)
    both, only = OneEuroFilter(patience=100), OneEuroFilter(patience=100)
    for number, point in enumerate(points):
        out = both(point[None], number / FPS)
        if np.isfinite(point).all():
            np.testing.assert_array_equal(out, only(point[None], number / FPS))
            assert np.isfinite(out).all()
        else:
            np.testing.assert_array_equal(out, point[None])


def test_points_do_not_know_of_each_other():
    rng = np.random.default_rng(0)
    track = np.cumsum(rng.normal(0, 5, (20, 3, 2)), axis=0)
    together, alone = OneEuroFilter(), OneEuroFilter()
    for number, points in enumerate(track):
        np.testing.assert_array_equal(together(points, number / FPS)[1:2], alone(points[1:2], number / FPS))


def test_after_a_long_absence_it_begins_anew():
    smooth = OneEuroFilter(patience=0.5)
    smooth(np.array([[0.0]]), 0.0)
    assert 0 < smooth(np.array([[10.0]]), 0.4)[0, 0] < 10
    assert smooth(np.array([[100.0]]), 1.0)[0, 0] == 100


def test_directions_and_sizes_are_smoothed_alike():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(0, 3, (15, 1, 2)), axis=0)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    plain, turned, large = OneEuroFilter(), OneEuroFilter(), OneEuroFilter()
    for number, points in enumerate(walk):
        expected = plain(points, number / FPS)
        np.testing.assert_allclose(turned(points @ turn, number / FPS), expected @ turn, atol=1e-9)
        np.testing.assert_allclose(large(points * 7, number / FPS, unit=7), expected * 7, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [{"min_cutoff": 0}, {"speed_coefficient": -1}, {"speed_cutoff": 0}, {"patience": -1}, {"min_cutoff": float("nan")}],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="cutoffs must be above 0"):
        OneEuroFilter(**options)


def test_wrong_points_and_times_are_refused():
    smooth = OneEuroFilter()
    smooth(np.zeros((3, 2)), 1.0)
    with pytest.raises(ValueError, match="as before"):
        smooth(np.zeros((4, 2)), 2.0)
    with pytest.raises(ValueError, match="times must grow"):
        smooth(np.zeros((3, 2)), 1.0)
    with pytest.raises(ValueError, match=r"\(P, D\)"):
        OneEuroFilter()(np.zeros(3), 0.0)


@pytest.mark.parametrize(
    ("walker", "shake", "error"), [(Walker((640, 30)), 0.35, 0.7), (Walker((150, 150), (130, 0)), 0.7, 1.1)]
)
def test_joints_shake_less_and_are_not_further_off(walker, shake, error):
    """Somebody who stands, and somebody who walks: shaking and error against the truth, relative to the raw joints."""
    smoother, differences = PoseSmoother(), []
    for moment in sequence(0, (walker,), misses=0, false_finds=0, lost_joints=0):
        smooth = smoother.update(replace(moment.found, track_ids=np.array([1])), moment.time)
        differences.append([moment.found.keypoints[0] - moment.truth[0], smooth.keypoints[0] - moment.truth[0]])
    raw, calm = np.array(differences)[25:].transpose(1, 0, 2, 3)
    assert np.square(np.diff(calm, axis=0)).mean() < shake**2 * np.square(np.diff(raw, axis=0)).mean()
    assert np.square(calm).mean() < error**2 * np.square(raw).mean()


def test_only_sure_joints_of_tracked_people_are_touched():
    smoother = PoseSmoother()
    rng = np.random.default_rng(0)
    scores = np.ones((2, 17))
    scores[0, 3], scores[0, 4] = 0.1, np.nan
    for number in range(5):
        points = rng.uniform(100, 200, (2, 17, 2))
        points[0, 5] = np.nan
        given = replace(result_of(points, scores, boxes="picture"), track_ids=np.array([1, -1]))
        smooth = smoother.update(given, number / FPS)
        np.testing.assert_array_equal(smooth.keypoints[1], given.keypoints[1])
        np.testing.assert_array_equal(smooth.keypoints[0, 3:6], given.keypoints[0, 3:6])
        np.testing.assert_array_equal(smooth.keypoint_scores, given.keypoint_scores)
        if number:
            assert (smooth.keypoints[0, 6:] != given.keypoints[0, 6:]).all()
            assert np.isfinite(smooth.keypoints[0, 6:]).all()


def test_people_must_have_been_tracked():
    with pytest.raises(ValueError, match=r"PoseTracker\.update"):
        PoseSmoother().update(result_of(np.zeros((1, 17, 2))), 0.0)
    nobody = replace(result_of(np.zeros((0, 17, 2))), track_ids=np.zeros(0, int))
    assert len(PoseSmoother().update(nobody, 0.0)) == 0
    assert COCO.num_keypoints == 17
