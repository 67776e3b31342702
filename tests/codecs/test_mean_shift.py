from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hrnet.codecs.mean_shift import find_clusters, histogram, squared_distances


def clouds(count: int, dimensions: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points around centres that are at least 3 apart, and which centre each is of."""
    draws = np.random.default_rng(seed)
    centers = 3.0 * np.stack([draws.permutation(count + 3)[:count] for _ in range(dimensions)], axis=1)
    owners = np.repeat(np.arange(count), draws.integers(20, 200, count))
    return centers[owners] + draws.normal(0, spread / np.sqrt(dimensions), (len(owners), dimensions)), owners


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 1000))
def test_clouds_are_clusters(count: int, dimensions: int, seed: int) -> None:
    points, owners = clouds(count, dimensions, 0.3, seed)
    modes, members = find_clusters(points, 0.5, 4)
    assert len(modes) == count
    pairs = set(zip(owners.tolist(), members.tolist(), strict=True))
    assert len(pairs) == count


@given(st.integers(0, 1000))
def test_order_of_points_does_not_matter(seed: int) -> None:
    points, _ = clouds(4, 3, 0.4, seed)
    order = np.random.default_rng(seed).permutation(len(points))
    first, second = find_clusters(points, 0.5), find_clusters(points[order], 0.5)
    assert np.array_equal(first.members[order], second.members)


def test_few_points_go_to_the_others() -> None:
    points = np.concatenate([np.zeros((50, 2)), np.full((3, 2), 4.0)])
    assert len(find_clusters(points, 0.5, 3).modes) == 2
    alone = find_clusters(points, 0.5, 4)
    assert (len(alone.modes), set(alone.members.tolist())) == (1, {0})
    none = find_clusters(points[:3], 0.5, 4)
    assert (len(none.modes), none.members.tolist()) == (0, [-1, -1, -1])
    assert len(find_clusters(points[:0], 0.5).modes) == 0


def test_histogram_counts_every_point() -> None:
    points, _ = clouds(5, 8, 1.0, 3)
    centers, counts = histogram(points, 0.5)
    assert counts.sum() == len(points)
    assert np.allclose(counts @ centers, points.sum(axis=0))
    assert (np.diff(counts) <= 0).all()
    nearest = np.sqrt(squared_distances(points, centers).min(axis=1))
    assert nearest.max() <= 0.5 * np.sqrt(8)
