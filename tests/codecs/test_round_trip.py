"""Codecs invert themselves: how exactly, where, and what happens at and beyond the edges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hrnet.codecs import CodecSpec, DarkCodec, HeatmapCodec, QuarterOffsetCodec, build_codec
from hrnet.codecs.peaks import blur_keeping_peaks, find_peaks, gaussian_blur

NAMES = ("quarter_offset", "quarter_offset_mmpose", "dark", "udp", "udp_combined")
SETTINGS = (((256, 192), 2.0), ((384, 288), 3.0), ((160, 128), 1.5))

# Largest error per axis in heatmap pixels, for keypoints at least 3 sigma from the map's border, and for any inside it.
# Quarter offset: its targets have lost the fraction. DARK and UDP: smoothing takes in the zeros beyond the border, which
# pulls the peak inwards; UDP steps even on the border's own pixels. Combined: the offsets are stored, not inferred.
ACCURACY = {
    "quarter_offset": (0.5, 0.5),
    "quarter_offset_mmpose": (0.5, 0.5),
    "dark": (0.02, 1.0),
    "udp": (0.02, 1.5),
    "udp_combined": (0.001, 0.001),
}

fractions = st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=17)


def build(name: str, setting: tuple[tuple[int, int], float] = SETTINGS[0]) -> HeatmapCodec:
    input_size, sigma = setting
    return build_codec(CodecSpec(name, input_size, sigma))  # pyright: ignore[reportArgumentType]


def places(codec: HeatmapCodec, fractions: list[tuple[float, float]], margin: float) -> Tensor:
    """Positions (1, K, 2) in heatmap pixels, ``margin`` or more from the centres of the border's pixels."""
    height, width = codec.heatmap_size
    return margin + torch.tensor([fractions]) * torch.tensor([width - 1 - 2 * margin, height - 1 - 2 * margin])


def error_of_round_trip(codec: HeatmapCodec, positions: Tensor) -> float:
    keypoints = positions * codec.input_pixels_per_heatmap_pixel
    targets = codec.encode(keypoints, torch.ones(positions.shape[:2]))
    assert (targets.weights == 1).all()
    decoded, scores = codec.decode(targets.heatmaps)
    assert (scores > 0).all()
    return ((decoded - keypoints) / codec.input_pixels_per_heatmap_pixel).abs().max().item()


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("name", NAMES)
@given(fractions=fractions)
def test_inside_the_map(name: str, setting: tuple[tuple[int, int], float], fractions: list[tuple[float, float]]) -> None:
    codec = build(name, setting)
    away_from_border, anywhere = ACCURACY[name]
    rounding = 1e-4
    assert error_of_round_trip(codec, places(codec, fractions, 3 * codec.sigma)) <= away_from_border + rounding
    assert error_of_round_trip(codec, places(codec, fractions, 0)) <= anywhere + rounding


@given(fractions=fractions)
def test_the_quarter_offset_halves_the_error_on_unbiased_maps(fractions: list[tuple[float, float]]) -> None:
    unbiased, quarter = build("dark"), build("quarter_offset")
    positions = places(unbiased, fractions, 3.0)
    heatmaps, _ = unbiased.encode(positions * 4, torch.ones(positions.shape[:2]))
    decoded, _ = quarter.decode(heatmaps)
    assert ((decoded / 4 - positions).abs() <= 0.25 + 1e-3).all()


@pytest.mark.parametrize("name", NAMES)
def test_batches_equal_singles(name: str) -> None:
    codec = build(name)
    keypoints = torch.rand(5, 4, 2) * torch.tensor([190.0, 250.0])
    visibility = (torch.rand(5, 4) > 0.3).float()
    heatmaps, weights = codec.encode(keypoints, visibility)
    noisy = heatmaps + 0.1 * torch.rand_like(heatmaps)
    decoded, scores = codec.decode(noisy)
    for item in range(5):
        one = slice(item, item + 1)
        single = codec.encode(keypoints[one], visibility[one])
        assert torch.equal(single.heatmaps[0], heatmaps[item])
        assert torch.equal(single.weights[0], weights[item])
        keypoints_of_one, scores_of_one = codec.decode(noisy[one])
        assert torch.allclose(keypoints_of_one[0], decoded[item], atol=1e-3)
        assert torch.allclose(scores_of_one[0], scores[item])


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_types(name: str) -> None:
    codec = build(name)
    height, width = codec.heatmap_size
    targets = codec.encode(torch.rand(2, 3, 2, dtype=torch.float64) * 100, torch.ones(2, 3, dtype=torch.float64))
    assert targets.heatmaps.shape == (2, 3 * codec.channels_per_keypoint, height, width)
    assert targets.weights.shape == (2, 3)
    assert targets.heatmaps.dtype == targets.weights.dtype == torch.float32
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        keypoints, scores = codec(targets.heatmaps.to(dtype))
        assert (keypoints.shape, scores.shape) == ((2, 3, 2), (2, 3))
        assert keypoints.dtype == scores.dtype == torch.float32
    empty = codec.decode(torch.empty(0, 3 * codec.channels_per_keypoint, height, width))
    assert (empty[0].shape, empty[1].shape) == ((0, 3, 2), (0, 3))


@pytest.mark.parametrize("name", NAMES)
def test_unlabelled_keypoints_are_not_drawn(name: str) -> None:
    codec = build(name)
    keypoints = torch.full((1, 3, 2), 90.0)
    heatmaps, weights = codec.encode(keypoints, torch.tensor([[0.0, 0.5, 1.0]]))
    maps = heatmaps.unflatten(1, (3, -1))
    assert not maps[0, :2].any()
    assert maps[0, 2, 0].max() > 0.85
    # As in the reference, a fractional visibility stays the weight although nothing is drawn.
    assert weights.tolist() == [[0.0, 0.5, 1.0]]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "udp_combined"])
def test_keypoints_far_outside_have_no_weight(name: str) -> None:
    codec = build(name)
    outside = torch.tensor([[[-100.0, 90.0], [300.0, 90.0], [90.0, -100.0], [90.0, 400.0], [-9e6, 9e6]]])
    heatmaps, weights = codec.encode(outside, torch.ones(1, 5))
    assert not weights.any()
    assert heatmaps.isfinite().all()
    assert heatmaps.max() < 1e-3  # DARK draws its tail all the same
    # Just outside, the mark still reaches the map.
    heatmaps, weights = codec.encode(torch.tensor([[[-8.0, 90.0]]]), torch.ones(1, 1))
    assert weights.all()
    assert 0.1 < heatmaps.max() < 0.9


def test_combined_targets_outside_have_an_empty_disc() -> None:
    """As in UDP's own code the weight stays: the network learns that there is no disc."""
    heatmaps, weights = build("udp_combined").encode(torch.tensor([[[-100.0, 90.0]]]), torch.ones(1, 1))
    assert not heatmaps[:, 0].any()
    assert weights.all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fill", [0.0, 1e-12, 0.7, 1e4])
def test_flat_maps_decode_to_numbers(name: str, fill: float) -> None:
    codec = build(name)
    heatmaps = torch.full((2, 2 * codec.channels_per_keypoint, *codec.heatmap_size), fill)
    keypoints, scores = codec.decode(heatmaps)
    assert keypoints.isfinite().all()
    assert torch.allclose(scores, torch.full_like(scores, fill))
    if fill == 0:
        assert not keypoints.any()


@pytest.mark.parametrize("name", NAMES)
def test_any_maps_decode_to_numbers(name: str) -> None:
    codec = build(name, ((64, 64), 2.0))
    shape = (4, 2 * codec.channels_per_keypoint, *codec.heatmap_size)
    for heatmaps in (torch.randn(shape), -torch.rand(shape), torch.randn(shape) * 1e-8, (torch.rand(shape) > 0.99).float()):
        keypoints, scores = codec.decode(heatmaps)
        assert keypoints.isfinite().all()
        assert scores.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_flipping_back_undoes_mirroring(name: str) -> None:
    """The maps of the mirrored labels, flipped back, decode to the labels."""
    codec = build(name)
    width = codec.input_size[1]
    keypoints = 40 + torch.rand(2, 4, 2) * 100
    flip = [1, 0, 2, 3]
    mirrored = keypoints[:, flip] * torch.tensor([-1.0, 1.0]) + torch.tensor([width - 1.0, 0.0])
    heatmaps, _ = codec.encode(mirrored, torch.ones(2, 4))
    decoded, _ = codec.decode(codec.flip_back(heatmaps, flip))
    # Full-size codecs: the column shift leaves a quarter of a heatmap pixel (one input pixel), and rounding half a pixel.
    tolerance = 0.1 if not codec.shifts_flipped_maps else 1.1 if name == "dark" else 3.1
    assert (decoded - keypoints).abs().max() <= tolerance


def test_ties_go_to_the_first_in_reading_order() -> None:
    heatmaps = torch.zeros(1, 1, 8, 8)
    heatmaps[0, 0, 3, 6] = heatmaps[0, 0, 5, 2] = 1
    assert find_peaks(heatmaps)[0].tolist() == [[[6, 3]]]


def test_blurring() -> None:
    heatmaps = torch.rand(2, 3, 20, 16)
    for kernel in (3, 11, 17):
        smooth = gaussian_blur(heatmaps, kernel)
        assert smooth.shape == heatmaps.shape
        flat = gaussian_blur(torch.ones(1, 1, 40, 40), kernel)
        assert torch.allclose(flat[..., 20, 20], torch.ones(1))
        assert flat[..., 0, 0].item() < 0.6  # nothing but zeros beyond the border
        assert torch.allclose(blur_keeping_peaks(heatmaps, kernel).amax(dim=(2, 3)), heatmaps.amax(dim=(2, 3)))
    assert torch.allclose(gaussian_blur(torch.ones(1, 1, 40, 40), 11, padding="mirror"), torch.ones(1, 1, 40, 40))
    with pytest.raises(ValueError, match="odd"):
        gaussian_blur(heatmaps, 10)


@pytest.mark.parametrize("name", NAMES)
def test_export(name: str) -> None:
    """A codec exports with a free batch size, and the exported program gives the same numbers."""
    codec = build(name).eval()
    heatmaps = torch.rand(2, 3 * codec.channels_per_keypoint, *codec.heatmap_size)
    batch = torch.export.Dim("batch", min=1, max=256)
    program = torch.export.export(codec, (heatmaps,), dynamic_shapes=({0: batch},)).module()
    for count in (1, 2, 5):
        heatmaps = torch.rand(count, *heatmaps.shape[1:])
        keypoints, scores = codec(heatmaps)
        exported_keypoints, exported_scores = program(heatmaps)
        assert torch.equal(exported_keypoints, keypoints)
        assert torch.equal(exported_scores, scores)


def test_specifications() -> None:
    codec = build_codec(CodecSpec("dark", (384, 288), 3.0))
    assert isinstance(codec, DarkCodec)
    assert (codec.heatmap_size, codec.blur_kernel) == ((96, 72), 17)
    codec = build_codec(CodecSpec("dark", (256, 192), 2.0, blur_kernel=5))
    assert isinstance(codec, DarkCodec)
    assert codec.blur_kernel == 5
    codec = build_codec(CodecSpec("quarter_offset_mmpose", (250, 190)))
    assert isinstance(codec, QuarterOffsetCodec)
    assert codec.independent_axes
    assert codec.heatmap_size == (63, 48)
    with pytest.raises(ValueError, match="input_size"):
        CodecSpec(input_size=(16, 192))
    with pytest.raises(ValueError, match="sigma"):
        CodecSpec(sigma=0)
    with pytest.raises(ValueError, match="quarter_offset"):
        build_codec(CodecSpec("drak"))  # pyright: ignore[reportArgumentType]
