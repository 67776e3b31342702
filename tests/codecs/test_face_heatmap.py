"""The codec of the published face networks: recorded targets and landmarks, and how exactly it inverts itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from golden.cases import assert_close, cases_of
from hypothesis import given, settings
from hypothesis import strategies as st

from hrnet.codecs.face_heatmap import FaceDarkCodec, FaceHeatmapCodec
from hrnet.geometry import apply_affine, crop_matrix, invert_affine

case = cases_of("face")

SIZES = ((256, 256), (64, 64))
fractions = st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=9)


@pytest.mark.parametrize("setting", ["1p0", "1p5"])
def test_recorded_targets(setting: str) -> None:
    recorded = case(f"face_target_sigma{setting}")
    points = torch.from_numpy(recorded.inputs["points"])
    codec = FaceHeatmapCodec(*SIZES, recorded.inputs["sigma"])
    assert_close(recorded, "target", codec.draw(points[None], torch.ones(1, len(points)))[0])


def test_recorded_landmarks() -> None:
    recorded = case("face_decode")
    given = recorded.inputs
    codec = FaceHeatmapCodec(*SIZES)
    heatmaps = torch.from_numpy(given["heatmaps"])
    on_crop, scores = codec.decode(heatmaps)
    assert torch.equal(scores, heatmaps.amax(dim=(2, 3)))
    peaks = torch.where(scores.unsqueeze(-1) > 0, (on_crop / 4 - 0.5).round() + 1, torch.zeros(()))
    assert_close(recorded, "argmax_1based", peaks)
    matrices = [
        invert_affine(crop_matrix(center, (200 * scale,) * 2, (256, 256)))
        for center, scale in zip(given["center"], given["scale"], strict=True)
    ]
    # The record counts pixels from 1.
    assert_close(recorded, "predictions", np.trunc(apply_affine(np.stack(matrices), on_crop.numpy())) + 1)


@settings(max_examples=30)
@given(fractions=fractions)
def test_inverts_itself_to_half_a_heatmap_pixel(fractions: list[tuple[float, float]]) -> None:
    codec = FaceHeatmapCodec(*SIZES)
    positions = 5 + torch.tensor([fractions]) * 53
    found = codec.decode(codec.encode(positions * 4, torch.ones(positions.shape[:2])).heatmaps)[0] / 4
    assert (found - positions).abs().max() <= 0.5 + 1e-4


@settings(max_examples=30)
@given(fractions=fractions)
def test_dark_form_reads_the_same_targets(fractions: list[tuple[float, float]]) -> None:
    published, dark = FaceHeatmapCodec(*SIZES), FaceDarkCodec(*SIZES)
    positions = 5 + torch.tensor([fractions]) * 53
    targets = published.encode(positions * 4, torch.ones(positions.shape[:2])).heatmaps
    assert torch.allclose(dark.decode(targets)[0], published.decode(targets)[0], atol=0.05)
    assert torch.equal(dark.encode(positions * 4, torch.ones(positions.shape[:2])).heatmaps, targets)


def test_dark_form_follows_what_lies_between_pixels() -> None:
    columns, rows = torch.arange(64.0), torch.arange(64.0)[:, None]
    blob = torch.exp(-((columns - 20.3) ** 2 + (rows - 30.6) ** 2) / (2 * 1.5**2))[None, None]
    found = FaceDarkCodec(*SIZES).decode(blob)[0] / 4 - 0.5
    assert torch.allclose(found, torch.tensor([20.3, 30.6]), atol=0.02)


def test_unlabelled_and_distant_landmarks_are_taught_as_empty_maps() -> None:
    codec = FaceHeatmapCodec(*SIZES)
    points = torch.tensor([[[80.0, 80.0], [80.0, 80.0], [-900.0, 40.0], [4e5, 40.0]]])
    targets = codec.encode(points, torch.tensor([[1.0, 0.0, 1.0, 1.0]]))
    assert targets.heatmaps.amax(dim=(2, 3)).tolist() == [[1.0, 0.0, 0.0, 0.0]]
    assert targets.weights.tolist() == [[1.0] * 4]


def test_maps_without_a_response_are_marked_outside_the_crop() -> None:
    points, scores = FaceHeatmapCodec(*SIZES).decode(torch.zeros(1, 3, 64, 64))
    assert (points == -2).all()
    assert (scores == 0).all()
