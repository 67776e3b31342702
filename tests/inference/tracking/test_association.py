"""Likeness of poses, and the assignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from inference.tracking.synthetic import COCO, Walker, result_of

from hrnet.inference.tracking.association import assign, box_overlap, pose_similarity, tracking_sigmas
from hrnet.inference.tracking.observations import observe

SIGMAS = tracking_sigmas(COCO.sigmas, 17)
POSE = Walker((300, 100)).pose(0.0)


@given(arrays(float, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=st.floats(0, 1)), st.floats(0.05, 0.95))
@settings(max_examples=150, deadline=None)
def test_the_assignment_is_the_best_of_all(similarity, threshold):
    pairs = assign(similarity, threshold)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(similarity[pair] >= threshold for pair in pairs)
    worth = np.maximum(similarity - threshold, 0)
    wide = worth if worth.shape[0] <= worth.shape[1] else worth.T
    columns = itertools.permutations(range(wide.shape[1]), wide.shape[0])
    best = max((sum(wide[row, column] for row, column in enumerate(chosen)) for chosen in columns), default=0)
    assert sum(worth[pair] for pair in pairs) == pytest.approx(best, abs=1e-4)


def test_a_handicap_lets_others_go_before_but_forbids_nothing():
    similarity = np.array([[0.8], [0.85]])
    assert assign(similarity, 0.3) == [(1, 0)]
    assert assign(similarity, 0.3, np.array([0.0, 0.1])) == [(0, 0)]
    assert assign(similarity[1:], 0.3, np.array([5.0])) == [(0, 0)]


def test_likeness_falls_with_distance_and_rises_with_tolerance():
    a = observe(result_of(POSE[None]), 0.2)
    alike = []
    for shift in (0, 5, 15, 40, 120, 1000):
        b = observe(result_of(POSE[None] + np.array([shift, 0])), 0.2)
        near = pose_similarity(a, b, SIGMAS)
        np.testing.assert_allclose(near, pose_similarity(b, a, SIGMAS), atol=1e-9)
        if 0 < shift < 1000:
            assert pose_similarity(a, b, SIGMAS, np.array([40.0**2])) > near
        alike.append(float(near[0, 0]))
    assert alike[0] == pytest.approx(1)
    assert alike == sorted(alike, reverse=True)
    assert alike[-1] < 0.01


def test_without_a_shared_joint_the_boxes_decide():
    upper, lower = np.ones((1, 17)), np.ones((1, 17))
    upper[:, 9:], lower[:, :9] = 0, 0
    a, b = (observe(result_of(POSE[None], scores), 0.2) for scores in (upper, lower))
    assert pose_similarity(a, b, SIGMAS)[0, 0] == pytest.approx(float(box_overlap(a.boxes, b.boxes)[0, 0]))


def test_a_box_that_is_the_whole_picture_is_not_the_size_of_the_person():
    near, far = observe(result_of(POSE[None]), 0.2), observe(result_of(POSE[None], boxes="picture"), 0.2)
    assert far.lengths[0] < 2.1 * np.ptp(POSE, axis=0).max()
    assert far.lengths[0] >= near.lengths[0] * 0.9
    assert float(box_overlap(near.boxes, far.boxes)[0, 0]) > 0.8


def test_overlap_of_boxes():
    boxes = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [3, 3, 3, 3], [20, 20, 10, 10]])
    overlap = box_overlap(boxes, boxes)
    assert overlap[0].tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert (overlap[2:] == 0).all()


def test_sigmas_have_a_floor_and_a_default():
    assert SIGMAS.min() == 0.05
    assert (tracking_sigmas(None, 5) == 0.08).all()


def test_nothing_that_is_not_finite_is_observed():
    points, scores = np.stack([POSE, POSE, POSE]), np.ones((3, 17))
    scores[2] = np.nan
    result = result_of(points, scores, boxes="picture")
    points[0, 0], points[1] = np.inf, np.nan
    result.keypoints[:] = points
    result.boxes[1] = np.nan
    found = observe(result, 0.2)
    assert found.seen.sum(axis=1).tolist() == [16, 0, 0]
    assert all(np.isfinite(values).all() for values in found)
    assert (found.lengths >= 1).all()
    assert np.isfinite(pose_similarity(found, found, SIGMAS)).all()
