from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hrnet.structures.run_lengths import (
    area_of_runs,
    box_of_runs,
    checked_runs,
    compress_runs,
    decode_mask,
    encode_labels,
    encode_mask,
    expand_runs,
)

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
MASKS = SIZES.flatmap(lambda size: arrays.arrays(np.bool_, size))


@given(MASKS)
def test_masks_come_back(mask: np.ndarray) -> None:
    runs = encode_mask(mask)
    assert np.array_equal(decode_mask(runs, mask.shape), mask)
    assert np.array_equal(expand_runs(compress_runs(runs)), runs)
    assert area_of_runs(runs) == mask.sum()


@given(MASKS)
def test_boxes_are_those_of_the_pixels(mask: np.ndarray) -> None:
    rows, columns = np.nonzero(mask)
    expected = [columns.min(), rows.min(), columns.max(), rows.max()] if len(rows) else [0, 0, 0, 0]
    assert box_of_runs(encode_mask(mask), len(mask)).tolist() == expected


@given(SIZES.flatmap(lambda size: arrays.arrays(np.int16, size, elements=st.integers(-1, 3))))
def test_labels_are_masks_of_one_map(labels: np.ndarray) -> None:
    for number, runs in enumerate(encode_labels(labels, 3), start=1):
        assert np.array_equal(runs, encode_mask(labels == number))


@given(MASKS)
def test_text_is_that_of_cocos_tools(mask: np.ndarray) -> None:
    coco = pytest.importorskip("faster_coco_eval.core.mask")
    text = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    assert compress_runs(encode_mask(mask)) == (text.decode() if isinstance(text, bytes) else text)


def test_long_runs_are_written_in_several_characters() -> None:
    runs = np.array([100_000, 3, 40, 2_000_000, 0, 70_000])
    assert expand_runs(compress_runs(runs)).tolist() == runs.tolist()


@pytest.mark.parametrize("runs", [[3, 4], [-1, 13], [[6, 6]], [5.5, 6.5]])
def test_runs_that_do_not_fill_the_picture(runs: list[float]) -> None:
    with pytest.raises(ValueError, match="run lengths must"):
        checked_runs(runs, (3, 4))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("text", ["~", "o"])
def test_text_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="compressed run lengths"):
        expand_runs(text)
