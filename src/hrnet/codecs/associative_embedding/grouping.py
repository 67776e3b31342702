"""Candidates to people: those whose tags are alike belong together. NumPy; one picture at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec

_LARGEST_COST = 1e15


class People(NamedTuple):
    """N people in the order of their creation; joints that a person lacks are 0 throughout.

    Attributes:
        positions: (N, K, 2) float32 (x, y), pixels of the map.
        values: (N, K) float32 heat, above 0 where the joint is there.
        tags: (N, K, T) float32.
    """

    positions: np.ndarray
    values: np.ndarray
    tags: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """(N,) mean heat of all K joints, those that a person lacks counting 0."""
        return self.values.mean(axis=1, dtype=np.float32)


def tag_distances(difference: np.ndarray, spec: AssociativeEmbeddingSpec) -> np.ndarray:
    """Lengths of differences (..., T) of tags, in the measure of ``spec``."""
    with np.errstate(over="ignore"):
        squared = np.square(difference)
        total = squared.sum(axis=-1) if spec.tag_distance == "euclidean" else squared.mean(axis=-1)
        return np.sqrt(total)


def group_candidates(values: np.ndarray, positions: np.ndarray, tags: np.ndarray, spec: AssociativeEmbeddingSpec) -> People:
    """Assign the candidates of one type of joint after the other to people, each at the least total cost.

    The cost of a pair is 100 times its rounded tag distance less the heat. A candidate that is left over, or assigned to a
    person whose mean tag is too far away, starts a new person. A person is known by the first component of the tag it
    started with: a new one with just the same number is the same person, and its joint the later candidate.

    Args:
        values: (K, C) heat; candidates not above the threshold do not count.
        positions: (K, C, 2) pixels of the map.
        tags: (K, C, T), finite where the candidate counts.
    """
    joints, dimensions = len(values), tags.shape[-1]
    rows = np.concatenate([positions, values[..., None], tags], axis=-1, dtype=np.float32)
    counted = rows[..., 2] > spec.detection_threshold
    if not np.isfinite(rows[counted]).all():
        raise ValueError("tags and heat of candidates must be finite, got NaN or infinity")
    capacity = int(counted.sum())
    table = np.zeros((capacity, joints, 3 + dimensions), np.float32)
    members = _Members(capacity, dimensions)
    for joint in spec.grouping_order(joints):
        found = rows[joint, counted[joint]]
        if not len(found) or (spec.skip_when_full and members.count >= spec.max_people):
            continue
        owners = _match(found, members.means(spec.max_people), spec)
        members.add(found[:, 3:], owners)
        table[owners, joint] = found  # of several candidates for one place the last stays
    table = table[: members.count]
    return People(table[..., :2], table[..., 2], table[..., 3:])


class _Members:
    """Who exists: the tag number each person is known by, and the mean tag of the candidates assigned to it."""

    def __init__(self, capacity: int, dimensions: int) -> None:
        self.count = 0
        self._names = np.zeros(capacity, np.float32)
        self._sums = np.zeros((capacity, dimensions), np.float32)
        self._sizes = np.zeros(capacity, np.float32)

    def means(self, most: int) -> np.ndarray:
        """Mean tags (P, T) of the first ``most`` people."""
        count = min(self.count, most)
        return self._sums[:count] / self._sizes[:count, None]

    def add(self, tags: np.ndarray, owners: np.ndarray) -> None:
        """Take candidates in; those whose owner is -1 are given one in place."""
        new = owners < 0
        if new.any():
            owners[new] = self._owners_by_name(tags[new, 0])
        np.add.at(self._sums, owners, tags)
        np.add.at(self._sizes, owners, 1)

    def _owners_by_name(self, names: np.ndarray) -> np.ndarray:
        same = names[:, None] == self._names[None, : self.count]
        owners = np.where(same.any(axis=1), same.argmax(axis=1) if self.count else 0, -1)
        unknown = owners < 0
        distinct, first, inverse = np.unique(names[unknown], return_index=True, return_inverse=True)
        appearance = np.argsort(first)
        number = np.empty_like(appearance)
        number[appearance] = np.arange(len(distinct))
        owners[unknown] = self.count + number[inverse]
        self._names[self.count : self.count + len(distinct)] = distinct[appearance]
        self.count += len(distinct)
        return owners


def _match(found: np.ndarray, means: np.ndarray, spec: AssociativeEmbeddingSpec) -> np.ndarray:
    """Number (C,) of the person that each candidate (C, 3 + T) belongs to, -1 for a new one; ``means`` (P, T)."""
    owners = np.full(len(found), -1)
    if not len(means):
        return owners
    # Half a second to import, so not before the first picture.
    from scipy.optimize import linear_sum_assignment

    distance = tag_distances(found[:, None, 3:] - means[None], spec)
    cost = np.round(distance) * 100 - found[:, 2:3] if spec.weigh_by_heat else distance
    # More candidates than people leave some candidates over, as columns of a huge constant cost would.
    candidate, person = linear_sum_assignment(np.minimum(cost.astype(np.float64), _LARGEST_COST))
    near = distance[candidate, person] < spec.tag_threshold
    owners[candidate[near]] = person[near]
    return owners
