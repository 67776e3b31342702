"""Faces cut out, mirrored and labelled against recorded numbers of the published face code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of

from hrnet.codecs.face_heatmap import FaceHeatmapCodec
from hrnet.data.augmentation import CropDraw
from hrnet.data.face_augmentation import FaceAugmentation
from hrnet.data.face_crop import crop_face, map_whole_pixels, mirror_as_published
from hrnet.data.face_samples import PublishedFaceSamples
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.data.samples import PoseSample, region_of_record
from hrnet.geometry import CropConvention, crop_matrix, invert_affine
from hrnet.structures import PersonRecord

case = cases_of("face")

SETS = ("300w", "wflw", "aflw", "cofw")
PHOTOGRAPH_WIDTH = 150
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class RecordedDraws:
    """Recorded draws, handed out in order; asking for another kind, or for more, fails."""

    def __init__(self, draws: list[tuple[str, float]]) -> None:
        self.rest = [*draws]

    def random(self) -> float:
        return self._next("random")

    def uniform(self, low: float, high: float) -> float:
        value = self._next("uniform")
        assert low <= value <= high
        return value

    def standard_normal(self) -> float:
        raise AssertionError("the published code draws nothing normal")

    def _next(self, wanted: str) -> float:
        assert self.rest, "more draws were asked for than the published code makes"
        kind, value = self.rest.pop(0)
        assert kind == wanted
        return value


def test_matrices_and_whole_pixels() -> None:
    recorded = case("face_transform")
    given = recorded.inputs
    sizes = [(200 * scale, 200 * scale) for scale in given["scale"]]
    turned = [
        crop_matrix(center, size, (res, res), rotation)
        for center, size, res, rotation in zip(given["center"], sizes, given["res"], given["rot_deg"], strict=True)
    ]
    square = np.concatenate([turned, np.tile([[[0.0, 0.0, 1.0]]], (len(turned), 1, 1))], axis=1)
    assert_close(recorded, "matrix", square)
    to_crop = [map_whole_pixels(points, matrix) for points, matrix in zip(given["points"], turned, strict=True)]
    assert_close(recorded, "points_to_crop", to_crop)
    # The way back is without rotation, as in decoding.
    to_picture = [
        map_whole_pixels(points, invert_affine(crop_matrix(center, size, (64, 64))))
        for points, center, size in zip(given["map_points"], given["center"], sizes, strict=True)
    ]
    assert_close(recorded, "map_points_to_image_res64", to_picture)


@pytest.mark.parametrize("name", SETS)
def test_mirroring(name: str) -> None:
    recorded = case(f"face_flip_{name}")
    points, width = recorded.inputs["points"], recorded.inputs["width"]
    _, mirrored = mirror_as_published(np.zeros(2), points - 1, width)
    assert_close(recorded, "flipped", mirrored[list(keypoint_set(name).flip_indices)] + 1)


@pytest.mark.parametrize("number", range(4))
def test_crops(number: int) -> None:
    recorded = case("face_crop_real_image")
    given = recorded.inputs
    image = recorded.photograph("image")
    crop = crop_face(
        image, given[f"center_{number}"], 200 * given[f"scale_{number}"], given[f"out_{number}"], given[f"rot_deg_{number}"]
    )
    assert_close(recorded, f"crop_{number}", crop, recorded.photograph(f"crop_{number}"))


@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("name", SETS)
def test_items(name: str, mode: str) -> None:
    recorded = case(f"face_item_{name}")
    sample, draw = item(recorded, name, mode, np.zeros((8, PHOTOGRAPH_WIDTH, 3), np.uint8))
    given = recorded.inputs
    center = draw.center + 1
    if draw.mirrored:
        center, _ = mirror_as_published(center, np.zeros((0, 2)), PHOTOGRAPH_WIDTH)
    assert_close(recorded, f"{mode}_center", center)
    assert_close(recorded, f"{mode}_scale", draw.size[0] / 200)
    stride = given["input_size"] / given["output_size"]
    assert_close(recorded, f"{mode}_map_points_1based", np.trunc(sample["keypoints"] / stride) + 1)
    codec = FaceHeatmapCodec((given["input_size"],) * 2, (given["output_size"],) * 2, given["sigma"])
    targets = codec.encode(torch.from_numpy(sample["keypoints"][None]), torch.from_numpy(sample["visibility"][None]))
    assert (targets.weights == 1).all()
    heatmaps = targets.heatmaps[0]
    kept = len(heatmaps) // len(recorded.outputs[f"{mode}_target"])
    assert_close(recorded, f"{mode}_target", heatmaps[:: kept if kept < 3 else 4])


@pytest.mark.parametrize("mode", ["test", "train"])
@pytest.mark.parametrize("name", SETS)
def test_pixels_of_items(name: str, mode: str) -> None:
    recorded = case(f"face_item_{name}")
    sample, _ = item(recorded, name, mode, recorded.photograph("image"))
    assert_close(recorded, f"{mode}_crop_uint8", sample["image"], recorded.photograph(f"{mode}_crop_uint8"))
    inputs = (sample["image"] / 255 - IMAGENET_MEAN) / IMAGENET_STD
    wanted = recorded.photograph(f"{mode}_input_first_row_mid")
    assert_close(recorded, f"{mode}_input_first_row_mid", inputs[len(inputs) // 2, :: len(inputs) // wanted.shape[1]].T, wanted)


def item(recorded: Case, name: str, mode: str, image: np.ndarray) -> tuple[PoseSample, CropDraw]:
    given = recorded.inputs
    center, half = given["csv_center"] - 1, 100 * given["csv_scale"]
    visibility = np.full(len(given["points"]), 2, np.uint8)
    box = np.concatenate([center - half, center + half])
    record = PersonRecord(Path("unread.png"), 0, 0, box, given["points"] - 1, visibility)
    size = (given["input_size"],) * 2
    samples = PublishedFaceSamples([record], keypoint_set(name), size, CropConvention.FULL_SIZE, 1.25)
    draw = CropDraw(*region_of_record(record, 1.0, 1.25))
    if mode == "train":
        draws = RecordedDraws([(kind, value) for kind, value in given["train_draws"]])
        draw = FaceAugmentation().draw(draw.center, draw.size, draws)
        assert not draws.rest
    return samples._cut(image, record, draw, 0), draw
