from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrnet.data.keypoint_sets import (
    flip_indices_from_names,
    keypoint_set,
    keypoint_set_from_category,
    list_keypoint_sets,
    sets_of_size,
)
from hrnet.errors import AnnotationError


@pytest.mark.parametrize("name", list_keypoint_sets())
def test_every_set_is_sound(name):
    found = keypoint_set(name)  # the structure checks itself
    assert found.name == name
    assert found.sigmas is None or min(found.sigmas) > 0
    assert np.array(found.colors).min(initial=0) >= 0
    assert np.array(found.colors).max(initial=255) <= 255


def test_there_are_55_published_sets_and_lsp():
    names = list_keypoint_sets()
    assert len(names) == 56
    assert {"coco", "mpii", "lsp", "crowdpose", "coco_wholebody", "300w", "wflw", "ap10k"} <= set(names)


def test_known_facts_of_coco_and_lsp():
    coco, lsp = keypoint_set("coco"), keypoint_set("lsp")
    assert coco.flip_indices == (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
    assert coco.sigmas is not None
    assert coco.sigmas[:2] == (0.026, 0.025)
    assert coco.upper_body == tuple(range(11))
    assert lsp.keypoints[0] == "right_ankle"
    assert lsp.keypoints[13] == "head_top"
    assert lsp.flip_indices == (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13)
    assert lsp.upper_body == tuple(range(6, 14))
    for k, name in enumerate(lsp.keypoints):
        assert (lsp.colors[k] == lsp.colors[lsp.flip_indices[k]]) == (not name.startswith(("left", "right")))


def test_mended_tables():
    mirrored = keypoint_set("deepfashion2").flip_indices
    assert (mirrored[136], mirrored[140]) == (140, 136)
    weights = keypoint_set("coco_aic").joint_weights
    assert weights is not None
    assert len(weights) == 19
    assert weights[18] == 1.0


def test_sets_with_the_same_content_keep_their_names():
    assert keypoint_set("humanart").name == "humanart"
    assert keypoint_set("humanart").keypoints == keypoint_set("coco").keypoints


def test_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match=r"'cocoo'.*'coco'"):
        keypoint_set("cocoo")
    assert keypoint_set("Coco-Wholebody").name == "coco_wholebody"


def test_sets_of_size():
    assert sets_of_size(98) == ["wflw"]
    assert sets_of_size(68)[0] == "300w"


def test_category_with_known_names_takes_everything_from_that_set():
    coco = keypoint_set("coco")
    found = keypoint_set_from_category(
        {"id": 1, "name": "person", "keypoints": list(coco.keypoints), "skeleton": [[16, 14], [14, 12]]}
    )
    assert found.name == "coco"
    assert found.sigmas == coco.sigmas
    assert found.flip_indices == coco.flip_indices
    assert found.skeleton == ((15, 13), (13, 11))
    assert keypoint_set_from_category({"name": "person", "keypoints": list(coco.keypoints)}, "mine").name == "mine"
    assert keypoint_set_from_category({"keypoints": list(coco.keypoints)}).skeleton == coco.skeleton


@pytest.mark.parametrize(
    ("names", "flips"),
    [
        (["nose", "left_x", "right_x"], (0, 2, 1)),
        (["r_hip", "l_hip", "tail"], (1, 0, 2)),
        (["hip_left", "root", "hip_right"], (2, 1, 0)),
        (["lhip", "rhip", "lip"], (1, 0, 2)),
        (["LeftEye", "RightEye"], (1, 0)),
        (["Left Eye", "right eye"], (1, 0)),
        (["eyeL", "eyeR", "legL1", "legR1"], (1, 0, 3, 2)),
        (["upper-left-lip", "upper-right-lip"], (1, 0)),
        (["left_paw", "tail"], (0, 1)),
    ],
)
def test_flip_pairs_from_names(names, flips):
    assert flip_indices_from_names(names) == flips


@given(st.lists(st.text("lrefightLR_x1 ", min_size=1, max_size=8), min_size=1, max_size=12, unique=True))
def test_flip_pairs_are_always_their_own_inverse(names):
    flips = flip_indices_from_names(names)
    assert sorted(flips) == list(range(len(names)))
    assert all(flips[flips[k]] == k for k in range(len(names)))


def test_category_with_own_names():
    category = {
        "name": "robot",
        "keypoints": ["antenna", "left_claw", "right_claw", "left_elbow"],
        "skeleton": [[1, 2], [1, 3]],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = keypoint_set_from_category(category)
    assert (found.name, found.flip_indices, found.skeleton) == ("robot", (0, 2, 1, 3), ((0, 1), (0, 2)))
    assert found.sigmas is None
    assert found.upper_body == (3,)


def test_no_pairs_is_announced():
    with pytest.warns(UserWarning, match="no left/right pairs"):
        found = keypoint_set_from_category({"name": "stick", "keypoints": ["tip", "end"]})
    assert found.flip_indices == (0, 1)


def test_skeleton_of_another_set_is_announced_and_ignored():
    with pytest.warns(UserWarning, match="skeleton refers to keypoints beyond its 3"):
        found = keypoint_set_from_category({"name": "x", "keypoints": ["a", "left_b", "right_b"], "skeleton": [[1, 17]]})
    assert found.skeleton == ()


@pytest.mark.parametrize(
    ("category", "message"),
    [
        ({"name": "x"}, "'keypoints' must be a list of names"),
        ({"name": "x", "keypoints": "nose"}, "'keypoints' must be a list of names"),
        ({"name": "x", "keypoints": [1, 2]}, "'keypoints' must be a list of names"),
        ({"name": "x", "keypoints": []}, "empty"),
        ({"name": "x", "keypoints": ["a", "b", "a"]}, "'a' more than once"),
        ({"name": "x", "keypoints": ["a", "b"], "skeleton": [[1]]}, "pairs of keypoint numbers"),
        ({"name": "x", "keypoints": ["a", "b"], "skeleton": [[1, "b"]]}, "pairs of keypoint numbers"),
    ],
)
def test_broken_categories(category, message):
    with pytest.raises(AnnotationError, match=message):
        keypoint_set_from_category(category)
