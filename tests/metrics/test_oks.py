from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hrnet.metrics.oks import oks, oks_to_ground_truth, resolve_sigmas

SIGMAS = (0.03, 0.05, 0.1)
COORDINATES = st.floats(-500, 500, width=32)


@st.composite
def people(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(0, 5))
    points = draw(hnp.arrays(np.float64, (count, 3, 2), elements=COORDINATES))
    return points, draw(hnp.arrays(np.float64, (count,), elements=st.floats(0, 1e5)))


@given(people(), people())
def test_is_between_0_and_1_and_symmetric(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> None:
    forward = oks(a[0], b[0], a[1], b[1], SIGMAS)
    assert forward.shape == (len(a[0]), len(b[0]))
    assert ((forward >= 0) & (forward <= 1)).all()
    np.testing.assert_allclose(forward, oks(b[0], a[0], b[1], a[1], SIGMAS).T, atol=1e-12)


@given(people())
def test_everybody_is_like_himself(a: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_allclose(np.diag(oks(a[0], a[0], a[1], a[1], SIGMAS)), 1)


@given(people(), hnp.arrays(np.uint8, (3,), elements=st.integers(0, 2)))
def test_ground_truth_form_is_between_0_and_1(a: tuple[np.ndarray, np.ndarray], visibility: np.ndarray) -> None:
    labels = np.tile(visibility, (len(a[0]), 1))
    found = oks_to_ground_truth(a[0], a[0], labels, a[1], SIGMAS, np.tile([0.0, 0, 9, 9], (len(a[0]), 1)))
    assert ((found >= 0) & (found <= 1)).all()
    if visibility.any():
        np.testing.assert_allclose(np.diag(found), 1)


def test_value_by_hand() -> None:
    a = np.asarray([[[0.0, 0], [0, 0], [0, 0]]])
    b = a + np.asarray([3.0, 4])
    expected = np.mean([np.exp(-25 / (2 * 150 * (2 * s) ** 2)) for s in SIGMAS])
    assert oks(a, b, [100], [200], SIGMAS)[0, 0] == pytest.approx(expected)


def test_only_labelled_keypoints_count_and_unlabelled_may_be_nan() -> None:
    truth = np.asarray([[[0.0, 0], [np.nan, np.nan], [0, 0]]])
    found = np.asarray([[[0.0, 0], [99, 99], [0, 0]]])
    assert oks_to_ground_truth(found, truth, [[2, 0, 1]], [50], SIGMAS)[0, 0] == 1


def test_without_labels_the_enlarged_box_counts() -> None:
    nobody = np.zeros((1, 3, 2)), [[0, 0, 0]], [100.0]
    box = [[100.0, 100, 110, 120]]
    inside = np.asarray([[[90.0, 80], [120, 140], [105, 105]]])
    assert oks_to_ground_truth(inside, *nobody, SIGMAS, box)[0, 0] == 1
    assert oks_to_ground_truth(inside - [1, 0], *nobody, SIGMAS, box)[0, 0] < 1
    with pytest.raises(ValueError, match="truth_boxes"):
        oks_to_ground_truth(inside, *nobody, SIGMAS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoints_a": np.full((1, 3, 2), np.nan)}, "keypoints_a must be finite.*rows \\[0\\]"),
        ({"keypoints_b": np.zeros((1, 4, 2))}, "same keypoints"),
        ({"keypoints_b": np.zeros((3, 2))}, "shape"),
        ({"areas_a": [-1.0]}, "areas_a"),
        ({"areas_b": [np.nan]}, "areas_b"),
        ({"sigmas": [0.1, 0.1, 0.0]}, "sigmas"),
    ],
)
def test_bad_input(changes: dict[str, object], message: str) -> None:
    arguments = {
        "keypoints_a": np.zeros((1, 3, 2)),
        "keypoints_b": np.zeros((1, 3, 2)),
        "areas_a": [1.0],
        "areas_b": [1.0],
        "sigmas": SIGMAS,
    }
    with pytest.raises(ValueError, match=message):
        oks(**{**arguments, **changes})  # type: ignore[arg-type]


def test_resolve_sigmas() -> None:
    np.testing.assert_array_equal(resolve_sigmas(None, SIGMAS, 3, "mine"), SIGMAS)
    np.testing.assert_array_equal(resolve_sigmas(0.05, SIGMAS, 3, "mine"), [0.05] * 3)
    with pytest.raises(ValueError, match=r"'mine' has none.*sigmas=0.05"):
        resolve_sigmas(None, None, 3, "mine")
    with pytest.raises(ValueError, match="3 values"):
        resolve_sigmas([0.1], None, 3, "mine")
