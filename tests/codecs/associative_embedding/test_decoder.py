"""Decoding as a whole: batches, formats and bad input."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from hrnet.codecs.associative_embedding import (
    AssociativeEmbeddingDecoder,
    AssociativeEmbeddingSpec,
    DecodedPeople,
    NetworkMaps,
    ScaledPass,
    aggregate,
    place_picture,
    separate_outputs,
    tagged_maps,
)

SPEC = AssociativeEmbeddingSpec()
SPECS = [
    SPEC,
    AssociativeEmbeddingSpec.openmmlab(),
    AssociativeEmbeddingSpec.openmmlab(udp=True),
    AssociativeEmbeddingSpec.hourglass(),
]


def scene(people: int, joints: int = 17, size: tuple[int, int] = (64, 80), seed: int = 0) -> tuple[Tensor, Tensor, np.ndarray]:
    """Heat (1, K, H, W), tags (1, K, 2, H, W) and the true positions (N, K, 2) of people with well separated tags."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    cells = torch.randperm((height // 8) * (width // 8), generator=generator)
    chosen = torch.stack([cells.roll(7 * joint)[:people] for joint in range(joints)], dim=1)
    x, y = chosen % (width // 8) * 8 + 3, chosen // (width // 8) * 8 + 4
    columns, rows = torch.arange(width), torch.arange(height).unsqueeze(1)
    distance = (columns - x[..., None, None]) ** 2 + (rows - y[..., None, None]) ** 2
    strength = 0.5 + 0.5 * torch.rand(people, joints, 1, 1, generator=generator)
    heat = (strength * torch.exp(-distance / 4)).amax(0) if people else torch.zeros(joints, *size)
    nearest = distance.argmin(0) if people else torch.zeros(joints, *size)
    tags = torch.stack([nearest * 3.0, nearest * -2.0], dim=1)
    return heat[None], tags[None], torch.stack([x, y], dim=-1).numpy()


def decode(heat: Tensor, tags: Tensor, spec: AssociativeEmbeddingSpec = SPEC) -> list[DecodedPeople]:
    return AssociativeEmbeddingDecoder(spec).decode(tagged_maps([heat], tags, spec))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("people", [1, 4, 20])
def test_finds_everybody(spec: AssociativeEmbeddingSpec, people: int) -> None:
    heat, tags, truth = scene(people)
    [found] = decode(heat, tags, spec)
    assert found.keypoints.shape == (people, 17, 2)
    order = np.argsort(found.keypoints[:, 0] @ [1, 1000])
    wanted = np.argsort(truth[:, 0] @ [1, 1000])
    assert np.abs(found.keypoints[order] - truth[wanted]).max() <= 0.75
    assert (found.scores > 0.4).all()


@pytest.mark.parametrize("spec", SPECS)
def test_a_batch_is_its_pictures_one_by_one(spec: AssociativeEmbeddingSpec) -> None:
    scenes = [scene(people, seed=people) for people in (3, 0, 8)]
    heat, tags = torch.cat([each[0] for each in scenes]), torch.cat([each[1] for each in scenes])
    heat[0, 5], heat[2, 3, :40] = 0, 0  # some joints are lacking
    together = decode(heat, tags, spec)
    assert [len(people.scores) for people in together] == [3, 0, 8]
    for index, people in enumerate(together):
        [alone] = decode(heat[index : index + 1], tags[index : index + 1], spec)
        for ours, theirs in zip(people, alone, strict=True):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (9, 3)])
def test_tiny_maps(size: tuple[int, int]) -> None:
    heat, tags = torch.full((1, 17, *size), 0.5), torch.zeros(1, 17, 1, *size)
    [found] = decode(heat, tags)
    assert len(found.scores) == 1
    assert np.isfinite(found.keypoints).all()


def test_one_joint_only() -> None:
    heat, tags, _ = scene(3, joints=1)
    [found] = decode(heat, tags)
    assert found.keypoints.shape == (3, 1, 2)
    heat, tags, truth = scene(1)
    heat[:, 1:] = 0
    [found] = decode(heat, tags)
    assert (found.keypoint_scores[0] > 0).tolist() == [True] + [False] * 16
    assert np.abs(found.keypoints[0, 0] - truth[0, 0]).max() <= 0.75


def test_all_tags_equal() -> None:
    heat, tags, _ = scene(5)
    [found] = decode(heat, torch.zeros_like(tags))
    assert len(found.scores) == 1


def test_more_people_than_the_maximum() -> None:
    heat, tags, _ = scene(40, size=(96, 96))
    for spec in (SPEC, replace(SPEC, skip_when_full=True), replace(SPEC, max_people=3)):
        [found] = decode(heat, tags, spec)
        assert len(found.scores) >= spec.max_people
        assert np.isfinite(found.keypoints).all()
    [found] = decode(heat, tags, replace(SPEC, max_people=100))
    assert len(found.scores) == 40


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_broken_maps_are_refused(value: float) -> None:
    heat, tags, truth = scene(2)
    broken = heat.clone()
    broken[0, 3, 60, 70] = value
    with pytest.raises(ValueError, match="finite"):
        decode(broken, tags)
    x, y = truth[0, 0]
    tags = tags.clone()
    tags[0, 0, 0, y, x] = value
    with pytest.raises(ValueError, match="finite"):
        decode(heat, tags)


@pytest.mark.parametrize("name", ["heat", "tags"])
def test_broken_outputs_are_refused(name: str) -> None:
    heat, tags, _ = scene(1)
    plain = NetworkMaps((heat,), tags[:, :, 0].clone())
    (plain.heatmaps[0] if name == "heat" else plain.tags)[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match=name):
        aggregate([ScaledPass(1.0, plain)], replace(SPEC, project_to_input=False))


def test_outputs_of_every_network() -> None:
    maps = torch.randn(2, 34, 8, 8)
    fine = torch.randn(2, 17, 16, 16)
    higher = separate_outputs([maps, fine], 17)
    assert [tuple(stage.shape) for stage in higher.heatmaps] == [(2, 17, 8, 8), (2, 17, 16, 16)]
    assert torch.equal(higher.tags, maps[:, 17:])
    named = separate_outputs(SimpleNamespace(heatmaps=maps[:, :17], tags=maps[:, 17:]), 17)  # pyright: ignore
    stacked = separate_outputs(torch.randn(2, 3, 68, 8, 8), 17)
    for one in (named, stacked):
        assert [tuple(stage.shape) for stage in one.heatmaps] == [(2, 17, 8, 8)]
        assert one.tags.shape == (2, 17, 8, 8)
    with pytest.raises(ValueError, match="17 keypoints"):
        separate_outputs([torch.randn(2, 30, 8, 8)], 17)


def test_what_aggregation_needs() -> None:
    heat, tags, _ = scene(1)
    plain = NetworkMaps((heat,), tags[:, :, 0])
    with pytest.raises(ValueError, match="input_size"):
        aggregate([ScaledPass(1.0, plain)], SPEC)
    unprojected = replace(SPEC, project_to_input=False)
    with pytest.raises(ValueError, match="flip_indices"):
        aggregate([ScaledPass(1.0, plain, plain)], unprojected)
    with pytest.raises(ValueError, match="scale 1"):
        aggregate([ScaledPass(0.5, plain), ScaledPass(2.0, plain)], unprojected)
    assert aggregate([ScaledPass(0.5, plain)], unprojected).size == (64, 80)
    with pytest.raises(ValueError, match="tags must have shape"):
        tagged_maps([heat], tags[:, :5], SPEC)


@pytest.mark.parametrize("image_size", [(1, 1), (200, 10000), (10000, 200), (1, 30000), (333, 500)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_pictures_of_any_shape(image_size: tuple[int, int], scale: float) -> None:
    placement = place_picture(image_size, 512, scale, smallest_scale=0.5)
    height, width = placement.input_size
    assert max(height, width) <= 8 * 512 * scale
    assert min(height, width) >= 64 * scale
    assert placement.reduced == (max(image_size) > 8 * min(image_size))
    corners = np.array([[0, 0], [image_size[1], image_size[0]]], float)
    there = corners @ placement.matrix[:, :2].T + placement.matrix[:, 2]
    cropped = 64 + 0.5 * placement.matrix[0, 0]  # the size rule's rounding, and that of the centre to whole pixels
    assert (there > -cropped).all()
    assert (there < np.array([width, height]) + cropped).all()
    assert np.allclose(placement.to_picture(there / 4, (height // 4, width // 4)), corners, atol=1e-6 * max(image_size))


def test_sizes_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="image_size"):
        place_picture((0, 5), 512)
    with pytest.raises(ValueError, match="base_size"):
        place_picture((5, 5), 0)
    with pytest.raises(ValueError, match="scale"):
        place_picture((5, 5), 512, 0.5, 1.0)


def test_enlarging_where_it_is_read_gives_the_same_people() -> None:
    heat, tags, _ = scene(6, size=(48, 64))
    heat = heat + 0.01 * torch.rand(heat.shape, generator=torch.Generator().manual_seed(3))
    tags = tags.float() + 0.01 * torch.rand(tags.shape, generator=torch.Generator().manual_seed(4))
    lazy = tagged_maps([heat], tags, SPEC, (96, 128))
    dense = tagged_maps([lazy.heat.dense()[None]], lazy.tags.dense().view(1, 17, 2, 96, 128), SPEC)
    [ours], [theirs] = (AssociativeEmbeddingDecoder(SPEC).decode(maps) for maps in (lazy, dense))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
