from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.drawn_classes import write_classes

from hrnet.data.classification_augmentation import ClassificationAugmentation
from hrnet.data.classification_samples import ClassificationSamples
from hrnet.data.datasets.class_folders import load_class_folders
from hrnet.data.rand_augment import OPERATIONS, rand_augment

EVERYTHING = ClassificationAugmentation(color=0.4, rand_augment_operations=2, rand_augment_magnitude=9, erasing_probability=0.5)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory):
    return load_class_folders(write_classes(tmp_path_factory.mktemp("classes"), 3)).pictures


def test_a_sample_follows_from_seed_epoch_and_index_alone(pictures) -> None:
    one, two = (ClassificationSamples(pictures, (32, 40), augmentation=EVERYTHING, seed=5) for _ in range(2))
    for index in range(len(one)):
        _ = two[7, index]
        first, second = one[3, index], two[3, index]
        assert first["image"].shape == (32, 40, 3)
        assert first["image"].dtype == np.uint8
        assert (first["image"] == second["image"]).all()
        assert (first["label"], first["mixing_seed"], first["index"]) == (index // 3, second["mixing_seed"], index)
    other_seed = ClassificationSamples(pictures, (32, 40), augmentation=EVERYTHING, seed=6)
    for changed in (one[4, 0], other_seed[3, 0]):
        assert (changed["image"] != one[3, 0]["image"]).any()
        assert changed["mixing_seed"] != one[3, 0]["mixing_seed"]


def test_without_augmentation_every_epoch_sees_the_middle(pictures) -> None:
    samples = ClassificationSamples(pictures, (32, 32))
    assert len(samples) == 9
    assert (samples[0, 4]["image"] == samples[9, 4]["image"]).all()
    assert (samples[4]["image"] == samples[0, 4]["image"]).all()


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 1000))
def test_regions_lie_in_the_picture_and_keep_their_bounds(height: int, width: int, seed: int) -> None:
    augmentation = ClassificationAugmentation(area=(0.2, 0.6))
    left, top, right, bottom = augmentation.draw_region((height, width), np.random.default_rng(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    across, down = right - left, bottom - top
    if min(height, width) > 60 and 0.5 < width / height < 2:  # rounding and long pictures aside
        assert 0.7 < across / down < 1.4
        assert 0.19 < across * down / (height * width) < 0.62 or across == width or down == height


def test_the_mean_region_is_as_large_as_drawn() -> None:
    draws = np.random.default_rng(0)
    regions = np.array([ClassificationAugmentation().draw_region((300, 300), draws) for _ in range(2000)])
    shares = (regions[:, 2] - regions[:, 0]) * (regions[:, 3] - regions[:, 1]) / 300**2
    assert shares.min() > 0.07
    assert 0.44 < shares.mean() < 0.54  # uniform in 0.08..1, the largest of which often do not fit


def test_mirroring() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, :10] = 200
    whole = ClassificationAugmentation(area=(1.0, 1.0), aspect_ratio=(1.0, 1.0))
    always, never = (replace(whole, flip_probability=p) for p in (1.0, 0.0))
    draws = np.random.default_rng(0)
    assert (always(image, (20, 20), "bilinear", draws) == image[:, ::-1]).all()
    assert (never(image, (20, 20), "bilinear", draws) == image).all()


def test_colours_change_within_their_strength() -> None:
    image = np.full((20, 20, 3), (100, 120, 140), np.uint8)
    jitter = ClassificationAugmentation(area=(1.0, 1.0), aspect_ratio=(1.0, 1.0), color=0.2)
    means = np.array([jitter(image, (20, 20), "bilinear", np.random.default_rng(seed)).mean() for seed in range(200)])
    assert means.min() > 0.75 * 120
    assert means.max() < 1.25 * 120
    assert means.std() > 5


def test_erasing_changes_a_rectangle() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    erase = ClassificationAugmentation(area=(1.0, 1.0), aspect_ratio=(1.0, 1.0), flip_probability=0, erasing_probability=1)
    for seed in range(20):
        changed = erase(image, (64, 64), "bilinear", np.random.default_rng(seed)).max(axis=2) > 0
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        share = len(rows) * len(columns) / changed.size
        assert 0.01 < share < 0.36
        assert changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.99


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_of_rand_augment(name: str) -> None:
    from PIL import Image

    image = np.random.default_rng(0).integers(0, 256, (24, 30, 3), np.uint8)
    image = np.repeat(np.repeat(image[::6, ::6], 6, 0), 6, 1)
    strong = [np.asarray(OPERATIONS[name](Image.fromarray(image), 1.0, negative)) for negative in (False, True)]
    weak = np.asarray(OPERATIONS[name](Image.fromarray(image), 0.0, False))
    assert all(result.shape == image.shape and result.dtype == np.uint8 for result in (*strong, weak))
    if name not in ("autocontrast", "equalize", "solarize"):  # which have no strength, or turn the brightest level first
        assert (weak == image).all()
    if name not in ("identity", "autocontrast"):
        assert any((result != image).any() for result in strong)


def test_rand_augment_applies_several() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    assert (rand_augment(image, 0, 9, np.random.default_rng(0)) == image).all()
    results = {rand_augment(image, 2, 9, np.random.default_rng(seed)).tobytes() for seed in range(30)}
    assert len(results) > 25


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"area": (0.0, 1.0)}, "area is .*got \\(0.0, 1.0\\)"),
        ({"area": (0.5, 1.5)}, "within 0..1"),
        ({"aspect_ratio": (2.0, 1.0)}, "aspect_ratio"),
        ({"flip_probability": 2}, "flip_probability must be in 0..1, got 2"),
        ({"rand_augment_magnitude": 11}, "magnitude in 0..10, got 0 of 11"),
    ],
)
def test_numbers_out_of_range(numbers: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClassificationAugmentation(**numbers)
