"""Combining stages, mirrored passes and scales, and whole pipelines, against recorded numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from golden.cases import Case, assert_close, cases_of
from torch import Tensor

from hrnet.codecs.associative_embedding import (
    AssociativeEmbeddingDecoder,
    AssociativeEmbeddingSpec,
    NetworkMaps,
    Placement,
    ScaledPass,
    aggregate,
    combine_stages,
    place_picture,
    place_square,
    separate_outputs,
)
from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.geometry import warp

case = cases_of("bottom_up")

COCO_FLIP = tuple(keypoint_set("coco").flip_indices)
CROWDPOSE_FLIP = (1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 12, 13)


def tensors(recorded: Case, *names: str) -> list[Tensor]:
    return [torch.from_numpy(recorded.inputs[name]) for name in names]


@pytest.mark.parametrize("name", ["coco_center", "coco", "crowdpose"])
def test_stages(name: str) -> None:
    recorded = case(f"bu_multi_stage_outputs_{name}").completed()
    given = recorded.inputs
    flip = CROWDPOSE_FLIP if name == "crowdpose" else COCO_FLIP
    if given["center_dropped"]:
        flip = (*flip, len(flip))
    joints = given["num_joints"]
    plain = separate_outputs(tensors(recorded, "stage0", "stage1"), joints)
    mirrored = separate_outputs(tensors(recorded, "stage0_of_flipped", "stage1_of_flipped"), joints)
    kept = joints - 1 if given["center_dropped"] else joints
    pairs = [combine_stages(plain), combine_stages(mirrored, flip)]
    heat, tags = (torch.cat([pair[n][:, :kept] for pair in pairs]) for n in range(2))
    assert_close(recorded, "heatmaps_plain", heat[:1])
    assert_close(recorded, "tags_plain", tags[:1])
    assert_close(recorded, "heatmaps_flip", heat)
    assert_close(recorded, "tags_flip", tags)
    width, height = given["size_projected_wh"]
    for key, stack in (("heatmaps_flip_projected", heat), ("tags_flip_projected", tags)):
        projected = ResizedMaps([stack[:, ::4].flatten(0, 1)], (height, width))
        assert_close(recorded, key, projected.dense())
        assert_close(recorded, key, everywhere(projected))


@pytest.mark.parametrize("name", ["first_scale", "projected"])
def test_scales(name: str) -> None:
    recorded = case(f"bu_aggregate_scales_{name}").completed()
    joints = recorded.inputs["heatmaps_scale_1"].shape[2]
    passes = []
    for scale, label in ((0.5, "0p5"), (1.0, "1"), (2.0, "2")):
        heat, tags = tensors(recorded, f"heatmaps_scale_{label}", f"tags_scale_{label}")
        # The record starts behind the mirroring: mirror back what `aggregate` will mirror.
        mirrored = NetworkMaps((heat[1].flip(-1),), tags[1].flip(-1))
        passes.append(ScaledPass(scale, NetworkMaps((heat[0],), tags[0]), mirrored))
    spec = AssociativeEmbeddingSpec(project_to_input=name == "projected")
    maps = aggregate(passes, spec, tuple(range(joints)), input_size=(24, 20))
    heat = maps.heat.dense().reshape(recorded.outputs["final_heatmaps"].shape)
    assert_close(recorded, "final_heatmaps", heat)
    assert_close(recorded, "sum_heatmaps", heat * len(passes))
    tags = maps.tags.dense().view(1, joints, 2, *maps.size).permute(0, 1, 3, 4, 2)
    assert_close(recorded, "tags", tags)


@pytest.mark.parametrize("name", ["projected", "first_scale"])
def test_multi_scale_pipeline(name: str) -> None:
    recorded = case(f"bu_pipeline_multiscale_{name}")
    outputs = case("bu_pipeline_multiscale_projected")
    spec = AssociativeEmbeddingSpec(
        detection_threshold=recorded.inputs["det_thr"],
        tag_threshold=recorded.inputs["tag_thr"],
        nms_kernel=recorded.inputs["nms_kernel"],
        project_to_input=recorded.inputs["project_to_image"],
    )
    image_size, base, scales = tuple(recorded.inputs["image_hw"]), recorded.inputs["base_input"], recorded.inputs["scales"]
    placements = {scale: place_picture(image_size, base, scale, min(scales)) for scale in scales}

    def network(scale: float, kind: str) -> NetworkMaps:
        names = (f"scale{str(scale).replace('.', 'p')}_{kind}_stage{stage}" for stage in range(2))
        return separate_outputs([stage[None] for stage in tensors(outputs, *names)], 17)

    passes = [ScaledPass(scale, network(scale, "plain"), network(scale, "mirrored")) for scale in scales]
    maps = aggregate(passes, spec, COCO_FLIP, placements[1].input_size)
    assert_close(recorded, "final_heatmap_shape", [maps.batch, maps.num_keypoints, *maps.size])
    heat = maps.heat.dense()[[0, 7, 16], ::2, ::2]
    assert_close(recorded, "heatmaps_joints_0_7_16_every_second_pixel", heat)
    [people] = AssociativeEmbeddingDecoder(spec).decode(maps)
    assert_close(recorded, "scores", people.scores)
    smallest = placements[min(scales)]
    assert_close(recorded, "center", smallest.center)
    assert_close(recorded, "scale", smallest.scale)
    points = smallest.to_picture(people.keypoints, maps.size)
    assert_close(recorded, "results", np.concatenate([points, people.keypoint_scores[..., None], people.tags], axis=-1))


@pytest.mark.parametrize("slip", ["none", "hourglass_bounds"])
def test_hourglass_pipeline(slip: str) -> None:
    recorded = case("ae_pipeline_single_scale")
    plain, mirrored = (
        separate_outputs(torch.cat(tensors(recorded, f"det_{kind}", f"tag_{kind}"))[None, None], 17)
        for kind in ("plain", "mirrored")
    )
    spec = replace(AssociativeEmbeddingSpec.hourglass(), published_slip=slip)
    maps = aggregate([ScaledPass(1.0, plain, mirrored)], spec, COCO_FLIP)
    [people] = AssociativeEmbeddingDecoder(spec).decode(maps)
    assert_close(recorded, "scores", people.scores)
    points = place_square(tuple(recorded.inputs["image_hw"])).to_picture(people.keypoints, maps.size)
    result = np.concatenate([points, people.keypoint_scores[..., None], people.tags], axis=-1)
    assert_close(recorded, "results_with_correct_bounds" if slip == "none" else "results", result)


@pytest.mark.parametrize("name", ["bu_multi_scale_sizes", "bu_resize_sizes"])
def test_input_sizes(name: str) -> None:
    recorded = case(name)
    [given] = recorded.inputs.values()
    found = []
    for height, width, base, *scales in given:
        placement = place_picture((int(height), int(width)), int(base), *scales)
        assert not placement.reduced
        found.append([*placement.input_size[::-1], *placement.center, *placement.scale])
    assert_close(recorded, "wres_hres_cx_cy_sx_sy", found)


def test_resized_photograph() -> None:
    recorded = case("bu_resize_align").completed()
    given, image = recorded.inputs, recorded.inputs["image"]
    for name, step in (("a", 1), ("b", 3)):
        placement = place_picture(image.shape[:2], given["base"], given[f"scale_{name}"], given[f"minscale_{name}"])
        assert_close(recorded, name, warp(image, placement.matrix, placement.input_size)[::step, ::step])
        assert_close(recorded, f"center_{name}", placement.center)
        assert_close(recorded, f"scale_{name}", placement.scale)
    upright = np.ascontiguousarray(image.transpose(1, 0, 2))
    placement = place_picture(upright.shape[:2], given["base"])
    assert_close(recorded, "c_transposed", warp(upright, placement.matrix, placement.input_size))


def test_back_to_the_picture() -> None:
    recorded = case("bu_final_coordinates")
    grouped = recorded.inputs["grouped"]
    width, height = recorded.inputs["heatmap_size_wh"]
    region = np.array(recorded.inputs["scale"]) * 200
    placement = Placement((height, width), tuple(recorded.inputs["center"]), tuple(region))
    points = placement.to_picture(grouped[..., :2], (height, width))
    assert_close(recorded, "final", np.concatenate([points, grouped[..., 2:]], axis=-1))


def everywhere(maps: ResizedMaps) -> Tensor:
    """All pixels, each read by itself."""
    height, width = maps.size
    every = (torch.arange(count) for count in (len(maps), height, width))
    return maps.at(*torch.meshgrid(*every, indexing="ij"))
