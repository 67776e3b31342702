"""MOTA and IDF1 on cases counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hrnet.metrics.tracking import Matching, TrackingAccuracy, TrackingResult
from hrnet.structures import KeypointSet

SET = KeypointSet("three", ("nose", "left_hand", "right_hand"), (0, 2, 1), sigmas=(0.05, 0.1, 0.1))
POSE = np.array([[50.0, 0], [0, 100], [100, 100]])


def people(*places: float) -> np.ndarray:
    return np.array([POSE + np.array([1000 * place, 0]) for place in places]).reshape(-1, 3, 2)


def measure(*frames: tuple[dict[int, int], dict[int, int]], matching: Matching = "oks") -> TrackingResult:
    """Each frame: predicted and true people as {place: id}."""
    accuracy = TrackingAccuracy(SET, matching)
    for found, truth in frames:
        accuracy.update(people(*found), list(found.values()), people(*truth), list(truth.values()))
    return accuracy.compute()


@pytest.mark.parametrize("matching", ["oks", "distance"])
def test_a_perfect_tracker(matching):
    result = measure(*[({0: 7, 1: 8}, {0: 1, 1: 2})] * 4, matching=matching)
    assert (result.mota, result.idf1, result.similarity) == (1, 1, 1)
    assert (result.matches, result.people, result.frames, result.tracks, result.identities) == (8, 8, 4, 2, 2)
    assert result.id_switches == result.fragmentations == result.misses == result.false_positives == 0


def test_ids_that_are_exchanged_halfway():
    before, after = ({0: 7, 1: 8}, {0: 1, 1: 2}), ({0: 8, 1: 7}, {0: 1, 1: 2})
    result = measure(before, before, after, after)
    assert result.id_switches == 2
    assert result.mota == pytest.approx(1 - 2 / 8)
    assert result.idf1 == pytest.approx(0.5)


def test_misses_and_false_positives():
    result = measure(({0: 7, 5: 9}, {0: 1, 1: 2}), ({0: 7}, {0: 1}))
    assert (result.misses, result.false_positives, result.matches) == (1, 1, 2)
    assert result.mota == pytest.approx(1 - 2 / 3)
    assert result.idf1 == pytest.approx(2 * 2 / (3 + 3))
    assert result.id_precision == result.id_recall == pytest.approx(2 / 3)


def test_a_track_that_breaks_and_goes_on_under_another_number():
    seen, missed, again = ({0: 7}, {0: 1}), ({}, {0: 1}), ({0: 9}, {0: 1})
    result = measure(seen, seen, seen, missed, again)
    assert (result.id_switches, result.fragmentations, result.misses) == (1, 1, 1)
    assert result.mota == pytest.approx(1 - 2 / 5)
    assert result.idf1 == pytest.approx(2 * 3 / (4 + 5))


def test_somebody_who_was_away_is_no_fragmentation():
    result = measure(({0: 7}, {0: 1}), ({}, {}), ({0: 7}, {0: 1}))
    assert (result.fragmentations, result.id_switches, result.mota) == (0, 0, 1)


def test_a_match_that_holds_is_kept_though_another_is_nearer():
    accuracy = TrackingAccuracy(SET, "distance", threshold=0.3)
    accuracy.update(people(0), [7], people(0), [1])
    accuracy.update(people(0.02), [7], people(0), [1])
    near = np.concatenate([people(0.02), people(0)])
    accuracy.update(near, [7, 8], people(0), [1])
    result = accuracy.compute()
    assert (result.id_switches, result.false_positives) == (0, 1)


def test_sequences_do_not_share_ids():
    accuracy = TrackingAccuracy(SET)
    for sequence, number in (("a", 7), ("b", 8)):
        for _ in range(2):
            accuracy.update(people(0), [number], people(0), [1], sequence=sequence)
    result = accuracy.compute()
    assert (result.id_switches, result.identities, result.tracks, result.idf1) == (0, 2, 2, 1)


def test_people_without_a_track_or_without_labels_do_not_count():
    accuracy = TrackingAccuracy(SET)
    accuracy.update(people(0, 1), [7, -1], people(0, 1), [1, 2], visibility=[[2, 2, 1], [0, 0, 0]])
    result = accuracy.compute()
    assert (result.people, result.predictions, result.mota) == (1, 1, 1)


def test_joints_that_are_missing_are_far_away():
    for matching in ("oks", "distance"):
        accuracy = TrackingAccuracy(SET, matching)
        accuracy.update(np.full((1, 3, 2), np.nan), [7], people(0), [1])
        assert accuracy.compute().matches == 0
    accuracy = TrackingAccuracy(SET)
    truth = people(0)
    truth[0, 1] = np.nan
    accuracy.update(people(0), [7], truth, [1], visibility=[[2, 0, 2]])
    assert accuracy.compute().mota == 1


def test_nothing_at_all_is_undefined():
    accuracy = TrackingAccuracy(SET)
    accuracy.update([], [], [], [])
    result = accuracy.compute()
    assert np.isnan(result.mota)
    assert result.to_dict()["idf1"] is None
    json.dumps(result.to_dict(), allow_nan=False)
    assert "MOTA" in result.summary()
    assert "OKS >= 0.5" in result.summary()
    only_wrong = measure(({0: 7}, {}))
    assert (only_wrong.false_positives, only_wrong.idf1) == (1, 0)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"track_ids": [7, 7]}, "once"),
        ({"track_ids": [7]}, "2 whole numbers"),
        ({"track_ids": [7.0, 8.0]}, "whole numbers"),
        ({"keypoints": np.zeros((2, 4, 2))}, r"\(people, 3, 2\)"),
        ({"visibility": [[1, 1, 1]]}, "visibility must"),
        ({"areas": [5.0]}, "areas must"),
        ({"truth_ids": [1, 1]}, "truth_ids must name everybody"),
    ],
)
def test_what_does_not_fit_is_refused(given, match):
    sound = {"keypoints": people(0, 1), "track_ids": [7, 8], "truth_keypoints": people(0, 1), "truth_ids": [1, 2]}
    with pytest.raises(ValueError, match=match):
        TrackingAccuracy(SET).update(**{**sound, **given})


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="'oks' or 'distance'"):
        TrackingAccuracy(SET, "boxes")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="between 0 and 1"):
        TrackingAccuracy(SET, threshold=1.5)
    with pytest.raises(ValueError, match="sigma"):
        TrackingAccuracy(KeypointSet("bare", ("a",), (0,)))
    TrackingAccuracy(KeypointSet("bare", ("a",), (0,)), "distance")
