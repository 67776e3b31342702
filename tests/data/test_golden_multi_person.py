"""Recorded annotations, masks and augmentation of bottom-up training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of

from hrnet.codecs.multi_person_targets import MultiPersonEncoder
from hrnet.data.datasets.annotation_file import Entry
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.data.multi_person_samples import (
    MultiPersonSample,
    MultiPersonSamples,
    SceneAugmentation,
    SceneDraw,
    scale_aware_sigmas,
    with_center,
)
from hrnet.data.region_masks import covered, region_of_entry
from hrnet.data.scenes import AnnotatedScenes, Scene
from hrnet.geometry import box_xywh_to_xyxy, crop_matrix

case = cases_of("bottom_up_training")

COCO = keypoint_set("coco")
SAMPLES = ("bu_aug_sample_short_side", "bu_aug_sample_long_side")


def test_people_of_annotations() -> None:
    recorded = case("bu_get_joints")
    triples = recorded.inputs["keypoints"].reshape(-1, 17, 3)
    assert_close(recorded, "joints", triples)
    points, labelled = with_center(triples[..., :2], triples[..., 2] > 0)
    flags = np.concatenate([triples[..., 2], labelled[:, 17:]], axis=1)
    joints = np.concatenate([points, flags[..., None]], axis=-1)
    assert_close(recorded, "joints_center", joints)
    boxes = box_xywh_to_xyxy(recorded.inputs["bbox"])
    for key, rows, whole in (("joints_sigma", triples, False), ("joints_center_sigma", joints, True)):
        sigmas = np.broadcast_to(scale_aware_sigmas(boxes, whole)[:, None, None], (*rows.shape[:2], 1))
        assert_close(recorded, key, np.concatenate([rows, sigmas], axis=-1))


def test_ignore_mask() -> None:
    pytest.importorskip("faster_coco_eval")
    recorded = case("bu_ignore_mask")
    width, height = recorded.inputs["image_wh"]
    regions = [
        region_of_entry(Entry(Path("golden"), "annotation", {"segmentation": segmentation}), np.zeros(4))
        for segmentation in recorded.inputs["segmentations"]
    ]
    mask = ~covered(regions, (height, width))
    assert_close(recorded, "zeros", (~mask).sum())
    assert_close(recorded, "mask_packed_rows", np.packbits(mask, axis=1))


def test_augmentation_matrix() -> None:
    recorded = case("bu_aug_matrix")
    given = recorded.inputs
    found = [
        np.vstack([crop_matrix(center, np.full(2, 200 * scale), (side, side), rotation), [0, 0, 1]])
        for center, scale, rotation, side in zip(given["center"], given["scale"], given["rot_deg"], given["res"], strict=True)
    ]
    assert_close(recorded, "matrix", found)


class Draws:
    """The record's numbers; the offsets must be drawn from where the record says."""

    def __init__(self, given: dict) -> None:
        self.given = given
        self.uniform = [given["uniform_scale_draw"], given["uniform_rot_draw"], 0.0]
        self.whole = [given["dx"], given["dy"]]

    def random(self) -> float:
        return self.uniform.pop(0)

    def integers(self, low: int, high: int) -> int:
        assert low <= min(self.given["dx"], self.given["dy"])
        assert high > max(self.given["dx"], self.given["dy"])
        return self.whole.pop(0)


def drawn_sample(recorded: Case, image: np.ndarray | None = None, flip: bool = False) -> MultiPersonSample:
    given = recorded.inputs
    mask, joints = given["mask"], given["joints"]
    image = np.zeros((*mask.shape, 3), np.uint8) if image is None else image
    scene = Scene(image, joints[..., :2], joints[..., 2].astype(np.uint8), np.zeros((len(joints), 4)), mask > 0)
    augmentation = SceneAugmentation(
        (given["min_scale"], given["max_scale"]),
        "long" if "long" in recorded.name else "short",
        given["max_rotation"],
        given["max_translate"],
        flip_probability=float(flip),
    )
    side = given["input_size"]
    samples = MultiPersonSamples(
        AnnotatedScenes([]), COCO, (side, side), [(size, size) for size in given["output_sizes"]], max_people=len(joints)
    )
    draw = augmentation.draw(mask.shape, Draws(given))
    assert isinstance(draw, SceneDraw)
    assert draw.mirrored == flip
    return samples.cut(scene, draw)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_drawn_labels(name: str, flip: bool) -> None:
    recorded = case(name)
    assert tuple(recorded.inputs["flip_index"]) == COCO.flip_indices
    sample = drawn_sample(recorded, flip=flip)
    suffix = "_flipped" if flip else ""
    sizes = recorded.inputs["output_sizes"]
    encoder = MultiPersonEncoder((96, 96), tuple((size, size) for size in sizes))
    for size, mask in zip(sizes, sample["masks"], strict=True):
        wanted = recorded.outputs[f"joints{size}{suffix}"]
        points = encoder.on_map(torch.from_numpy(sample["keypoints"])[None], (size, size), torch.tensor([sample["mirrored"]]))[
            0
        ]
        labelled = wanted[..., 2] > 0
        assert np.array_equal(sample["visibility"] > 0, labelled)
        # Positions of keypoints that are not labelled mean nothing.
        assert_close(recorded, f"joints{size}{suffix}", points, np.where(labelled[..., None], wanted[..., :2], np.nan))
        if f"mask{size}{suffix}" in recorded.outputs:
            assert_close(recorded, f"mask{size}{suffix}", mask)


@pytest.mark.parametrize("name", SAMPLES)
def test_drawn_pixels(name: str) -> None:
    recorded = case(name)
    image = recorded.photograph("image")
    for key, flip in (("image_affine", False), ("image_flipped", True)):
        assert_close(recorded, key, drawn_sample(recorded, image, flip)["image"], recorded.photograph(key))
