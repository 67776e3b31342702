"""Drawing: what is drawn, what is left out, and what must not crash."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hrnet.drawing import (
    LEFT_COLOR,
    MIDDLE_COLOR,
    RIGHT_COLOR,
    contact_sheet,
    draw_poses,
    encode_picture,
    keypoint_colors,
    track_color,
)
from hrnet.structures import KeypointSet

BODY = KeypointSet("body", ("nose", "left_hand", "right_hand"), (0, 2, 1), ((0, 1), (0, 2)))
FACE = KeypointSet("face", tuple(f"p{i}" for i in range(98)), tuple(range(98)))
GREY = np.full((120, 160, 3), 128, np.uint8)
POINTS = np.array([[[80, 20], [120, 90], [40, 90]]], float)


def test_limbs_and_joints_are_drawn_in_the_sides_colours():
    drawn = draw_poses(GREY, POINTS, np.ones((1, 3)), BODY)
    changed = (drawn != GREY).any(axis=2)
    assert changed[90, 120]
    assert changed[90, 40]
    assert changed[55, 100]  # the middle of the left limb
    assert changed.mean() < 0.1
    assert drawn[73, 110].argmax() == 2  # blue towards the left hand
    assert drawn[73, 50].argmax() == 0  # orange towards the right hand
    assert (GREY == 128).all()


def test_low_scores_nan_scores_and_nan_points_are_not_drawn():
    for score in (0.1, np.nan):
        assert (draw_poses(GREY, POINTS, np.full((1, 3), score), BODY) == GREY).all()
    assert (draw_poses(GREY, np.full((1, 3, 2), np.nan), np.ones((1, 3)), BODY) == GREY).all()
    without_left = draw_poses(GREY, POINTS, np.array([[1, 0.1, 1]]), BODY)
    assert (without_left[:, 100:] == GREY[:, 100:]).all()


def test_a_set_without_a_skeleton_is_drawn_as_dots():
    angle = np.linspace(0, 2 * np.pi, 98, endpoint=False)
    points = np.stack([80 + 50 * np.cos(angle), 60 + 50 * np.sin(angle)], axis=1)[None]
    drawn = draw_poses(GREY, points, np.ones((1, 98)), FACE)
    assert (drawn != GREY).any(axis=2).sum() > 98


def test_sizes_follow_the_person():
    small = (draw_poses(np.full((900, 900, 3), 128, np.uint8), POINTS, np.ones((1, 3)), BODY) != 128).any(axis=2).sum()
    large = (draw_poses(np.full((900, 900, 3), 128, np.uint8), POINTS * 8, np.ones((1, 3)), BODY) != 128).any(axis=2).sum()
    assert large > 16 * small


def test_copy_false_draws_on_the_picture_itself():
    canvas = GREY.copy()
    assert draw_poses(canvas, POINTS, np.ones((1, 3)), BODY, copy=False) is canvas
    assert (canvas != GREY).any()
    with pytest.raises(ValueError, match="contiguous"):
        draw_poses(canvas[:, ::-1], POINTS, np.ones((1, 3)), BODY, copy=False)
    assert draw_poses(canvas[:, ::-1], POINTS, np.ones((1, 3)), BODY).shape == canvas.shape


def test_boxes_and_nobody():
    drawn = draw_poses(GREY, POINTS, np.zeros((1, 3)), BODY, boxes=np.array([[10, 10, 150, 110]]), box_scores=np.array([0.5]))
    assert (drawn != GREY).any()
    draw_poses(
        GREY, POINTS, np.zeros((1, 3)), BODY, boxes=np.array([[np.nan, 1e30, -1e30, np.inf]]), box_scores=np.array([0.5])
    )
    assert (draw_poses(GREY, np.zeros((0, 3, 2)), np.zeros((0, 3)), BODY, boxes=np.zeros((0, 4))) == GREY).all()


@settings(max_examples=60, deadline=None)
@given(
    points=arrays(np.float64, (2, 3, 2), elements=st.floats(allow_nan=True, allow_infinity=True) | st.floats(-300, 300)),
    shape=st.sampled_from([(1, 1, 3), (3, 200, 3), (64, 48, 3)]),
)
def test_no_point_crashes(points, shape):
    boxes = np.concatenate([points[:, 0], points[:, 1]], axis=1)
    drawn = draw_poses(np.zeros(shape, np.uint8), points, np.ones((2, 3)), BODY, boxes, np.ones(2))
    assert drawn.shape == shape
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize(
    ("image", "points", "scores", "match"),
    [
        (GREY[..., 0], POINTS, np.ones((1, 3)), r"\(H, W, 3\)"),
        (GREY.astype(np.float32), POINTS, np.ones((1, 3)), "float32"),
        ("picture.jpg", POINTS, np.ones((1, 3)), "str"),
        (GREY, POINTS[:, :2], np.ones((1, 2)), r"\(N, 3, 2\)"),
        (GREY, POINTS, np.ones((1, 2)), "scores must have shape"),
    ],
)
def test_wrong_shapes_are_refused(image, points, scores, match):
    with pytest.raises(ValueError, match=match):
        draw_poses(image, points, scores, BODY)


def test_colours_come_from_the_set_or_the_side():
    assert keypoint_colors(BODY) == [MIDDLE_COLOR, LEFT_COLOR, RIGHT_COLOR]
    unnamed = KeypointSet("pairs", ("a", "b"), (1, 0))
    assert keypoint_colors(unnamed) == [LEFT_COLOR, RIGHT_COLOR]
    own = KeypointSet("own", ("a", "b"), (1, 0), colors=((1, 2, 3), (4, 5, 6)))
    assert keypoint_colors(own) == [(1, 2, 3), (4, 5, 6)]


def test_contact_sheet_keeps_proportions_and_fits_captions():
    red, wide = np.full((50, 50, 3), (255, 0, 0), np.uint8), np.full((10, 100, 3), (0, 255, 0), np.uint8)
    sheet = contact_sheet([red, wide, red], columns=2, cell=(80, 100), captions=["one", "a caption far too long " * 9, ""])
    assert (sheet == (255, 0, 0)).all(axis=2).sum() == 2 * 80 * 80
    assert (sheet == (0, 255, 0)).all(axis=2).sum() == 100 * 10
    assert contact_sheet([red], columns=5, cell=(80, 80)).shape[1] < 100
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([], 2)
    with pytest.raises(ValueError, match="captions"):
        contact_sheet([red], 2, captions=[])


def test_encode_picture_refuses_unknown_kinds():
    assert encode_picture(GREY, ".png").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"\.xyz"):
        encode_picture(GREY, ".xyz")


def test_a_track_has_one_colour_and_its_number_beside_it():
    drawn = draw_poses(GREY, POINTS, np.ones((1, 3)), BODY, track_ids=np.array([7]))
    for place in ((55, 100), (55, 60)):  # the middles of both limbs
        np.testing.assert_allclose(drawn[place].astype(int), track_color(7), atol=40)
    assert (drawn[:18] != GREY[:18]).any()  # above the topmost joint
    np.testing.assert_array_equal(drawn, draw_poses(GREY, POINTS, np.ones((1, 3)), BODY, track_ids=np.array([7])))
    untracked = draw_poses(GREY, POINTS, np.ones((1, 3)), BODY, track_ids=np.array([-1]))
    assert (untracked[:12] == GREY[:12]).all()
    assert np.ptp(untracked.astype(int), axis=2).max() <= 6  # grey, but for the bluish outline
    with pytest.raises(ValueError, match="1 people but 2 track_ids"):
        draw_poses(GREY, POINTS, np.ones((1, 3)), BODY, track_ids=np.array([1, 2]))


def test_neighbouring_tracks_have_colours_far_apart():
    colors = np.array([track_color(number) for number in range(1, 61)], int)
    assert track_color(12) == track_color(12)
    assert len(np.unique(colors, axis=0)) == 60
    steps = np.abs(np.diff(colors, axis=0)).max(axis=1)
    assert steps.min() > 60
