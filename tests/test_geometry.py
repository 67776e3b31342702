"""The coordinate contract, against recorded numbers and against itself."""

from __future__ import annotations

import numpy as np
import pytest
from golden.cases import assert_close, cases_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hrnet.geometry import (
    CropConvention,
    apply_affine,
    box_xywh_to_xyxy,
    box_xyxy_to_xywh,
    compose,
    crop_matrix,
    grow_to_aspect,
    invert_affine,
    mirror_keypoints,
    mirror_matrix,
    region_of_box,
    warp,
)

case = cases_of("topdown")

coordinates = st.floats(-2000, 2000)
lengths = st.floats(1, 2000)
points = st.tuples(coordinates, coordinates)
sizes = st.tuples(lengths, lengths)
angles = st.floats(-180, 180)
output_sizes = st.tuples(st.integers(8, 512), st.integers(8, 512))
conventions = st.sampled_from(CropConvention)


def flip_indices_of(pairs: list[list[int]], count: int) -> tuple[int, ...]:
    indices = list(range(count))
    for left, right in pairs:
        indices[left], indices[right] = right, left
    return tuple(indices)


# Recorded numbers


@pytest.mark.parametrize("input_size", ["256x192", "384x288", "256x256"])
def test_region_of_box_is_the_recorded_one(input_size: str) -> None:
    recorded = case(f"td_box_to_center_scale_{input_size}")
    width, height = recorded.inputs["image_size_wh"]
    boxes = box_xywh_to_xyxy(recorded.inputs["boxes_xywh"])
    center, size = region_of_box(boxes, width / height, recorded.inputs["padding"])
    # The record's code takes a centre at x = -1 for "no box" and leaves the padding out.
    no_box = center[:, :1] == -1
    assert no_box.sum() == 1
    size = np.where(no_box, size / recorded.inputs["padding"], size)
    assert_close(recorded, "center", center)
    assert_close(recorded, "scale", size / recorded.inputs["pixel_std"])


def test_crop_matrix_is_the_recorded_one() -> None:
    recorded = case("td_affine_matrix")
    given = recorded.inputs
    matrices = np.stack(
        [
            crop_matrix(center, scale * 200, (height, width), rotation, shift)
            for center, scale, (width, height), rotation, shift in zip(
                given["center"], given["scale"], given["output_size_wh"], given["rot_deg"], given["shift"], strict=True
            )
        ]
    )
    assert_close(recorded, "matrix", matrices)
    assert_close(recorded, "inverse_matrix", invert_affine(matrices))
    assert_close(recorded, "points_to_crop", apply_affine(matrices, given["points"]))


def test_heatmap_to_picture_is_the_recorded_one() -> None:
    recorded = case("td_transform_preds")
    given = recorded.inputs
    width, height = given["heatmap_size_wh"]
    matrices = np.stack(
        [crop_matrix(c, s * 200, (height, width)) for c, s in zip(given["center"], given["scale"], strict=True)]
    )
    assert_close(recorded, "image_coords", apply_affine(invert_affine(matrices), given["coords"]))


def test_both_conventions_are_the_recorded_ones() -> None:
    recorded = case("td_udp_and_plain_warp_matrix")
    given = recorded.inputs
    width, height = given["output_size_wh"]
    regions = list(zip(given["center"], given["scale_px"], given["rot_deg"], strict=True))
    plain = np.stack([crop_matrix(c, s, (height, width), r) for c, s, r in regions])
    assert_close(recorded, "plain", plain)
    assert_close(recorded, "plain_inverse", invert_affine(plain))
    free = np.stack([crop_matrix(c, s, (height, width), r, keep_aspect=False) for c, s, r in regions])
    assert_close(recorded, "plain_free_aspect", free)
    # UDP's own code turns the other way; here an angle means the same in both conventions.
    unit = np.stack([crop_matrix(c, s, (height, width), -r, convention=CropConvention.UNIT_LENGTH) for c, s, r in regions])
    assert_close(recorded, "udp", unit)


def test_crop_to_picture_is_the_recorded_one() -> None:
    recorded = case("td_crop_to_image_mmpose")
    given = recorded.inputs
    width, height = given["input_size_wh"]
    matrices = np.stack(
        [
            crop_matrix(center, size, (height, width), keep_aspect=False)
            for center, size in zip(given["center"], given["scale_px"], strict=True)
        ]
    )
    assert_close(recorded, "image_keypoints", apply_affine(invert_affine(matrices), given["keypoints"]))


def test_dark_affine_is_the_recorded_one() -> None:
    """DARK's own code puts size - 1 for size on both sides of the plain matrix."""
    recorded = case("td_dark_original_target_and_affine")
    given = recorded.inputs
    width, height = given["heatmap_size_wh"]
    matrices = [
        crop_matrix(center, scale * 200 - 1, (height - 1, width - 1), rotation)
        for center, scale, rotation in zip(given["center"], given["scale"], given["rot_deg"], strict=True)
    ]
    assert_close(recorded, "affine_to_map", np.stack(matrices))


@pytest.mark.parametrize("name", ["coco", "mpii"])
def test_mirrored_keypoints_are_the_recorded_ones(name: str) -> None:
    recorded = case(f"td_flip_joints_{name}")
    joints, visible = recorded.inputs["joints"], recorded.inputs["joints_vis"]
    flip = flip_indices_of(recorded.inputs["pairs"], len(joints))
    mirrored = mirror_keypoints(joints[:, :2], recorded.inputs["width"], flip)
    seen = visible[list(flip)]
    # The record sets coordinates of invisible joints to zero; its third column is not used.
    assert_close(recorded, "joints", np.pad(mirrored * seen[:, :2], ((0, 0), (0, 1))))
    assert_close(recorded, "joints_vis", seen)


@pytest.mark.parametrize("number", range(4))
def test_crop_of_a_photograph_is_the_recorded_one(number: int) -> None:
    recorded = case("td_crop_real_image")
    given = recorded.inputs
    width, height = given[f"output_size_wh_{number}"]
    matrix = crop_matrix(given[f"center_{number}"], given[f"scale_{number}"] * 200, (height, width), given[f"rot_deg_{number}"])
    crop = warp(recorded.photograph("image"), matrix, (height, width))
    assert_close(recorded, f"crop_{number}", crop, recorded.photograph(f"crop_{number}"))


@pytest.mark.parametrize("number", range(2))
def test_unit_length_crop_of_a_photograph_is_the_recorded_one(number: int) -> None:
    recorded = case("td_udp_crop_real_image")
    given = recorded.inputs
    width, height = given["output_size_wh"]
    rotation = -given[f"rot_deg_{number}"]  # see test_both_conventions_are_the_recorded_ones
    matrix = crop_matrix(given["center"], given["scale_px"], (height, width), rotation, convention=CropConvention.UNIT_LENGTH)
    crop = warp(case("td_crop_real_image").photograph("image"), matrix, (height, width))
    assert_close(recorded, f"udp_crop_{number}", crop, recorded.photograph(f"udp_crop_{number}"))


# Boxes and regions


@given(points, sizes)
def test_boxes_there_and_back(corner: tuple[float, float], size: tuple[float, float]) -> None:
    box = np.array([*corner, *size])
    assert np.allclose(box_xyxy_to_xywh(box_xywh_to_xyxy(box)), box, atol=1e-9)


def test_boxes_of_any_leading_shape() -> None:
    boxes = np.arange(24.0).reshape(2, 3, 4)
    assert np.array_equal(box_xywh_to_xyxy(boxes)[1, 2], [20, 21, 42, 44])
    assert box_xywh_to_xyxy(np.empty((0, 4))).shape == box_xyxy_to_xywh(np.empty((0, 4))).shape == (0, 4)
    center, size = region_of_box(np.empty((0, 4)), 0.75)
    assert center.shape == size.shape == (0, 2)


@given(points, sizes, st.floats(0.25, 4), st.floats(1, 2))
def test_region_holds_its_box(corner: tuple[float, float], size: tuple[float, float], aspect: float, padding: float) -> None:
    box = box_xywh_to_xyxy([*corner, *size])
    center, region = region_of_box(box, aspect, padding)
    assert np.allclose(center, (box[:2] + box[2:]) / 2)
    assert region[0] / region[1] == pytest.approx(aspect)
    assert (region >= np.array(size) * padding * (1 - 1e-9)).all()
    # Grown on one side only: the other one is the padded box's.
    assert np.isclose(region, np.array(size) * padding).any()
    assert np.allclose(grow_to_aspect(region, aspect), region)


# Affine maps


@given(points, sizes, output_sizes, angles, conventions, st.lists(points, min_size=1, max_size=5))
def test_crops_are_undone_by_the_inverse(
    center: tuple[float, float],
    size: tuple[float, float],
    output_size: tuple[int, int],
    rotation: float,
    convention: CropConvention,
    places: list[tuple[float, float]],
) -> None:
    matrix = crop_matrix(center, size, output_size, rotation, convention=convention)
    there = apply_affine(matrix, places)
    assert np.allclose(apply_affine(invert_affine(matrix), there), places, atol=1e-6)
    assert np.allclose(compose(invert_affine(matrix), matrix), np.eye(3)[:2], atol=1e-6)


@given(points, sizes, output_sizes)
def test_corners_of_a_region_in_both_conventions(
    center: tuple[float, float], size: tuple[float, float], output_size: tuple[int, int]
) -> None:
    """Full size: the region's corners are (0, 0) and (W, H). Unit length: they are the centres of the corner pixels."""
    (x, y), (width, height), (rows, columns) = center, size, output_size
    corners = np.array([[x - width / 2, y - height / 2], [x + width / 2, y + height / 2]])
    full = crop_matrix(center, size, output_size, keep_aspect=False)
    assert np.allclose(apply_affine(full, corners), [[0, 0], [columns, rows]], atol=1e-6)
    unit = crop_matrix(center, size, output_size, convention=CropConvention.UNIT_LENGTH)
    assert np.allclose(apply_affine(unit, corners), [[0, 0], [columns - 1, rows - 1]], atol=1e-6)


@given(points, lengths, output_sizes, angles)
def test_reference_crops_keep_shapes(
    center: tuple[float, float], width: float, output_size: tuple[int, int], rotation: float
) -> None:
    """Only the width counts: the map is a rotation times one scale, whatever the height says."""
    matrix = crop_matrix(center, (width, 123.0), output_size, rotation)
    assert np.allclose(matrix, crop_matrix(center, (width, 7.0), output_size, rotation))
    scale = output_size[1] / width
    assert np.allclose(matrix[:, :2] @ matrix[:, :2].T, np.eye(2) * scale**2)
    assert np.allclose(apply_affine(matrix, [center]), [[output_size[1] / 2, output_size[0] / 2]], atol=1e-6)


@pytest.mark.parametrize("convention", CropConvention)
def test_content_turns_counter_clockwise(convention: CropConvention) -> None:
    matrix = crop_matrix((50, 50), (101, 101), (101, 101), 90, convention=convention)
    middle, right_of_it = apply_affine(matrix, [[50, 50], [60, 50]])
    assert np.allclose(right_of_it - middle, [0, -10], atol=0.2)  # what was to the right is above, for y points down


def test_shift_moves_the_centre_in_units_of_the_region() -> None:
    shifted = crop_matrix((50, 60), (40, 20), (64, 64), shift=(0.5, -1))
    assert np.allclose(shifted, crop_matrix((70, 40), (40, 20), (64, 64)))


@given(st.integers(1, 3000), st.lists(points, min_size=4, max_size=4))
def test_mirrored_twice_is_the_same(width: int, places: list[tuple[float, float]]) -> None:
    flip = (1, 0, 2, 3)
    mirrored = mirror_keypoints(places, width, flip)
    assert np.allclose(mirror_keypoints(mirrored, width, flip), places, atol=1e-9)
    assert np.allclose(mirrored[[1, 0, 2, 3]], apply_affine(mirror_matrix(width), places))
    assert np.allclose(compose(mirror_matrix(width), mirror_matrix(width)), np.eye(3)[:2])


def test_mirroring_leaves_its_input_alone() -> None:
    keypoints = np.array([[1.0, 2.0], [3.0, 4.0]])
    mirror_keypoints(keypoints, 10, (0, 1))
    assert np.array_equal(keypoints, [[1, 2], [3, 4]])


# Warping


def ramp(height: int, width: int) -> NDArray[np.uint8]:
    """A picture whose first two channels are its own coordinates, so that every pixel says where it came from."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.full_like(rows, 255)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("convention", CropConvention)
@pytest.mark.parametrize("rotation", [0, 35, -120])
def test_warped_pixels_come_from_where_the_matrix_says(convention: CropConvention, rotation: float) -> None:
    picture = ramp(200, 240)
    matrix = crop_matrix((110, 90), (75, 100), (128, 96), rotation, convention=convention)
    crop = warp(picture, matrix, (128, 96))
    assert crop.shape == (128, 96, 3)
    assert crop.dtype == np.uint8
    rows, columns = np.mgrid[:128, :96]
    source = apply_affine(invert_affine(matrix), np.stack([columns, rows], axis=-1).reshape(-1, 2)).reshape(128, 96, 2)
    assert (crop[..., 2] == 255).all()  # the region lies within the picture
    assert np.abs(crop[..., :2] - source).max() <= 0.6  # half a grey level, and 1/32 pixel of the resampling


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3), (40, 50, 1)])
def test_black_outside(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 200, np.uint8)
    crop = warp(picture, crop_matrix((0, 0), (40, 40), (32, 32)), (32, 32))
    assert crop.shape[:2] == (32, 32)
    assert (crop[:15, :15] == 0).all()
    assert (crop[17:, 17:] == 200).all()
    far_away = warp(picture, crop_matrix((9000, 9000), (40, 40), (32, 32)), (32, 32))
    assert not far_away.any()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("left", "side"), [(39_000, 200), (0, 300), (-5_000, 50_000)])
def test_pictures_longer_than_opencv_takes(turned: bool, left: int, side: int) -> None:
    def brightness(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 128 + 100 * np.sin(x / 3000)

    picture = np.tile(brightness(np.arange(40_000.0)).round().astype(np.uint8), (300, 1))
    matrix = crop_matrix((left + side / 2, 150), (side, side), (64, 64))
    if turned:
        found = warp(np.ascontiguousarray(picture.T), np.ascontiguousarray(matrix[::-1, [1, 0, 2]]), (64, 64)).T
    else:
        found = warp(picture, matrix, (64, 64))
    columns = apply_affine(invert_affine(matrix), [[x, 32] for x in range(64)])[:, 0]
    inside = (columns >= 0) & (columns <= 39_998)
    assert inside.sum() > 30
    assert np.abs(found[32, inside] - brightness(columns[inside])).max() <= 2
