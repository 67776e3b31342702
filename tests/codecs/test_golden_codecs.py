"""Targets, decoding and mirroring of every codec against recorded numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of
from torch import Tensor

from hrnet.codecs import DarkCodec, HeatmapCodec, HeatmapTargets, QuarterOffsetCodec, UDPCodec, UDPCombinedCodec
from hrnet.codecs.peaks import blur_keeping_peaks, find_peaks
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.geometry import apply_affine, crop_matrix, invert_affine

case = cases_of("topdown")


def sizes(given: dict[str, Any], whole: str = "input_size_wh") -> tuple[tuple[int, int], tuple[int, int]]:
    """(height, width) of the network's input and of its heatmaps."""
    width, height = given[whole]
    map_width, map_height = given["heatmap_size_wh"]
    return (height, width), (map_height, map_width)


def to_picture(positions: Tensor, centers: np.ndarray, scales: np.ndarray, grid: tuple[int, int], less: int = 0) -> np.ndarray:
    """Positions (B, K, 2) on a grid (height, width) of a plain crop to pixels of the picture; sizes reduced by ``less``."""
    matrices = [
        crop_matrix(center, scale * 200 - less, (grid[0] - less, grid[1] - less))
        for center, scale in zip(centers, scales, strict=True)
    ]
    return apply_affine(invert_affine(np.stack(matrices)), positions.numpy())


def encode_joints(codec: HeatmapCodec, joints: np.ndarray, visible: np.ndarray) -> HeatmapTargets:
    """Targets of one person from (K, 3) joints and visibilities."""
    return codec.encode(torch.from_numpy(joints[None, :, :2]), torch.from_numpy(visible[None, :, 0]))


# Targets


@pytest.mark.parametrize("setting", ["sigma2_256x192", "sigma3_384x288", "sigma2_256x256"])
def test_reference_targets(setting: str) -> None:
    recorded = case(f"td_gaussian_target_{setting}")
    given = recorded.inputs
    codec = QuarterOffsetCodec(*sizes(given, "image_size_wh"), given["sigma"])
    targets = encode_joints(codec, given["joints_in_crop"], given["joints_vis"])
    assert_close(recorded, "target", targets.heatmaps[0])
    assert_close(recorded, "target_weight", targets.weights)
    count = len(given["joints_in_crop"])
    coco_weights = keypoint_set("coco").joint_weights
    joint_weights = torch.tensor(coco_weights if count == 17 else (1.0,) * count)
    assert_close(recorded, "target_weight_with_joint_weights", targets.weights * joint_weights)


def test_unbiased_targets() -> None:
    recorded = case("td_dark_unbiased_target")
    given = recorded.inputs
    codec = DarkCodec(*sizes(given), given["sigma"])
    targets = codec.encode(torch.from_numpy(given["keypoints_in_crop"]), torch.from_numpy(given["visible"]))
    assert_close(recorded, "target", targets.heatmaps[0])
    assert_close(recorded, "weights", targets.weights)


def test_targets_of_darks_own_code() -> None:
    """Their joints are given in heatmap pixels: a codec whose input is as large as its heatmaps takes them as they are."""
    recorded = case("td_dark_original_target_and_affine")
    given = recorded.inputs
    width, height = given["heatmap_size_wh"]
    targets = encode_joints(
        DarkCodec((height, width), (height, width), given["sigma"]), given["joints_in_map"], given["joints_vis"]
    )
    assert_close(recorded, "target", targets.heatmaps[0])
    assert_close(recorded, "target_weight", targets.weights)


# Decoding


def test_reference_decoding() -> None:
    recorded = case("td_argmax_quarter_decode")
    given = recorded.inputs
    heatmaps = torch.from_numpy(given["heatmaps"])
    height, width = heatmaps.shape[-2:]
    codec = QuarterOffsetCodec((4 * height, 4 * width), (height, width))
    peaks, values = find_peaks(heatmaps)
    assert_close(recorded, "argmax_xy", peaks)
    assert_close(recorded, "maxvals", values)
    keypoints, scores = codec.decode(heatmaps)
    assert_close(recorded, "maxvals", scores)
    regions = given["center"], given["scale"]
    assert_close(recorded, "image_xy_refined", to_picture(keypoints, *regions, codec.input_size))
    assert_close(recorded, "image_xy_plain", to_picture(peaks, *regions, codec.heatmap_size))


@pytest.mark.parametrize("kernel", [11, 17])
def test_dark_decoding(kernel: int) -> None:
    recorded = case(f"td_dark_decode_k{kernel}")
    given = recorded.inputs
    heatmaps = torch.from_numpy(given["heatmaps"])
    height, width = heatmaps.shape[-2:]
    codec = DarkCodec((4 * height, 4 * width), (height, width), blur_kernel=given["blur_kernel"])
    positions, scores = codec.refine(heatmaps)
    assert_close(recorded, "heatmap_xy", positions)
    assert_close(recorded, "maxvals", scores)
    assert_close(recorded, "input_xy_stride4", codec.decode(heatmaps)[0])
    on_picture = to_picture(positions, given["center"], given["scale"], (height, width), less=1)
    assert_close(recorded, "image_xy_darkpose_affine", on_picture)
    smooth = blur_keeping_peaks(heatmaps, kernel)
    assert_close(recorded, "blurred_first", smooth[0, 3])
    assert_close(recorded, "blurred_border", smooth[1, 0])


def test_decoding_with_independent_axes() -> None:
    recorded = case("td_msra_codec")
    given = recorded.inputs
    codec = QuarterOffsetCodec(*sizes(given), given["sigma"], independent_axes=True)
    targets = codec.encode(torch.from_numpy(given["keypoints_in_crop"]), torch.from_numpy(given["visible"]))
    assert_close(recorded, "target", targets.heatmaps[0])
    assert_close(recorded, "weights", targets.weights)
    keypoints, scores = codec.decode(torch.from_numpy(given["heatmaps"][None]))
    assert_close(recorded, "decoded", keypoints)
    assert_close(recorded, "scores", scores)


def check_udp(codec: UDPCodec | UDPCombinedCodec, recorded: Case) -> None:
    given = recorded.inputs
    targets = codec.encode(torch.from_numpy(given["keypoints_in_crop"]), torch.from_numpy(given["visible"]))
    stored = recorded.outputs["target"].shape[0]
    assert_close(recorded, "target", targets.heatmaps[0, :stored])
    assert_close(recorded, "weights", targets.weights)
    # The record multiplies by W / (W - 1) when it decodes; here a perfect target gives its keypoint back.
    height, width = codec.input_size
    stretch = torch.tensor([width / (width - 1), height / (height - 1)])
    keypoints, scores = codec.decode(torch.from_numpy(given["noisy_maps"][None]))
    assert_close(recorded, "decoded_noisy", keypoints * stretch)
    assert_close(recorded, "scores_noisy", scores)
    keypoints, _ = codec.decode(targets.heatmaps[:, :stored])
    assert_close(recorded, "decoded_clean", keypoints * stretch)


def test_udp_with_gaussians() -> None:
    recorded = case("td_udp_codec_gaussian")
    given = recorded.inputs
    check_udp(UDPCodec(*sizes(given), given["sigma"], given["blur_kernel"]), recorded)


def test_udp_with_combined_targets() -> None:
    recorded = case("td_udp_codec_combined")
    given = recorded.inputs
    codec = UDPCombinedCodec(*sizes(given), given["sigma"], given["radius_factor"], given["blur_kernel"])
    check_udp(codec, recorded)


# Mirroring


@pytest.mark.parametrize("name", ["coco", "mpii"])
def test_mirrored_maps(name: str) -> None:
    recorded = case(f"td_flip_back_{name}")
    output, mirrored = (torch.from_numpy(recorded.inputs[key]) for key in ("output", "output_of_flipped_image"))
    count, height, width = output.shape[1:]
    flip = list(range(count))
    for left, right in recorded.inputs["pairs"]:
        flip[left], flip[right] = right, left
    codec_sizes = (4 * height, 4 * width), (height, width)
    shifted = QuarterOffsetCodec(*codec_sizes).flip_back(mirrored, flip)
    assert_close(recorded, "shifted", shifted)
    assert_close(recorded, "averaged_with_shift", (output + shifted) / 2)
    assert torch.equal(DarkCodec(*codec_sizes).flip_back(mirrored, flip), shifted)
    # UDP's grids agree with their mirror images: no column is moved.
    unshifted = UDPCodec(*codec_sizes).flip_back(mirrored, flip)
    assert_close(recorded, "flip_back", unshifted)
    assert_close(recorded, "averaged_without_shift", (output + unshifted) / 2)


def test_mirrored_combined_maps() -> None:
    recorded = case("td_flip_maps_mmpose")
    given = recorded.inputs
    maps = torch.from_numpy(given["maps"])
    height, width = maps.shape[-2:]
    codec_sizes = (4 * height, 4 * width), (height, width)
    assert_close(recorded, "combined", UDPCombinedCodec(*codec_sizes).flip_back(maps, given["flip_indices_4"]))
    assert_close(recorded, "heatmap_shift", QuarterOffsetCodec(*codec_sizes).flip_back(maps, given["flip_indices_12"]))
