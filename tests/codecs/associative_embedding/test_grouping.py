"""Candidates to people where it is plain what should come out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hrnet.codecs.associative_embedding.grouping import group_candidates
from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec

SPEC = AssociativeEmbeddingSpec()


def candidates(people: int, joints: int, spacing: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, positions and tags of ``people`` complete people, shuffled anew for each joint."""
    random = np.random.default_rng(seed)
    order = np.stack([random.permutation(people) for _ in range(joints)])
    tags = order[..., None] * spacing + random.uniform(-0.2, 0.2, (joints, people, 2))
    positions = np.stack([order, np.broadcast_to(np.arange(joints)[:, None], order.shape)], axis=-1)
    return random.uniform(0.3, 1, (joints, people)), positions, tags.astype(np.float32)


@pytest.mark.parametrize("people", [1, 2, 30])
@pytest.mark.parametrize("joints", [1, 5, 14, 17, 21])
def test_complete_people(people: int, joints: int) -> None:
    found = group_candidates(*candidates(people, joints), SPEC)
    assert found.values.shape == (people, joints)
    assert (found.values > 0).all()
    # x of a position says whose it is, y which joint.
    assert (found.positions[..., 0] == found.positions[:, :1, 0]).all()
    assert (found.positions[..., 1] == np.arange(joints)).all()


def test_more_people_than_the_maximum() -> None:
    values, positions, tags = candidates(12, 17)
    spec = AssociativeEmbeddingSpec(max_people=5)
    more = group_candidates(values, positions, tags, spec)
    assert len(more.values) > 12
    assert np.isclose(more.values.sum(), values.sum())
    full = group_candidates(values, positions, tags, AssociativeEmbeddingSpec(max_people=5, skip_when_full=True))
    assert len(full.values) == 12
    assert (full.values[:, 1:] == 0).all()


def test_all_tags_equal() -> None:
    values, positions, tags = candidates(6, 17)
    found = group_candidates(values, positions, np.zeros_like(tags), SPEC)
    # Nothing tells these people apart: one person, whose joints are the last candidates.
    assert len(found.values) == 1
    assert (found.values > 0).all()


def test_nobody() -> None:
    found = group_candidates(np.zeros((17, 4)), np.zeros((17, 4, 2)), np.full((17, 4, 2), np.nan), SPEC)
    assert found.positions.shape == (0, 17, 2)
    assert found.scores.shape == (0,)


def test_broken_tags_are_refused() -> None:
    values, positions, tags = candidates(2, 3)
    tags[1, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        group_candidates(values, positions, tags, SPEC)


def test_huge_tags_stay_apart() -> None:
    values, positions, tags = candidates(3, 4)
    found = group_candidates(values, positions, tags * np.float32(1e30), SPEC)
    assert np.isclose(found.values.sum(), values.sum())


def test_options_are_checked() -> None:
    for wrong in (
        {"max_people": 0},
        {"nms_kernel": 4},
        {"detection_threshold": -0.1},
        {"tag_threshold": 0},
        {"fill_penalty": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            replace(SPEC, **wrong)
    with pytest.raises(ValueError, match="joint_order"):
        AssociativeEmbeddingSpec(joint_order=(0, 1, 1)).grouping_order(3)
    assert AssociativeEmbeddingSpec(joint_order=(2, 0, 1)).grouping_order(3) == (2, 0, 1)
    assert sorted(AssociativeEmbeddingSpec().grouping_order(8)) == list(range(8))
