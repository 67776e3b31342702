"""Masks of polygons, run lengths and boxes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hrnet.data.datasets.annotation_file import Entry
from hrnet.data.mosaic_files import run_lengths
from hrnet.data.region_masks import Region, covered, region_of_entry
from hrnet.errors import AnnotationError, MissingExtraError

BOX = np.array([2.0, 3.0, 6.0, 8.0])
SIZE = (10, 12)


def region(segmentation: object) -> Region:
    return region_of_entry(Entry(Path("a.json"), "annotation 7", {"segmentation": segmentation}), BOX)


def test_boxes_and_nothing() -> None:
    assert not covered([], SIZE).any()
    for empty in (None, [], [[1, 2, 3, 4]]):  # two corners are no polygon
        mask = covered([region(empty)], SIZE)
        assert mask[3:8, 2:6].all()
        assert mask.sum() == 20
    outside = Region("", np.array([-5.0, -5.0, 500.0, 2.0]))
    assert covered([outside], SIZE).sum() == 2 * 12


@given(arrays(np.bool_, SIZE))
def test_run_lengths_round_trip(mask: np.ndarray) -> None:
    pytest.importorskip("faster_coco_eval")
    assert np.array_equal(covered([region(run_lengths(mask))], SIZE), mask)


@given(st.integers(0, 11), st.integers(0, 9), st.integers(0, 11), st.integers(0, 9))
def test_rectangles_as_polygons(left: int, top: int, right: int, bottom: int) -> None:
    pytest.importorskip("faster_coco_eval")
    corners = [left, top, right, top, right, bottom, left, bottom]
    expected = np.zeros(SIZE, bool)
    expected[min(top, bottom) : max(top, bottom), min(left, right) : max(left, right)] = True
    assert np.array_equal(covered([region([corners])], SIZE), expected)


def test_union_and_compressed_run_lengths() -> None:
    coco = pytest.importorskip("faster_coco_eval.core.mask")
    first, second = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    first[2:5, 2:9], second[4:8, 6:12] = True, True
    packed = coco.encode(np.asfortranarray(first.astype(np.uint8)))
    text = {"size": packed["size"], "counts": packed["counts"].decode()}
    assert np.array_equal(covered([region(text), region(run_lengths(second))], SIZE), first | second)


@pytest.mark.parametrize(
    "broken",
    [
        5,
        "abc",
        {"counts": [3]},
        {"size": [10, 12], "counts": None},
        {"size": [10, 12], "counts": [5, -5, 120]},
        {"size": [10, 12], "counts": [1.5, 118.5]},
        [[1, 2, 3, 4, 5, 6, 7]],
        [[1, 2, 3, 4, 5, float("nan")]],
        [["a", 2, 3, 4, 5, 6]],
        [[[1, 2], [3, 4], [5, 6]]],
    ],
)
def test_broken_segmentations(broken: object) -> None:
    with pytest.raises(AnnotationError, match=r"a\.json: annotation 7: field 'segmentation' must be"):
        region(broken)


def test_run_lengths_that_do_not_fit() -> None:
    pytest.importorskip("faster_coco_eval")
    with pytest.raises(AnnotationError, match=r"annotation 7: its run lengths are of a picture of .* \(12, 10\)"):
        covered([region({"size": [12, 10], "counts": [120]})], SIZE)
    for counts in ([50], [500], "zzzz"):
        with pytest.raises(AnnotationError, match="annotation 7: its segmentation is broken"):
            covered([region({"size": [10, 12], "counts": counts})], SIZE)


def test_far_corners_are_harmless() -> None:
    pytest.importorskip("faster_coco_eval")
    assert covered([region([[-1e12, -1e12, 1e12, -1e12, 1e12, 1e12, -1e12, 1e12]])], SIZE).all()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_coco_eval.core", None)
    assert covered([Region("", BOX)], SIZE).any()
    with pytest.raises(MissingExtraError, match=r"hrnet\[train\]"):
        covered([region([[1, 1, 5, 1, 5, 5]])], SIZE)
