"""Every step from maps to people against recorded numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from golden.cases import assert_close, cases_of

from hrnet.codecs.associative_embedding import (
    AssociativeEmbeddingDecoder,
    AssociativeEmbeddingSpec,
    DecodedPeople,
    TaggedMaps,
    tagged_maps,
)
from hrnet.codecs.associative_embedding.candidates import find_candidates
from hrnet.codecs.associative_embedding.grouping import People, group_candidates
from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps

case = cases_of("bottom_up")


def maps_of(det: np.ndarray, tag: np.ndarray, spec: AssociativeEmbeddingSpec) -> TaggedMaps:
    """One picture's maps from heat (K, H, W) and tags (K, H, W) or (K, H, W, T)."""
    tags = torch.from_numpy(tag.reshape(*tag.shape[:3], -1)).permute(0, 3, 1, 2)
    return tagged_maps([torch.from_numpy(det)[None]], tags[None], spec)


def rows(people: People | DecodedPeople) -> np.ndarray:
    """(N, K, 3 + T), as the record has it: x, y, heat, tags."""
    positions, values = people[0], people[1]
    return np.concatenate([positions, values[..., None], people.tags], axis=-1)


def recorded_people(person_rows: np.ndarray) -> People:
    return People(person_rows[..., :2], person_rows[..., 2], person_rows[..., 3:])


def options(given: dict[str, Any]) -> AssociativeEmbeddingSpec:
    return AssociativeEmbeddingSpec(
        max_people=given["maxp"],
        detection_threshold=given["det_thr"],
        tag_threshold=given["tag_thr"],
        nms_kernel=given.get("kernel", 5),
        weigh_by_heat=given["use_val"],
        skip_when_full=given["ignore"],
    )


@pytest.mark.parametrize("kernel", [3, 5])
def test_local_maxima(kernel: int) -> None:
    recorded = case("bu_heatmap_nms")
    det = torch.from_numpy(recorded.inputs["det"])
    maps = ResizedMaps([det.flatten(0, 1)])
    size = maps.size[0] * maps.size[1]
    found = find_candidates(maps, kernel, size, threshold=-np.inf)
    suppressed = np.zeros((len(maps), *maps.size), np.float32)
    for stack, count, values, positions in zip(suppressed, *found, strict=True):
        stack[positions[:count, 1], positions[:count, 0]] = values[:count]
    assert_close(recorded, f"nms_k{kernel}", suppressed.reshape(det.shape))


def test_strongest_candidates() -> None:
    recorded = case("bu_top_k")
    given = recorded.inputs
    spec = AssociativeEmbeddingSpec(max_people=given["k"], detection_threshold=0.0)
    maps = tagged_maps([torch.from_numpy(given["det"])], torch.from_numpy(given["tag"]).permute(0, 1, 4, 2, 3), spec)
    found = AssociativeEmbeddingDecoder(spec).candidates(maps)
    shape = recorded.outputs["val"].shape
    assert_close(recorded, "val", found.values.reshape(shape))
    assert_close(recorded, "loc_xy", found.positions.reshape(*shape, 2))


@pytest.mark.parametrize(
    "name",
    [
        "default",
        "no_detection_val",
        "ignore_too_much_max4",
        "max4_without_ignore",
        "tight_tag_threshold",
        "high_detection_threshold",
    ],
)
def test_grouping_alone(name: str) -> None:
    recorded = case(f"bu_match_{name}")
    given = recorded.inputs
    people = group_candidates(given["val"], given["loc_xy"], given["tag"], options(given))
    assert_close(recorded, "matched", rows(people))


@pytest.mark.parametrize(
    "name", ["one_person", "three_people", "ten_people_noisy", "thirty_people", "three_people_tag1_kernel3"]
)
def test_all_steps(name: str) -> None:
    recorded = case(f"bu_parse_{name}")
    given, spec = recorded.inputs, options(recorded.inputs)
    assert spec.grouping_order(given["num_joints"]) == tuple(given["joint_order"])
    maps, decoder = maps_of(given["det"], given["tag"], spec), AssociativeEmbeddingDecoder(spec)
    found = find_candidates(maps.heat, spec.nms_kernel, spec.max_people)
    assert_close(recorded, "topk_val", found.values)
    positive = recorded.outputs["topk_val"] > 0
    assert_close(recorded, "topk_loc_xy", found.positions[positive], recorded.outputs["topk_loc_xy"][positive])
    [grouped] = decoder.group(maps, decoder.candidates(maps))
    assert_close(recorded, "matched", rows(grouped))
    assert_close(recorded, "scores", grouped.scores)
    assert_close(recorded, "adjusted", rows(decoder.adjust(maps, grouped, np.zeros(len(grouped.values), int))))
    [people] = decoder.decode(maps)
    assert_close(recorded, "parsed", rows(people))
    assert_close(recorded, "scores", people.scores)
    [unadjusted] = AssociativeEmbeddingDecoder(replace(spec, adjustment="none")).decode(maps)
    assert_close(recorded, "parsed_without_adjust", rows(unadjusted))


def test_candidates_of_ambiguous_tags() -> None:
    recorded = case("bu_parse_thirty_people_ambiguous_line_tags").completed()
    given, wanted = recorded.inputs, recorded.outputs["topk_val"]
    maps = maps_of(given["det"], given["tag"], options(given))
    found = find_candidates(maps.heat, given["kernel"], given["maxp"])
    assert_close(recorded, "topk_val", found.values)
    assert_close(recorded, "topk_loc_xy", found.positions[wanted > 0], recorded.outputs["topk_loc_xy"][wanted > 0])


def test_nobody() -> None:
    recorded = case("bu_parse_empty")
    size = recorded.inputs["map_size"]
    det = np.zeros((17, size, size), np.float32)
    det[3, 5, 5] = recorded.inputs["single_value_at_joint3_y5_x5"]
    spec = AssociativeEmbeddingSpec()
    [people] = AssociativeEmbeddingDecoder(spec).decode(maps_of(det, np.zeros((17, size, size, 2), np.float32), spec))
    assert_close(recorded, "num_people", len(people.keypoints))
    assert_close(recorded, "num_scores", len(people.scores))
    assert people.keypoints.shape == (0, 17, 2)


def test_fourteen_joints() -> None:
    recorded = case("bu_parse_crowdpose14")
    given, spec = recorded.inputs, AssociativeEmbeddingSpec()
    assert spec.grouping_order(14) == tuple(given["joint_order"])
    [people] = AssociativeEmbeddingDecoder(spec).decode(maps_of(given["det"], given["tag"], spec))
    assert_close(recorded, "parsed", rows(people))
    assert_close(recorded, "scores", people.scores)


def test_tags_shared_by_all_joints() -> None:
    recorded = case("bu_parse_shared_tag")
    spec = AssociativeEmbeddingSpec()
    tags = torch.from_numpy(recorded.inputs["tag"]).permute(0, 1, 4, 2, 3)
    maps = tagged_maps([torch.from_numpy(recorded.inputs["det"])[None]], tags, spec)
    [people] = AssociativeEmbeddingDecoder(spec).decode(maps)
    assert_close(recorded, "parsed", rows(people))
    assert_close(recorded, "scores", people.scores)


@pytest.mark.parametrize("key", ["refined", "refined_when_joint0_map_is_negated"])
def test_absent_joints(key: str) -> None:
    recorded = case("bu_refine")
    det = recorded.inputs["det"].copy()
    if key != "refined":
        det[0] *= -1
    spec = AssociativeEmbeddingSpec()
    maps = maps_of(det, recorded.inputs["tag"], spec)
    people = recorded_people(recorded.inputs["keypoints"][None])
    assert_close(recorded, key, rows(AssociativeEmbeddingDecoder(spec).fill(maps, people, np.zeros(1, int))))


def test_quarter_of_a_pixel() -> None:
    recorded = case("bu_adjust")
    det, spec = recorded.inputs["det"][0], AssociativeEmbeddingSpec()
    maps = maps_of(det, np.zeros_like(det), spec)
    people = recorded_people(recorded.inputs["joints"])
    assert_close(recorded, "adjusted", rows(AssociativeEmbeddingDecoder(spec).adjust(maps, people, np.zeros(1, int))))


@pytest.mark.parametrize("udp", [False, True])
def test_openmmlab(udp: bool) -> None:
    recorded = case(f"bu_ae_codec_mmpose_{'udp' if udp else 'plain'}")
    spec = AssociativeEmbeddingSpec.openmmlab(udp)
    if udp:
        spec = replace(spec, published_slip="openmmlab_logarithm")
    # The heat recorded with UDP is what the decoder left of it, a logarithm; it was given that of the plain case.
    det = case("bu_ae_codec_mmpose_plain").inputs["det"]
    [people] = AssociativeEmbeddingDecoder(spec).decode(maps_of(det, recorded.inputs["tag"], spec))
    unit = 1 if udp else 0
    stride = (recorded.inputs["input_size_wh"][0] - unit) / (recorded.inputs["heatmap_size_wh"][0] - unit)
    assert_close(recorded, "decoded", people.keypoints * stride)
    assert_close(recorded, "decoded_scores", people.keypoint_scores)
    assert_close(recorded, "instance_scores", people.scores)


@pytest.mark.parametrize("name", ["four_people", "ten_people"])
def test_hourglass(name: str) -> None:
    recorded = case(f"ae_parse_{name}")
    given = recorded.inputs
    spec = replace(
        AssociativeEmbeddingSpec.hourglass(),
        detection_threshold=given["detection_threshold"],
        tag_threshold=given["tag_threshold"],
        max_people=given["max_people"],
    )
    maps, decoder = maps_of(given["det"], given["tag"], spec), AssociativeEmbeddingDecoder(spec)
    [grouped] = decoder.group(maps, decoder.candidates(maps))
    assert_close(recorded, "matched", rows(grouped))
    assert_close(recorded, "scores", grouped.scores)
    assert_close(recorded, "adjusted", rows(decoder.adjust(maps, grouped, np.zeros(len(grouped.values), int))))
    assert_close(recorded, "refined_with_correct_bounds", rows(decoder.decode(maps)[0]))
    published = AssociativeEmbeddingDecoder(replace(spec, published_slip="hourglass_bounds"))
    assert_close(recorded, "refined", rows(published.decode(maps)[0]))
