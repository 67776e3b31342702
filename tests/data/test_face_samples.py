"""Faces as network inputs: labels lie where the crop shows them, whatever was drawn, and draws are repeatable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data.face_files import HEIGHT, WIDTH, draw_face
from hypothesis import given, settings
from hypothesis import strategies as st

from hrnet.data.datasets.face_dataset import face_record
from hrnet.data.face_augmentation import FaceAugmentation
from hrnet.data.face_crop import crop_face, face_to_picture, published_offset
from hrnet.data.face_samples import FaceSamples, PublishedFaceSamples
from hrnet.errors import ImageError
from hrnet.geometry import CropConvention, apply_affine
from hrnet.structures import KeypointSet, PersonRecord

EYES = KeypointSet("eyes", ("left_eye", "right_eye", "chin"), (1, 0, 2))
POINTS = np.array([[42.0, 18.0], [20.0, 20.0], [30.0, 44.0]])
ALL = FaceAugmentation(rotation_probability=1.0, shift=0.1, color=0.3)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> PersonRecord:
    path = tmp_path_factory.mktemp("faces") / "face.png"
    draw_face(path, POINTS)
    return face_record(path, 0, 0, POINTS)


def samples(
    record: PersonRecord, augmentation: FaceAugmentation | None = None, kind: type[FaceSamples] = FaceSamples
) -> FaceSamples:
    return kind([record], EYES, (96, 96), CropConvention.FULL_SIZE, 2.0, augmentation, seed=3)


def seen_near(image: np.ndarray, point: np.ndarray) -> bool:
    """Whether a white dot, which is several pixels wide, lies at the point."""
    x, y = np.clip(np.round(point).astype(int), 2, 93)
    around = image[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1)).astype(float)
    return around.sum() > image.reshape(-1, 3).mean(axis=0).sum() + 60


def inside(points: np.ndarray) -> np.ndarray:
    return np.asarray(((points > 4) & (points < 91)).all(axis=-1))


@pytest.mark.parametrize("kind", [FaceSamples, PublishedFaceSamples])
@pytest.mark.parametrize("epoch", range(8))
def test_labels_lie_where_the_crop_shows_them(record: PersonRecord, kind: type[FaceSamples], epoch: int) -> None:
    sample = samples(record, ALL, kind)[(epoch, 0)]
    assert sample["image"].shape == (96, 96, 3)
    shown = sample["keypoints"][inside(sample["keypoints"])]
    assert len(shown) == 3
    assert all(seen_near(sample["image"], point) for point in shown)
    # A mirrored face's right eye is on the left of its chin all the same: sides are exchanged.
    left, right, chin = sample["keypoints"]
    turned = np.cross(np.append(left - right, 0), np.append(chin - right, 0))[2]
    assert turned > 0


@pytest.mark.parametrize("kind", [FaceSamples, PublishedFaceSamples])
def test_plain_crops(record: PersonRecord, kind: type[FaceSamples]) -> None:
    sample = samples(record, kind=kind)[0]
    back = apply_affine(sample["to_image"], sample["keypoints"])
    # Published targets lie a pixel of the picture off.
    np.testing.assert_allclose(back, POINTS + (kind is PublishedFaceSamples), atol=1e-3)
    assert (sample["visibility"] == 1).all()
    assert not sample["absent"].any()


def test_draws_are_a_function_of_seed_epoch_and_index(record: PersonRecord) -> None:
    one, two = samples(record, ALL)[(5, 0)], samples(record, ALL)[(5, 0)]
    assert (one["image"] == two["image"]).all()
    assert (one["keypoints"] == two["keypoints"]).all()
    assert (samples(record, ALL)[(6, 0)]["keypoints"] != one["keypoints"]).any()


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_strengths_are_bounds(seed: int) -> None:
    augmentation = FaceAugmentation(scale=0.2, rotation=25, shift=0.15)
    draw = augmentation.draw(np.array([50.0, 60.0]), np.array([40.0, 40.0]), np.random.default_rng(seed))
    assert 32 <= draw.size[0] == draw.size[1] <= 48
    assert abs(draw.rotation) <= 25
    assert (np.abs(draw.center - (50, 60)) <= 0.15 * draw.size + 1e-9).all()


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    draw = FaceAugmentation(0, 0, 0, 0).draw(np.array([5.0, 6.0]), np.array([4.0, 4.0]), np.random.default_rng(0))
    assert (draw.size[0], draw.rotation, draw.mirrored, draw.center.tolist()) == (4.0, 0.0, False, [5.0, 6.0])


@pytest.mark.parametrize("bad", [{"scale": 1.0}, {"scale": -0.1}, {"rotation": -1}, {"shift": -1}, {"flip_probability": 2}])
def test_bad_strengths(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        FaceAugmentation(**bad)


# The published crop

NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
NOISE[0, 0], NOISE[1, 1] = 0, 255


def test_a_crop_of_its_own_size_is_cut_out() -> None:
    # Whole pixels, counted from 1 and cut off towards 0: the box begins one pixel before the square around the centre.
    crop = crop_face(NOISE, (20.0, 24.0), 32.0, 32)
    left, top = np.trunc(np.array([20.0, 24.0]) - 16 - 1).astype(int) + 1
    cut = NOISE[top : top + 32, left : left + 32].astype(float)
    stretched = (cut - cut.min()) * 255 / (cut.max() - cut.min())
    assert np.abs(crop - stretched).max() <= 1


def test_what_lies_outside_the_picture_is_black() -> None:
    crop = crop_face(np.full((20, 20, 3), 200, np.uint8), (0.0, 10.0), 20.0, 20)
    assert (crop[:, :9] == 0).all()
    assert (crop[:, 11:] == 255).all()  # the contrast is stretched


def test_contrast_is_stretched_over_all_channels_together() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 100, 120, 150
    assert crop_face(image, (20.0, 20.0), 20.0, 20)[10, 10].tolist() == [0, 102, 255]


@settings(max_examples=50)
@given(
    center=st.tuples(st.floats(-100, 200), st.floats(-100, 200)),
    side=st.floats(0.5, 5000),
    rotation=st.floats(-60, 60),
)
def test_any_square_gives_a_crop(center: tuple[float, float], side: float, rotation: float) -> None:
    assert crop_face(NOISE, center, side, 24, rotation).shape == (24, 24, 3)


@pytest.mark.parametrize("side", [0.0, -3.0, float("nan"), float("inf")])
def test_squares_without_a_side(side: float) -> None:
    with pytest.raises(ValueError, match="side of a face"):
        crop_face(NOISE, (5, 5), side, 24)


@pytest.mark.parametrize("side", [24.0, 60.0, 150.0])
@pytest.mark.parametrize("rotation", [0.0, 20.0, -33.0])
def test_positions_follow_the_pixels(side: float, rotation: float) -> None:
    """A dot in the picture is found in the crop where the matrix says, to two pixels of either."""
    image = np.full((200, 220, 3), 60, np.uint8)
    dot = np.array([112.0, 94.0])
    image[91:98, 109:116] = 255
    crop = crop_face(image, (105.0, 100.0), side, 48, rotation)[..., 0].astype(float)
    weight = crop * (crop > 150)
    rows, columns = np.mgrid[:48, :48]
    found = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
    back = apply_affine(face_to_picture((105.0, 100.0), side, 48, rotation), found[None])[0]
    assert np.abs(back - dot).max() <= 2 * max(1.0, side / 48)


@pytest.mark.parametrize("side", [30.0, 75.0, 96.0, 192.0])
def test_how_far_the_crop_lies_off_on_average(side: float) -> None:
    random = np.random.default_rng(0)
    off = []
    for center in random.uniform(100, 108, (120, 2)):
        image = np.zeros((220, 220, 3), np.uint8)
        dot = np.round(center + random.uniform(-0.2, 0.2, 2) * side).astype(int)
        image[dot[1] - 2 : dot[1] + 3, dot[0] - 2 : dot[0] + 3] = 255
        crop = crop_face(image, center, side, 48)[..., 0].astype(float)
        rows, columns = np.mgrid[:48, :48]
        found = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
        off.append(apply_affine(face_to_picture(center, side, 48), found[None])[0] - dot)
    assert np.mean(off) == pytest.approx(1 - published_offset(side, 48), abs=0.2)


def test_an_unread_picture_is_named(tmp_path: Path) -> None:
    lost = face_record(tmp_path / "lost.png", 0, 0, POINTS)
    with pytest.raises(ImageError, match=r"lost\.png"):
        samples(lost)[0]
