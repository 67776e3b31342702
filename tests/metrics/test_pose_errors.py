"""Pose errors: each kind is counted where it was made, and nothing depends on the order of people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrnet.data.keypoint_sets import keypoint_set
from hrnet.metrics.interface import MetricResult
from hrnet.metrics.pose_error_result import PEOPLE, STATES, PoseErrorResult
from hrnet.metrics.pose_errors import PoseErrors

LSP = keypoint_set("lsp")
AREA = 8000.0
JOINTS = LSP.num_keypoints


def person(x: float, y: float, seed: int = 0) -> np.ndarray:
    """A pose (K, 2) around (x, y) whose joints are far from each other: on a circle of 100 pixels."""
    angles = 2 * np.pi * (np.arange(JOINTS) + seed) / JOINTS
    return np.stack([x + 100 * np.cos(angles), y + 100 * np.sin(angles)], axis=1)


A, B, C = person(150, 150), person(600, 150, 3), person(1100, 200, 7)


def errors(found: Any, truth: Any, /, **options: Any) -> PoseErrorResult:
    names = ("threshold", "least_joints", "min_score", "max_detections", "sigmas")
    metric = PoseErrors(LSP, **{name: options.pop(name) for name in names if name in options})
    metric.update(found, truth, np.full(len(truth), AREA), **options)
    return metric.compute()


def counts(result: PoseErrorResult) -> dict[str, int]:
    return {name: number for name, number in result.counts.items() if number}


def states(result: PoseErrorResult) -> dict[str, int]:
    return {state: int(result.joints[state].sum()) for state in STATES if result.joints[state].any()}


@given(st.integers(0, 6), st.integers(0, 10_000))
def test_perfect_predictions_have_no_errors(people: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.array([person(400.0 * n, 0, n) for n in range(people)]).reshape(-1, JOINTS, 2)
    visibility = random.integers(0, 3, truth.shape[:2])
    visibility[:, 0] = 2
    result = errors(truth, truth, visibility=visibility)
    assert counts(result) == ({"matched": people} if people else {})
    assert states(result) == ({"good": int((visibility > 0).sum())} if people else {})


@given(st.integers(0, 10_000))
def test_permuting_people_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.uniform(0, 300, (4, 1, 2)) + random.uniform(-90, 90, (4, JOINTS, 2))
    found = np.concatenate([truth, truth[:2]]) + random.normal(0, 12, (6, JOINTS, 2))
    mixed = random.random((6, JOINTS)) < 0.2
    found[mixed] = found[::-1][mixed]
    found[random.random((6, JOINTS)) < 0.1] = np.nan
    visibility = (random.random((4, JOINTS)) < 0.8).astype(int)
    visibility[:, 3] = 1
    areas, boxes = random.uniform(3000, 20000, 4), np.array([[200.0, 200, 260, 300], [0, 0, 30, 30]])
    results = []
    for rows, columns in [(np.arange(6), np.arange(4)), (random.permutation(6), random.permutation(4))]:
        metric = PoseErrors(LSP)
        metric.update(
            found[rows],
            truth[columns],
            areas[columns],
            visibility=visibility[columns],
            ignored_boxes=boxes[random.permutation(2)],
        )
        results.append(metric.compute())
    assert results[0].to_dict() == results[1].to_dict()
    one = results[0]
    assert one.counts["matched"] + one.counts["missed"] == one.people == 4
    assert one.counts["matched"] + one.counts["false"] == one.detections == 6 - one.counts["ignored"]
    assert one.counts["repeated"] + one.counts["background"] <= one.counts["false"]


@given(st.integers(2, JOINTS - 2), st.integers(0, 10_000))
def test_a_merged_pair_is_counted_once(taken: int, seed: int) -> None:
    joints = np.random.default_rng(seed).permutation(JOINTS)[:taken]
    merged = A.copy()
    merged[joints] = B[joints]
    result = errors([merged], [A, B])
    assert counts(result) == {"matched": 1, "missed": 1, "merged": 1}
    kept = max(taken, JOINTS - taken)
    assert states(result) == {"good": kept, "swap": JOINTS - kept}


@given(st.integers(2, JOINTS - 2))
def test_a_split_person_is_counted_once(taken: int) -> None:
    halves = np.stack([A, A])
    halves[0, :taken], halves[1, taken:] = np.nan, np.nan
    result = errors(halves, [A])
    assert result.counts["split"] == 1
    assert (result.counts["matched"], result.counts["missed"], result.counts["false"], result.counts["merged"]) == (1, 0, 1, 0)
    kept = max(taken, JOINTS - taken)
    assert states(result) == {"good": kept, "absent": JOINTS - kept}


def test_three_people_in_one_detection() -> None:
    merged = A.copy()
    merged[4:8], merged[8:11] = B[4:8], C[8:11]
    result = errors([merged, C], [A, B, C])
    assert counts(result) == {"matched": 2, "missed": 1, "merged": 1}


def test_missed_and_false_people() -> None:
    result = errors([A, C, C + 4, C + 3000], [A, B, C])
    assert counts(result) == {"matched": 2, "missed": 1, "false": 2, "repeated": 1, "background": 1}


def test_the_pair_that_is_most_alike_comes_first() -> None:
    result = errors([A + 5, A], [A], scores=[0.9, 0.1])
    assert states(result) == {"good": JOINTS}


def test_a_single_joint_of_somebody_else_is_a_swap_and_no_merger() -> None:
    swapped = A.copy()
    swapped[3] = B[3]
    result = errors([swapped, B], [A, B])
    assert counts(result) == {"matched": 2}
    assert states(result) == {"good": 2 * JOINTS - 1, "swap": 1}
    assert result.joints["swap"][3] == 1
    assert counts(errors([swapped, B], [A, B], least_joints=1)) == {"matched": 2, "merged": 1}


def test_inversions() -> None:
    flips = np.array(LSP.flip_indices)
    inverted = A.copy()
    pair = [0, int(flips[0])]
    inverted[pair] = A[pair[::-1]]
    result = errors([inverted], [A])
    assert states(result) == {"good": JOINTS - 2, "inversion": 2}
    assert np.flatnonzero(result.joints["inversion"]).tolist() == sorted(pair)
    # Where the mirrored joint is not labelled, nothing is known to be there.
    unlabelled = np.ones((1, JOINTS))
    unlabelled[0, pair[1]] = 0
    assert states(errors([inverted], [A], visibility=unlabelled)) == {"good": JOINTS - 2, "miss": 1}


@pytest.mark.parametrize(("similarity", "state"), [(0.86, "good"), (0.84, "jitter"), (0.51, "jitter"), (0.49, "miss")])
def test_how_far_a_joint_is(similarity: float, state: str) -> None:
    assert LSP.sigmas is not None
    moved = A.copy()
    direction = (A[2] - 150) / 100  # outwards, away from the other joints
    moved[2] += direction * 2 * LSP.sigmas[2] * np.sqrt(-2 * AREA * np.log(similarity))
    result = errors([moved], [A])
    assert result.joints[state][2] == 1
    assert states(result) == ({"good": JOINTS} if state == "good" else {"good": JOINTS - 1, state: 1})


def test_absent_joints_by_flag_and_by_nan() -> None:
    flags = np.ones((1, JOINTS), bool)
    flags[0, [1, 5]] = False
    lacking = A.copy()
    lacking[9] = np.nan
    assert states(errors([lacking], [A], found=flags)) == {"good": JOINTS - 3, "absent": 3}
    assert counts(errors([np.full((JOINTS, 2), np.nan)], [A])) == {"missed": 1, "false": 1, "background": 1}


def test_detections_where_people_are_ignored_do_not_count() -> None:
    box = [1000.0, 100, 1200, 300]
    assert counts(errors([A, C], [A], ignored_boxes=[box])) == {"matched": 1, "ignored": 1}
    assert counts(errors([C], [C], ignored_boxes=[box])) == {"matched": 1}
    half = C.copy()
    half[: JOINTS // 2 + 1] += 5000
    assert counts(errors([half], np.zeros((0, JOINTS, 2)), ignored_boxes=[box])) == {"false": 1, "background": 1}


def test_scores_limit_who_counts() -> None:
    assert counts(errors([A, B, C], [A, B, C], scores=[0.9, 0.1, 0.5], min_score=0.3)) == {"matched": 2, "missed": 1}
    assert counts(errors([A, B, C], [A, B, C], scores=[0.9, 0.1, 0.5], max_detections=1)) == {"matched": 1, "missed": 2}


def test_several_pictures_and_their_table() -> None:
    metric = PoseErrors(LSP)
    metric.update([A], [A, B], [AREA, AREA])
    metric.update([], [], [])
    metric.update([C], [], [])
    result = metric.compute()
    assert isinstance(result, MetricResult)
    assert (result.pictures, result.people, result.detections) == (3, 2, 2)
    data = result.to_dict()
    assert (data["matched"], data["missed"], data["false"]) == (1, 1, 1)
    assert sum(data["per_joint"][LSP.keypoints[0]].values()) == 1
    assert set(PEOPLE) <= data.keys()
    text = result.summary()
    assert LSP.keypoints[0] in text
    assert "matched from OKS 0.1 on" in text
    assert PoseErrors(LSP).compute().summary().count("-") > JOINTS  # nothing labelled, no shares


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"least_joints": 0}, "least_joints"),
        ({"found": np.ones((1, 3), bool)}, r"found must have shape \(1, 14\)"),
        ({"visibility": np.ones((1, 3))}, r"visibility must have shape \(1, 14\)"),
        ({"visibility": np.zeros((1, JOINTS))}, "person 0 has no labelled keypoint"),
        ({"scores": [np.nan]}, "scores must be finite"),
        ({"scores": [1, 2]}, "scores must have shape"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        errors([A], [A], **options)


def test_other_bad_input() -> None:
    with pytest.raises(ValueError, match=r"keypoints must have shape \(people, 14, 2\)"):
        errors([A[:3]], [A])
    with pytest.raises(ValueError, match="finite"):
        errors([A], [np.where(A > 0, np.nan, A)])
