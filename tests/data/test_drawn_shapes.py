from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from hrnet.data.drawn_shapes import KINDS, DrawnShapes, ShapeLayout
from hrnet.structures.run_lengths import decode_mask


def test_pictures_depend_on_seed_epoch_and_index_alone() -> None:
    first, again = DrawnShapes(4, seed=3), DrawnShapes(9, seed=3)
    assert np.array_equal(first.scene(2, 1).image, again.scene(2, 1).image)
    others = [first.scene(2, 2), first.scene(1, 1), DrawnShapes(4, seed=4).scene(2, 1)]
    assert not any(np.array_equal(first.scene(2, 1).image, other.image) for other in others)


def test_fixed_pictures_are_none_of_those_that_change() -> None:
    fixed, changing = DrawnShapes(4, fixed=True), DrawnShapes(4)
    assert np.array_equal(fixed.scene(0, 1).image, fixed.scene(7, 1).image)
    assert not any(np.array_equal(fixed.scene(0, 1).image, changing.scene(epoch, 1).image) for epoch in range(3))


def test_shapes_touch_and_stay_visible() -> None:
    drawn = DrawnShapes(40, ShapeLayout(as_classes=True), seed=1)
    touching, kinds = 0, set()
    for index in range(len(drawn)):
        scene = drawn.scene(0, index)
        assert scene.image.shape == (128, 128, 3)
        areas = np.bincount(scene.labels.ravel(), minlength=len(scene) + 1)[1:]
        assert len(areas) == len(scene)
        assert (areas > 0).all()
        components = cv2.connectedComponents((scene.labels > 0).astype(np.uint8))[0] - 1
        touching += components < len(scene)
        kinds |= set(scene.class_ids.tolist())
    assert touching > len(drawn) / 2
    assert kinds == set(range(len(KINDS)))


def test_truth_is_what_is_seen() -> None:
    drawn = DrawnShapes(2, fixed=True)
    scene, truth = drawn.scene(0, 1), drawn.truth(1)
    assert len(truth) == len(scene)
    assert not truth.crowd.any()
    for number, runs in enumerate(truth.runs, start=1):
        assert np.array_equal(decode_mask(runs, truth.image_size), scene.labels == number)


def test_classes() -> None:
    assert ShapeLayout().class_set.classes == ("shape",)
    assert ShapeLayout(kinds=("star", "figure"), as_classes=True).class_set.classes == ("star", "figure")
    assert len(DrawnShapes(1, ShapeLayout(shapes=(0, 0))).scene(0, 0)) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": (16, 64)}, "at least 32"),
        ({"shapes": (3, 2)}, "fewest, most"),
        ({"shape_size": (0.0, 0.5)}, "smallest, largest"),
        ({"kinds": ("elipse",)}, "did you mean 'ellipse'"),
        ({"kinds": ()}, "kinds may hold"),
    ],
)
def test_refused_layouts(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ShapeLayout(**change)
