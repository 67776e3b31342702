from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrnet.data.drawn_shapes import DrawnShapes, ShapeLayout
from hrnet.data.instance_samples import InstanceAugmentation, InstanceSamples, fit_matrix
from hrnet.data.instance_scenes import InstanceScene, keep_largest
from hrnet.geometry import apply_affine, compose, invert_affine

DRAWN = DrawnShapes(4, ShapeLayout(size=(64, 64), shapes=(3, 3)))


class OneScene:
    """A source of one picture, whose labels can be read off its colours."""

    def __init__(self, size: tuple[int, int]) -> None:
        labels = np.zeros(size, np.int16)
        labels[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
        labels[size[0] // 2 :, size[1] // 2 :] = 2
        self.given = InstanceScene(np.repeat(labels[..., None] * 100, 3, axis=2).astype(np.uint8), labels, np.array([4, 5]))

    def __len__(self) -> int:
        return 1

    def scene(self, epoch: int, index: int) -> InstanceScene:
        return self.given

    def truth(self, index: int) -> None:
        raise AssertionError("not asked for")


def test_samples_depend_on_epoch_and_index_alone() -> None:
    first = InstanceSamples(DRAWN, (64, 64), InstanceAugmentation(), seed=1)
    again = InstanceSamples(DRAWN, (64, 64), InstanceAugmentation(), seed=1)
    for name in ("image", "labels", "draws", "to_image"):
        assert np.array_equal(first[3, 2][name], again[3, 2][name])
    assert not np.array_equal(first[3, 2]["draws"], first[4, 2]["draws"])


@pytest.mark.parametrize("size", [(64, 64), (40, 90), (100, 30)])
def test_labels_lie_where_the_picture_does(size: tuple[int, int]) -> None:
    source = OneScene(size)
    for augmentation in (None, InstanceAugmentation(color=0.0, rotation=30)):
        sample = InstanceSamples(source, (64, 96), augmentation, seed=5)[0, 0]  # pyright: ignore[reportArgumentType]
        counted = sample["labels"] >= 0
        shown = np.round(sample["image"][..., 0] / 100)
        # Interpolated edges aside, the picture's colour is the label.
        assert (shown[counted] == sample["labels"][counted]).mean() > 0.93
        assert sample["class_ids"][:3].tolist() == [4, 5, -1]
        assert sample["image_size"].tolist() == list(size)


@given(*[st.integers(8, 700)] * 2, st.sampled_from([(64, 64), (96, 160)]))
def test_fitted_pictures_touch_the_border(height: int, width: int, input_size: tuple[int, int]) -> None:
    matrix = fit_matrix((height, width), input_size)
    edges = apply_affine(matrix, [[-0.5, -0.5], [width - 0.5, height - 0.5]]) + 0.5
    extent = edges[1] - edges[0]
    assert edges.min() >= -1e-6
    assert np.allclose(edges.sum(axis=0), input_size[::-1])  # centred
    assert np.isclose(extent / input_size[::-1], 1).any()
    assert np.allclose(compose(invert_affine(matrix), matrix), [[1, 0, 0], [0, 1, 0]], atol=1e-6)


def test_the_largest_are_kept_and_the_others_not_counted() -> None:
    labels = np.zeros((10, 10), np.int16)
    labels[:2], labels[2:3], labels[5:9], labels[9, 0] = 1, 2, 3, -1
    kept = keep_largest(InstanceScene(np.zeros((10, 10, 3), np.uint8), labels, np.array([7, 8, 9])), 2)
    assert kept.class_ids.tolist() == [7, 9]
    assert kept.labels[:, 5].tolist() == [1, 1, -1, 0, 0, 2, 2, 2, 2, 0]
    assert kept.labels[9, 0] == -1
    assert keep_largest(kept, 2) is kept
