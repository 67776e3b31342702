"""Segmentation of whole pictures: the published tests, tiles, and what is odd about pictures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden.cases import assert_close, cases_of
from torch import Tensor, nn

from hrnet.data.class_sets import class_set
from hrnet.data.images import write_image
from hrnet.inference.segmentation import SegmentationPredictor, build_segmentation_predictor
from hrnet.models import build_model
from hrnet.structures.class_set import ClassSet
from hrnet.structures.segmentation_result import SegmentationResult
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest

case = cases_of("segmentation_testing")

OWN = SegmentationTest("own")


class OneConvolution(nn.Module):
    """Stride 4, and a rough first output where there are two."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray, two_outputs: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, len(bias), weight.shape[2], 4, weight.shape[2] // 2)
        self.conv.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        self.two_outputs = two_outputs
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        self.shapes.append(tuple(x.shape))
        out = self.conv(x)
        return (torch.zeros_like(out), out) if self.two_outputs else out


def names(count: int) -> ClassSet:
    return ClassSet("test", tuple(f"class {index}" for index in range(count)))


def network(count: int = 5, kernel: int = 9) -> OneConvolution:
    weight = np.random.default_rng(3).normal(size=(count, 3, kernel, kernel)) / kernel
    return OneConvolution(weight.astype(np.float32), np.linspace(-0.5, 0.5, count).astype(np.float32))


def card(count: int = 5, test: SegmentationTest = OWN, **options: Any) -> SegmentationCard:
    return SegmentationCard("seg_hrnet_w4", names(count), (64, 96), test, **options)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


GOLDEN = [
    "seg_inference_general_multi_scale",
    "seg_inference_general_align_corners_two_outputs",
    "seg_inference_cityscapes",
    "seg_inference_lip",
]


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("flip", [False, True])
def test_published_tests(name: str, flip: bool) -> None:
    recorded = case(name)
    given = recorded.inputs
    bias = given["conv_bias"].astype(np.float32)
    windows = "shifted" if "cityscapes" in name else "two_thirds"
    test = SegmentationTest("long_side", given["base_size"], windows, tuple(given["scales"]))
    described = SegmentationCard(
        "test",
        class_set("lip") if "lip" in name else names(len(bias)),
        tuple(given["crop_hw"]),
        test,
        {"align_corners": given["align_corners"]},
    )
    predictor = SegmentationPredictor(
        OneConvolution(given["conv_weight"].astype(np.float32), bias, "two_outputs" in name),
        described,
        flip_test=flip,
        combination="exp",
    )
    image = np.ascontiguousarray(given["image_bgr_uint8"][..., ::-1])
    scores = predictor.class_scores(image)
    ending = "_flip" if flip else ""
    for key, views in (("sum", scores.views), ("per_scale_first", scores.views[:1])):
        if key + ending in recorded.outputs:
            some = replace(scores, views=views)
            found = torch.cat([some.rows(*span) for span in pairwise((0, 5, 17, len(image)))], dim=1)
            assert_close(recorded, key + ending, found[:, ::2, ::2].numpy())
    result = predictor(image)
    assert isinstance(result, SegmentationResult)
    np.testing.assert_array_equal(result.class_map, scores.rows(0, len(image)).argmax(0).numpy())


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [(300, 420), (211, 97), (64, 1000)])
def test_tiles_change_nothing_where_the_network_sees_little(size: tuple[int, int], flip: bool) -> None:
    image = picture(*size)
    whole = SegmentationPredictor(network(), card(), flip_test=flip, scores="all").predict_pictures([image])[0]
    tiled_network = network()
    tiled = SegmentationPredictor(
        tiled_network, card(), flip_test=flip, scores="all", pixels_per_pass=128 * 128, overlap=64
    ).predict_pictures([image])[0]
    if not flip:
        assert len(tiled_network.shapes) > 1
        assert max(height * width for _, _, height, width in tiled_network.shapes) <= 128 * 128
    assert whole.scores is not None
    assert tiled.scores is not None
    if size[1] % 4 == 0 or not flip:  # mirrored columns are sampled elsewhere if the width is no multiple of the stride
        np.testing.assert_allclose(tiled.scores, whole.scores, atol=2e-5)
        np.testing.assert_array_equal(tiled.class_map, whole.class_map)


class WhereInTheTile(nn.Module):
    """Logits that depend on nothing but the place in the input: whatever a tile's border does to them is all there is."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        across = torch.linspace(-3, 3, -(-x.shape[3] // 4))
        maps = across.expand(len(x), -(-x.shape[2] // 4), -1)
        return torch.stack([maps, -maps], dim=1)


def test_tiles_fade_into_each_other() -> None:
    predictor = SegmentationPredictor(WhereInTheTile(), card(2), combination="logits", pixels_per_pass=64 * 256, overlap=128)
    scores = predictor.class_scores(np.zeros((64, 1200, 3), np.uint8))
    steps = np.abs(np.diff(scores.rows(0, 64)[0, 0].numpy()))
    jump = 6.0 * (256 - 128) / 256  # between the ends of neighbouring tiles, if they were put side by side
    assert steps.max() < jump / 8


def test_strips_and_scores_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(90, 130)
    test = SegmentationTest("long_side", 100, "whole", (0.5, 1.0, 1.5))
    many = SegmentationPredictor(network(), card(test=test), scores="all").predict_pictures([image])[0]
    monkeypatch.setattr("hrnet.inference.class_scores._STRIP", 5 * 130 * 4)
    few = SegmentationPredictor(network(), card(test=test), scores="winner").predict_pictures([image])[0]
    none = SegmentationPredictor(network(), card(test=test)).predict_pictures([image])[0]
    assert none.scores is None
    np.testing.assert_array_equal(few.class_map, many.class_map)
    np.testing.assert_array_equal(none.class_map, many.class_map)
    assert many.scores is not None
    assert many.scores.shape == (5, 90, 130)
    np.testing.assert_allclose(many.scores.sum(0), 1, atol=1e-5)
    assert few.scores is not None
    np.testing.assert_allclose(few.scores, many.scores.max(0), atol=1e-5)


@pytest.mark.parametrize("combination", ["exp", "softmax", "logits"])
def test_padding_stays_outside(combination: Any) -> None:
    """What lies beyond the picture has the mean colour, which normalises to 0, as the convolution's own padding is."""
    image = picture(45, 61)
    padded = SegmentationPredictor(network(kernel=5), card(test=replace(OWN, pad_multiple=8)), combination=combination)
    scores = padded.class_scores(image)
    assert scores.views[0].logits[0].shape == (5, 12, 16)
    bgr = card(test=replace(OWN, pad_multiple=8), channel_order="bgr", mean=(0.1, 0.4, 0.8))
    inputs = SegmentationPredictor(network(), bgr)._passes
    view = scores.views[0].view
    window = inputs._window(inputs._input(image, view.size), view, 0)
    assert window.shape == (1, 3, 48, 64)
    assert window[:, :, 45:].abs().max() < 1e-5
    assert padded.predict_pictures([image])[0].class_map.shape == (45, 61)


def test_batches_do_not_matter() -> None:
    images = [picture(40, 60, 1), picture(50, 60, 2), picture(40, 60, 3), picture(1, 1, 4)]
    counting = network()
    together = SegmentationPredictor(counting, card(), batch_size=4).predict_pictures(images)
    assert [shape[0] for shape in counting.shapes] == [2, 1, 1]
    for one, image in zip(together, images, strict=True):
        alone = SegmentationPredictor(network(), card()).predict_pictures([image])[0]
        np.testing.assert_array_equal(one.class_map, alone.class_map)
        assert one.image_size == image.shape[:2]


@pytest.fixture(scope="module")
def small() -> tuple[nn.Module, SegmentationCard]:
    torch.manual_seed(0)
    built = build_model("seg_hrnet_w4", 19)
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    described = SegmentationCard("seg_hrnet_w4", class_set("cityscapes"), test=SegmentationTest("long_side", 128))
    return built.eval(), described


@pytest.mark.parametrize("preset", ["fast", "balanced", "accurate", "published"])
def test_presets(preset: str, small: tuple[nn.Module, SegmentationCard]) -> None:
    predictor = build_segmentation_predictor(*small, device="cpu", preset=preset, announce=lambda text: None)
    result = predictor(picture(50, 70))
    assert isinstance(result, SegmentationResult)
    assert result.class_map.dtype == np.uint8
    assert result.class_set.name == "cityscapes"
    assert predictor.flip_test == (preset in ("balanced", "accurate"))


def test_published_follows_the_card(small: tuple[nn.Module, SegmentationCard]) -> None:
    built, described = small
    test = SegmentationTest("short_side", 64, "two_thirds", (0.5, 1.0), 1)
    described = replace(described, test=test, crop_size=(64, 64), flip_test=True)
    published = build_segmentation_predictor(built, described, device="cpu", preset="published")
    assert published.test == test
    assert published.flip_test
    assert published.combination == "exp"
    balanced = build_segmentation_predictor(built, described, device="cpu", preset="accurate", scales=(1, 2), resolution="own")
    assert balanced.test == SegmentationTest("own", 64, "whole", (1.0, 2.0), 1)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (700, 3), (31, 33)])
def test_odd_pictures(size: tuple[int, int], small: tuple[nn.Module, SegmentationCard]) -> None:
    said: list[str] = []
    predictor = build_segmentation_predictor(*small, device="cpu", preset="accurate", resolution="own", announce=said.append)
    result = predictor(picture(*size))
    assert isinstance(result, SegmentationResult)
    assert result.class_map.shape == size
    assert not said


def test_grey_and_transparent_files(tmp_path: Path, small: tuple[nn.Module, SegmentationCard]) -> None:
    from PIL import Image

    predictor = build_segmentation_predictor(*small, device="cpu", preset="fast", announce=lambda text: None)
    pixels = picture(40, 50)
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(np.dstack([pixels, pixels[..., :1]])).save(tmp_path / "rgba.png")
    write_image(tmp_path / "rgb.png", pixels)
    results = predictor(tmp_path)
    assert isinstance(results, list)
    assert [Path(result.source or "").name for result in results] == ["grey.png", "rgb.png", "rgba.png"]
    assert all(result.class_map.shape == (40, 50) for result in results)
    assert results[1].image is not None


def test_a_large_picture_needs_little_memory() -> None:
    """4K in tiles, and no map of all classes at its resolution."""
    largest: list[int] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            largest.append(x.shape[2] * x.shape[3])
            return torch.arange(19.0)[None, :, None, None].expand(1, -1, -(-x.shape[2] // 4), -(-x.shape[3] // 4))

    predictor = SegmentationPredictor(Watching(), card(19))
    scores = predictor.class_scores(np.zeros((2160, 3840, 3), np.uint8))
    assert len(largest) == 4
    assert max(largest) <= 2_800_000
    assert scores.views[0].logits[0].shape == (19, 540, 960)
    assert max(stop - start for start, stop in scores._strips()) * 3840 * 19 <= 2**22
    assert scores.rows(1000, 1002).argmax(0).eq(18).all()


def test_a_size_rule_gone_wild_is_announced() -> None:
    said: list[str] = []
    predictor = SegmentationPredictor(
        network(), card(test=SegmentationTest("short_side", 8000)), announce=said.append, pixels_per_pass=2**30
    )
    assert predictor._view(np.zeros((10, 10, 3), np.uint8), 1.0).size == (5793, 5793)
    predictor._view(np.zeros((10, 10, 3), np.uint8), 1.0)
    assert said == ["a picture of 10x10 pixels would have to be looked at in 64 million pixels; it is looked at in 5793x5793"]


def test_refusals(small: tuple[nn.Module, SegmentationCard]) -> None:
    built, described = small
    with pytest.raises(ValueError, match=r"card is for 20 classes \(lip\), the network has 19"):
        build_segmentation_predictor(built, replace(described, class_set=class_set("lip")))
    with pytest.raises(ValueError, match="no preset 'publish'; did you mean 'published'"):
        build_segmentation_predictor(built, described, preset="publish")
    with pytest.raises(ValueError, match="no resolution 'train'; did you mean 'trained'"):
        build_segmentation_predictor(built, described, resolution="train")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="no kind of scores 'winners'; did you mean 'winner'"):
        build_segmentation_predictor(built, described, device="cpu", preset="accurate", scores="winners")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="scales must be one or several positive numbers"):
        build_segmentation_predictor(built, described, scales=(1, -1))
    with pytest.raises(ValueError, match="the card's 6 classes at a quarter of the size make"):
        SegmentationPredictor(network(5), card(6))(picture(20, 20))
    broken = network()
    broken.conv.weight.data.fill_(float("nan"))
    with pytest.raises(ValueError, match="NaN or infinity"):
        SegmentationPredictor(broken, card())(picture(20, 20))
