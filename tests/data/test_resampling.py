from __future__ import annotations

import numpy as np
import pytest
from golden.cases import assert_close, cases_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hrnet.data.resampling import center_crop, covering_size, resize_region
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD

case = cases_of("classification")

GOLDEN = ("cls_preprocess_landscape", "cls_preprocess_portrait")


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_sizes(name: str) -> None:
    size = (300, 370) if name == GOLDEN[0] else (370, 300)
    assert_close(case(name), "resized_wh", covering_size(size, (224, 224), 0.875)[::-1])


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_preprocessing(name: str) -> None:
    recorded = case(name)
    image = case(GOLDEN[0]).photograph("image")
    image = image if name == GOLDEN[0] else np.ascontiguousarray(image.transpose(1, 0, 2))
    crop = center_crop(image)
    assert_close(recorded, "crop_uint8_strided", crop[::4, ::4], recorded.photograph("crop_uint8_strided"))
    tensor = ((crop / 255.0 - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)
    assert_close(recorded, "tensor_strided", tensor[:, ::16, ::16], recorded.photograph("tensor_strided"))
    assert_close(recorded, "tensor_mean", tensor.mean(axis=(1, 2)))
    assert_close(recorded, "tensor_std", tensor.std(axis=(1, 2), ddof=1))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(300, 370), (371, 300), (80, 64), (333, 333)])
def test_the_crop_is_that_of_the_whole_resized_picture(size: tuple[int, int], interpolation: str) -> None:
    image = noise(*size)
    height, width = covering_size(size, (96, 96), 0.875)
    kind = Image.Resampling[interpolation.upper()]
    whole = np.asarray(Image.fromarray(image).resize((width, height), kind))
    top, left = round((height - 96) / 2), round((width - 96) / 2)
    crop = center_crop(image, (96, 96), 0.875, interpolation)  # pyright: ignore[reportArgumentType]
    assert crop.shape == (96, 96, 3)
    assert np.abs(crop.astype(int) - whole[top : top + 96, left : left + 96]).max() <= 1


@given(
    st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([(224, 224), (96, 160)]), st.sampled_from([0.875, 0.95, 1.0])
)
def test_covering_sizes_cover(height: int, width: int, input_size: tuple[int, int], share: float) -> None:
    covered = covering_size((height, width), input_size, share)
    wanted = tuple(int(side / share + 1e-6) for side in input_size)
    assert covered[0] >= wanted[0]
    assert covered[1] >= wanted[1]
    assert covered[0] == wanted[0] or covered[1] == wanted[1]


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_thin_pictures_cost_no_more_than_others(size: tuple[int, int]) -> None:
    assert center_crop(noise(*size), (64, 64)).shape == (64, 64, 3)  # 64 rows of 5000 times 73 pixels otherwise


def test_an_oblong_input() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = 255
    view = center_crop(image, (64, 96), 1.0)
    assert view.shape == (64, 96, 3)
    assert view[:, 0].max() == 0
    assert view[:, -1].min() == 255


def test_regions_are_edges_of_pixels() -> None:
    image = noise(20, 30)
    assert (resize_region(image, (5, 4, 15, 12), (8, 10)) == image[4:12, 5:15]).all()


def test_an_unknown_interpolation_is_named() -> None:
    with pytest.raises(ValueError, match="did you mean 'bicubic'"):
        resize_region(noise(4, 4), (0, 0, 4, 4), (2, 2), "bicubik")  # pyright: ignore[reportArgumentType]
