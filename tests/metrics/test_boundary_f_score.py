"""The boundary F-score: by hand, against all pairs of pixels, and for classes without an outline."""

from __future__ import annotations

import numpy as np
import pytest

from hrnet.metrics.boundary_f_score import BoundaryFScore
from hrnet.structures.class_set import ClassSet

TWO = ClassSet("two", ("ground", "thing"))
ONE_PIXEL = 0.9 / np.hypot(40, 40)  # of the diagonal; rounded up to 1


def square(left: int, top: int = 10, side: int = 12) -> np.ndarray:
    mask = np.zeros((40, 40), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def score(found: np.ndarray, true: np.ndarray, tolerance: float = ONE_PIXEL) -> float:
    metric = BoundaryFScore(TWO, tolerance)
    metric.update(found, true)
    return metric.compute().mean


def test_shifts_within_the_tolerance_do_not_matter() -> None:
    assert score(square(10), square(10)) == 1
    assert score(square(11), square(10)) == 1
    assert score(square(13), square(10)) < 1
    assert score(square(13), square(10), tolerance=3.5 * ONE_PIXEL) == 1
    assert score(square(13), square(10)) > score(square(16), square(10))


def test_it_is_what_all_pairs_of_pixels_give() -> None:
    draws = np.random.default_rng(0)
    found, true = square(10), square(12, 13)
    found[draws.random(found.shape) < 0.02] = 1
    true[:3] = 255
    metric = BoundaryFScore(TWO, ONE_PIXEL * 2)
    metric.update(found, true)
    counted = true != 255

    def outline(mask: np.ndarray) -> np.ndarray:
        places = []
        for y, x in np.argwhere(mask & counted):
            beside = [(y + dy, x + dx) for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))]
            inside = [place for place in beside if 0 <= place[0] < 40 and 0 <= place[1] < 40 and counted[place]]
            if any(not mask[place] for place in inside):
                places.append((y, x))
        return np.array(places)

    for index in range(2):
        one, two = outline(found == index), outline(true == index)
        apart = np.hypot(*(one[:, None] - two[None]).transpose(2, 0, 1))
        precision, recall = (apart.min(1) <= 2).mean(), (apart.min(0) <= 2).mean()
        wanted = 2 * precision * recall / (precision + recall)
        assert metric.compute().per_class[index] == pytest.approx(wanted)


def test_classes_without_outline() -> None:
    nothing = np.zeros((40, 40), np.uint8)
    assert score(nothing, square(10)) == 0  # nothing was found: the ground has no outline either
    metric = BoundaryFScore(TWO)
    metric.update(nothing, nothing)  # an empty picture, rightly found empty, says nothing about outlines
    assert metric.compute().pictures == 0
    assert np.isnan(metric.compute().mean)
    metric.update(square(10), square(10))
    found = metric.compute()
    assert (found.mean, found.pictures) == (1, 1)
    assert "0.75 % of the diagonal" in found.summary()
    assert found.to_dict()["per_class"] == {"ground": 1.0, "thing": 1.0}


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        BoundaryFScore(TWO, 2)
    with pytest.raises(ValueError, match=r"both be \(H, W\)"):
        BoundaryFScore(TWO).update(square(1), square(1)[:5])
    with pytest.raises(ValueError, match="got 7"):
        BoundaryFScore(TWO).update(square(1), square(1) * 7)
