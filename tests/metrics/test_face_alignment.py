"""Errors of facial landmarks: recorded numbers, what they are divided by, and the error curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from golden.cases import assert_close, cases_of
from hypothesis import given
from hypothesis import strategies as st

from hrnet.data.keypoint_sets import keypoint_set
from hrnet.losses import HeatmapMSELoss
from hrnet.metrics.error_curve import curves_to_csv, draw_error_curves, error_curve
from hrnet.metrics.face_alignment import EYES, face_alignment, face_lengths, usual_normalizer
from hrnet.metrics.nme import NormalizedMeanError
from hrnet.structures import PersonRecord

case = cases_of("face")

SETS = ("aflw", "cofw", "300w", "wflw")


def records_of(
    landmarks: np.ndarray, sides: np.ndarray | None = None, labelled: np.ndarray | None = None
) -> list[PersonRecord]:
    sides = np.full(len(landmarks), 100.0) if sides is None else sides
    seen = np.ones(landmarks.shape[:2], bool) if labelled is None else labelled
    return [
        PersonRecord(Path("none.png"), index, index, np.array([0, 0, side, side]), points, flags.astype(np.uint8) * 2)
        for index, (points, side, flags) in enumerate(zip(landmarks, sides, seen, strict=True))
    ]


@pytest.mark.parametrize("name", SETS)
def test_recorded_errors(name: str) -> None:
    recorded = case(f"face_nme_{name}")
    given = recorded.inputs
    faces = records_of(given["gt"], given["box_size"])
    result = face_alignment(given["pred"], faces, keypoint_set(name))
    assert_close(recorded, "nme", result.per_instance)
    assert_close(recorded, "mean_nme", result.mean)
    assert_close(recorded, "failure_rate_0p08", result.failure_rates[0.08])
    assert_close(recorded, "failure_rate_0p10", result.failure_rates[0.10])
    assert_close(recorded, "auc_0p10", result.auc)
    assert result.normalizer.startswith("square root" if name == "aflw" else "distance of the outer eye corners")


def test_recorded_error_of_the_later_code() -> None:
    recorded = case("face_nme_mmpose")
    given = recorded.inputs
    faces = records_of(given["gt"], labelled=given["mask"])
    # It takes the eye corners whether they are labelled or not.
    lengths = np.linalg.norm(given["gt"][:, 60] - given["gt"][:, 72], axis=-1)
    metric = NormalizedMeanError(keypoint_set("wflw"), "explicit")
    metric.update(given["pred"], faces, normalizers=lengths)
    assert_close(recorded, "nme", metric.compute().pooled)
    # Ours leaves out faces of which an eye corner is not labelled.
    errors = np.linalg.norm(given["pred"] - given["gt"], axis=-1) / lengths[:, None]
    both = given["mask"][:, [60, 72]].all(1)
    result = face_alignment(given["pred"], faces, keypoint_set("wflw"))
    assert result.instances == both.sum()
    assert result.skipped == (~both).sum()
    assert result.pooled == pytest.approx(errors[both][given["mask"][both]].mean())


def test_recorded_loss() -> None:
    recorded = case("face_mse_loss")
    output, target = (torch.from_numpy(recorded.inputs[key]) for key in ("output", "target"))
    loss = HeatmapMSELoss(weigh_squares=True)(output, target, torch.ones(output.shape[:2]))
    assert_close(recorded, "loss", loss)


@pytest.mark.parametrize("name", [*SETS, "lapa"])
def test_the_eyes_are_pairs_of_the_layout(name: str) -> None:
    layout = keypoint_set(name)
    eyes = EYES[layout.num_keypoints]
    assert layout.flip_indices[eyes.corners[0]] == eyes.corners[1]
    assert {layout.flip_indices[k] for k in eyes.pupils[0]} == set(eyes.pupils[1])


@pytest.mark.parametrize("name", [*SETS, "lapa"])
def test_lengths(name: str) -> None:
    layout = keypoint_set(name)
    eyes = EYES[layout.num_keypoints]
    points = np.zeros((1, layout.num_keypoints, 2))
    points[0, eyes.corners[1]] = (30, 40)
    face = records_of(points, np.array([80.0]))
    assert face_lengths(face, layout, "inter_ocular")[0].item() == pytest.approx(50)
    assert face_lengths(face, layout, "box")[0].item() == pytest.approx(80)
    points[0, list(eyes.pupils[1])] = (6, 8)
    assert face_lengths(records_of(points), layout, "inter_pupil")[0].item() == pytest.approx(10)
    hidden = np.ones(points.shape[:2], bool)
    hidden[0, eyes.corners[0]] = False
    assert np.isnan(face_lengths(records_of(points, labelled=hidden), layout, "inter_ocular")[0]).all()


def test_usual_normalizers() -> None:
    assert [usual_normalizer(keypoint_set(name)) for name in ("300w", "wflw", "cofw", "lapa", "aflw", "coco")] == [
        *["inter_ocular"] * 4,
        "box",
        "box",
    ]


def test_bad_normalizers() -> None:
    points = np.zeros((1, 17, 2))
    with pytest.raises(ValueError, match=r"68, 98, 29, 19, 106 landmarks, not of 17.*'box'"):
        face_alignment(points, records_of(points), keypoint_set("coco"), "inter_ocular")
    with pytest.raises(ValueError, match="did you mean 'inter_ocular'"):
        face_alignment(points, records_of(points), keypoint_set("coco"), "inter_occular")  # pyright: ignore


# The error curve


@given(errors=st.lists(st.floats(0, 0.3), min_size=1, max_size=40))
def test_the_curve_rises_to_the_share_of_small_errors(errors: list[float]) -> None:
    curve = error_curve(errors, limit=0.1)
    assert (np.diff(curve.shares) >= 0).all()
    assert curve.shares[-1] == pytest.approx(np.mean(np.array(errors) <= 0.1))
    # The area under it, up to the steps' width, is the exact AUC.
    area = np.trapezoid(curve.shares, curve.thresholds) / 0.1
    assert area == pytest.approx(np.maximum(0, 1 - np.array(errors) / 0.1).mean(), abs=0.0051)


def test_curves_as_csv_and_as_picture() -> None:
    curves = {"all": error_curve([0.02, 0.05, 0.2]), "none": error_curve([])}
    lines = curves_to_csv(curves).splitlines()
    assert lines[0] == "error,all,none"
    assert lines[21] == "0.02,0.333333,"
    assert len(lines) == 102
    picture = draw_error_curves({"all": curves["all"]}, "a title", (300, 400))
    assert picture.shape == (300, 400, 3)
    assert picture.dtype == np.uint8
    empty = draw_error_curves({"all": curves["none"]}, "a title", (300, 400))
    # What differs is the line: at 2 % it jumps from 0 to a third of the height.
    blue = (picture != empty).any(axis=-1)
    assert blue.sum() > 300
    assert draw_error_curves(curves, size=(1, 1)).shape == (240, 320, 3)


def test_bad_curves() -> None:
    for errors, limit in (([np.nan], 0.1), ([-0.1], 0.1), ([0.1], 0.0)):
        with pytest.raises(ValueError, match=r"finite|positive"):
            error_curve(errors, limit)
    with pytest.raises(ValueError, match="no curve"):
        draw_error_curves({})
