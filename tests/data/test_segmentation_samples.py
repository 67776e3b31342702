"""Segmentation samples: against the record, by seed, and that picture and label map stay together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data.drawn_streets import COLORS, SIZE, street, write_streets
from golden.cases import assert_close, cases_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hrnet.data.class_sets import class_set
from hrnet.data.datasets.segmentation import load_segmentation_dataset
from hrnet.data.segmentation_augmentation import SegmentationAugmentation, mirror_label, pad, resize_label, resize_picture
from hrnet.data.segmentation_samples import SegmentationSamples, WholePictures
from hrnet.data.segmentation_sizes import SizeRule, padding_to_multiple, scaled_size
from hrnet.errors import AnnotationError
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD

case = cases_of("segmentation_training")


class Recorded:
    """The draws of the record, and the ranges they were asked for in."""

    def __init__(self, whole: list[int], flip: float) -> None:
        self.whole, self.flip = whole, flip
        self.ranges: list[list[int]] = []

    def integers(self, low: int, high: int, /) -> int:
        self.ranges.append([low, high - 1])
        return self.whole[len(self.ranges) - 1]

    def random(self) -> float:
        return self.flip


def test_label_of_a_training_sample_is_as_recorded() -> None:
    recorded = case("seg_train_sample")
    given_ = recorded.inputs
    label = given_["label"]
    draws = Recorded(
        [given_[f"{name}_draw"] for name in ("scale", "x", "y")], flip=0.4 if given_["flip_choice_0_or_1"] == 0 else 0.6
    )
    crop_size = tuple(given_["crop_hw"])
    augmentation = SegmentationAugmentation(base_size=given_["base_size"])
    draw = augmentation.draw(label.shape, crop_size, draws)
    assert draws.ranges == [span for _, span in given_["randint_ranges"]]
    picture = np.repeat(label[..., None], 3, axis=-1)
    _, window = augmentation.cut(picture, label, draw, crop_size)
    rows = recorded.outputs["label"].shape[0]  # the recorded y reaches beyond the picture: the rest is padding
    assert_close(recorded, "label", window[:rows])
    assert (window[rows:] == 255).all()
    assert np.abs(window[:rows].astype(int) - recorded.outputs["label"]).max() == 0  # better than asked for


def test_short_side_is_as_recorded() -> None:
    recorded = case("seg_train_sample")
    label = recorded.inputs["label"]
    size = scaled_size(label.shape, "short_side", 100)
    assert_close(recorded, "short_side_size_without_stride", size)
    below, right = padding_to_multiple(size, 8)
    assert_close(recorded, "short_side_padding_hw", (below, right))
    padded = pad(resize_label(label, size), (size[0] + below, size[1] + right), 255)
    assert_close(recorded, "short_side_label_strided", padded[::2, ::2])


def test_pictures_are_as_recorded() -> None:
    recorded = case("seg_train_sample")
    image = np.ascontiguousarray(recorded.photograph("image_bgr")[..., ::-1])
    given_, label = recorded.inputs, recorded.inputs["label"]
    crop_size = tuple(given_["crop_hw"])
    augmentation = SegmentationAugmentation(base_size=given_["base_size"])
    draw = augmentation.draw(label.shape, crop_size, Recorded([8, 30, 10], flip=0.4))
    window, _ = augmentation.cut(image, label, draw, crop_size)
    rows = recorded.outputs["label"].shape[0]
    normalized = (window[:rows] / 255 - IMAGENET_MEAN) / IMAGENET_STD
    assert_close(recorded, "image_strided", normalized.transpose(2, 0, 1)[:, ::4, ::4], recorded.photograph("image_strided"))
    red, green, blue = (round(255 * value) for value in IMAGENET_MEAN)
    padded = pad(resize_picture(image, (100, 151)), (104, 152), (red, green, blue))
    wanted = recorded.photograph("short_side_image_strided")
    assert_close(recorded, "short_side_image_strided", padded[::4, ::4, ::-1], wanted)


def test_lip_labels_mirror_as_recorded() -> None:
    recorded = case("seg_lip_flip_labels")
    mirrored = mirror_label(recorded.inputs["label"][None], class_set("lip").flip_indices)
    assert_close(recorded, "mirrored_and_swapped", mirrored[0])
    assert mirror_label(np.array([[255, 14]], np.uint8), class_set("lip").flip_indices).tolist() == [[15, 255]]


@given(st.integers(1, 900), st.integers(1, 900), st.integers(32, 600), st.floats(0.3, 2.5))
def test_sizes(height: int, width: int, base: int, scale: float) -> None:
    length = max(1, int(base * scale + 0.5))
    rules: tuple[SizeRule, SizeRule] = ("long_side", "short_side")
    for rule, side in zip(rules, (max, min), strict=True):
        size = scaled_size((height, width), rule, base, scale)
        assert side(size) == length or height != width
        assert size[0 if (height > width) == (rule == "long_side") else 1] == length
        assert abs(size[0] * width - size[1] * height) <= max(height, width)
    assert scaled_size((height, width), "own", base) == (height, width)
    assert scaled_size((height, width), "stretch", base, scale) == (length, length)


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streets")
    write_streets(folder, "train", 4)
    return folder


def samples(folder: Path, seed: int = 0, **strengths: object) -> SegmentationSamples:
    dataset = load_segmentation_dataset(folder / "images/train", folder / "labels/train")
    settings = {"base_size": 64, "scale": (0.5, 1.5), "scale_step": None} | strengths
    return SegmentationSamples(dataset, (40, 56), SegmentationAugmentation(**settings), seed)  # pyright: ignore[reportArgumentType]


def test_samples_depend_on_seed_epoch_and_index_alone(streets: Path) -> None:
    one, other = samples(streets, color=0.5), samples(streets, color=0.5)
    for key in ((3, 1), (0, 0), (3, 2)):
        first, second = one[key], other[key]
        assert (first["image"] == second["image"]).all()
        assert (first["label"] == second["label"]).all()
        assert first["index"] == key[1]
    assert (one[0, 1]["label"] != one[1, 1]["label"]).any()
    assert (one[0, 1]["label"] != samples(streets, seed=1)[0, 1]["label"]).any()


def test_picture_and_labels_stay_together(streets: Path) -> None:
    seen = set()
    for epoch in range(12):
        sample = samples(streets)[epoch, epoch % 4]
        image, label = sample["image"], sample["label"]
        assert image.shape == (40, 56, 3)
        assert label.shape == (40, 56)
        nearest = np.abs(image[:, :, None].astype(int) - COLORS).sum(-1).argmin(-1)
        black = image.sum(-1) == 0
        known = label != 255
        assert (nearest == label)[known].mean() > 0.95  # outlines are blurred
        assert (label[black] == 255).all()  # outside of the picture
        seen.add(bool(black.any()))
    assert seen == {True, False}


def test_mirroring_is_as_likely_as_asked_for(streets: Path) -> None:
    for probability in (0.0, 1.0):
        augmentation = SegmentationAugmentation(flip_probability=probability)
        drawn = {augmentation.draw((48, 64), (32, 32), np.random.default_rng(seed)).mirrored for seed in range(20)}
        assert drawn == {probability > 0}
    image, label = street(0)
    whole = SegmentationAugmentation(base_size=64, scale=(1.0, 1.0), flip_probability=1.0)
    draw = whole.draw(SIZE, SIZE, np.random.default_rng(0))
    window, classes = whole.cut(image, label, draw, SIZE, 255, (1, 0, 2))
    assert (window == image[:, ::-1]).all()
    assert (classes == np.array([1, 0, 2, *[255] * 253])[label[:, ::-1]]).all()


def test_what_pictures_are_resized_to_first() -> None:
    image, label = street(0)
    stretched = SegmentationAugmentation(base_size=80, scale=(1.0, 1.0), first_rule="stretch", first_size=80)
    draw = stretched.draw(SIZE, (80, 80), np.random.default_rng(0))
    assert draw.size == (80, 80)
    assert stretched.cut(image, label, draw, (80, 80))[0].shape == (80, 80, 3)
    for wrong in ({"scale": (1.0, 0.5)}, {"scale_step": 0.0}, {"base_size": 0}):
        with pytest.raises(ValueError, match=r"must|smallest"):
            SegmentationAugmentation(**wrong)  # pyright: ignore[reportArgumentType]


def test_whole_pictures(streets: Path) -> None:
    dataset = samples(streets).dataset
    whole = WholePictures(dataset, "short_side", 60, pad_multiple=16, padding=(9, 8, 7))
    sample = whole[5, 2]
    assert sample["image"].shape == (64, 80, 3)
    assert sample["shown"].tolist() == [60, 80]
    assert (sample["image"][60:] == (9, 8, 7)).all()
    assert (sample["label"] == street(2)[1]).all()
    assert (WholePictures(dataset)[1]["image"] == street(1)[0]).all()
    assert whole.same_size()


def test_sizes_that_do_not_fit(streets: Path, tmp_path: Path) -> None:
    write_streets(tmp_path, "train", 2)
    Image.fromarray(np.zeros((48, 60), np.uint8)).save(tmp_path / "labels/train/001.png")
    with pytest.raises(AnnotationError, match=r"expected the size of its picture 001\.png, 64 x 48 pixels, got 60 x 48"):
        samples(tmp_path)[0, 1]
    Image.fromarray(np.zeros((48, 60, 3), np.uint8)).save(tmp_path / "images/train/001.png")
    assert not WholePictures(samples(tmp_path).dataset).same_size()
