"""Random crops against recorded ones: the same draws, in the same order, give the same crops and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of

from hrnet.codecs import QuarterOffsetCodec
from hrnet.data.augmentation import CropDraw, PoseAugmentation, half_body_region
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.geometry import Floats, apply_affine, compose, crop_matrix, mirror_matrix, warp

case = cases_of("topdown")

COCO = keypoint_set("coco")
PHOTOGRAPH_WIDTH = 320
SAMPLES = ("td_sample_test", "td_sample_train_a", "td_sample_train_b_half_body")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ScriptedDraws:
    """Recorded draws, handed out in order; asking for another kind, or for more, fails."""

    def __init__(self, draws: list[tuple[str, float]]) -> None:
        self.rest = list(draws)

    def random(self) -> float:
        return self._next("np_rand", "random")

    def standard_normal(self) -> float:
        return self._next("np_randn")

    def _next(self, *kinds: str) -> float:
        assert self.rest, "more draws were asked for than the reference makes"
        kind, value = self.rest.pop(0)
        assert kind in kinds, f"the reference draws {kind} here"
        return value


def recorded_draw(recorded: Case) -> CropDraw:
    given = recorded.inputs
    center, size = given["center"].astype(np.float64), given["scale"].astype(np.float64) * 200
    draws = ScriptedDraws(given["draws_in_order"])
    if not draws.rest:
        return CropDraw(center, size)
    augmentation = PoseAugmentation(scale=given["scale_factor"], rotation=given["rot_factor"])
    width, height = given["image_size_wh"]
    labelled = given["joints_vis"][:, 0] > 0
    draw = augmentation.draw(given["joints"][:, :2], labelled, center, size, PHOTOGRAPH_WIDTH, COCO, width / height, draws)
    assert not draws.rest, "the reference draws more often"
    return draw


def matrix_of(draw: CropDraw, given: dict[str, Any]) -> Floats:
    width, height = given["image_size_wh"]
    matrix = crop_matrix(draw.center, draw.size, (height, width), draw.rotation)
    return compose(matrix, mirror_matrix(PHOTOGRAPH_WIDTH)) if draw.mirrored else matrix


def test_half_bodies() -> None:
    recorded = case("td_half_body")
    given = recorded.inputs
    assert COCO.upper_body == tuple(given["upper_body_ids"])
    regions = [
        half_body_region(joints[:, :2], visible[:, 0] > 0, COCO.upper_body, given["aspect_ratio"], normal_draw)
        for joints, visible, normal_draw in zip(given["joints"], given["joints_vis"], given["normal_draw"], strict=True)
    ]
    assert_close(recorded, "applied", [region is not None for region in regions])
    nothing = np.full(2, np.nan), np.full(2, np.nan)
    centers, sizes = zip(*(region or nothing for region in regions), strict=True)
    assert_close(recorded, "center", centers)
    assert_close(recorded, "scale", np.array(sizes) / 200)


@pytest.mark.parametrize("name", SAMPLES)
def test_drawn_crops(name: str) -> None:
    recorded = case(name)
    draw = recorded_draw(recorded)
    assert_close(recorded, "center", draw.center)
    assert_close(recorded, "scale", draw.size / 200)
    assert_close(recorded, "rotation", draw.rotation)


@pytest.mark.parametrize("name", SAMPLES)
def test_labels_of_drawn_crops(name: str) -> None:
    recorded = case(name)
    given = recorded.inputs
    draw = recorded_draw(recorded)
    order = list(COCO.flip_indices) if draw.mirrored else list(range(17))
    keypoints = apply_affine(matrix_of(draw, given), given["joints"][:, :2])[order]
    visible = given["joints_vis"][order]
    assert_close(recorded, "joints_vis", visible)
    # Positions of keypoints that are not labelled mean nothing.
    wanted = np.where(visible[:, :2] > 0, recorded.outputs["joints"][:, :2], np.nan)
    assert_close(recorded, "joints", keypoints, wanted)
    width, height = given["image_size_wh"]
    map_width, map_height = given["heatmap_size_wh"]
    codec = QuarterOffsetCodec((height, width), (map_height, map_width), given["sigma"])
    targets = codec.encode(torch.from_numpy(keypoints[None]), torch.from_numpy(visible[None, :, 0]))
    assert_close(recorded, "target", targets.heatmaps[0])
    assert_close(recorded, "target_weight", targets.weights)


@pytest.mark.parametrize("name", SAMPLES)
def test_pixels_of_drawn_crops(name: str) -> None:
    recorded = case(name)
    photograph = case(recorded.inputs["image_of_case"]).photograph("image")
    assert photograph.shape[1] == PHOTOGRAPH_WIDTH
    width, height = recorded.inputs["image_size_wh"]
    crop = warp(photograph, matrix_of(recorded_draw(recorded), recorded.inputs), (height, width))
    assert_close(recorded, "crop_uint8", crop, recorded.photograph("crop_uint8"))
    normalised = ((crop / 255 - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)[:, ::8, ::8]
    assert_close(recorded, "input_strided", normalised, recorded.photograph("input_strided"))
