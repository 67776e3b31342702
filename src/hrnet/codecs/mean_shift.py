"""Clusters of points: a histogram whose cells are few, mean shift on these, and every point to its nearest mode.

Comaniciu and Meer, "Mean Shift: A Robust Approach Toward Feature Space Analysis", TPAMI 2002.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hrnet.geometry import Floats

_MOST_CELLS, _MOST_SEEDS = 4096, 256  # the fullest; every seed is compared with every cell
_ITERATIONS = 10
# Odd numbers that spread cells over 64 bits; two cells of one picture get the same number once in 10^13 pictures.
_MULTIPLIERS = np.random.default_rng(0x63656C6C).integers(2**61, 2**62, 256, np.int64) * 2 + 1


class Clusters(NamedTuple):
    """N clusters of P points: ``modes`` (N, D), densest first, and ``members`` (P,), which cluster a point belongs to."""

    modes: Floats
    members: NDArray[np.int64]


def find_clusters(points: Floats, bandwidth: float, min_points: int = 1) -> Clusters:
    """Modes of the density of points (P, D) and the nearest mode of each point, in time that grows with P times modes.

    Clusters of fewer than ``min_points`` are given to the others; where no cluster has as many there is none, and members are
    all -1.
    """
    nobody = np.full(len(points), -1)
    if not len(points):
        return Clusters(np.zeros((0, points.shape[1])), nobody)
    centers, counts = histogram(points, bandwidth)
    modes = separate_modes(*mean_shift(centers, counts, bandwidth), bandwidth)
    members = squared_distances(points, modes).argmin(axis=1)
    large = np.bincount(members, minlength=len(modes)) >= min_points
    if not large.any():
        return Clusters(modes[:0], nobody)
    if not large.all():
        modes = modes[large]
        members = squared_distances(points, modes).argmin(axis=1)
    return Clusters(modes, members)


def histogram(points: Floats, side: float) -> tuple[Floats, NDArray[np.int64]]:
    """Mean (M, D) and count (M,) of the points of each cell that is not empty, the fullest first."""
    # Half a cell aside: embeddings gather around 0, and a corner there would cut what belongs together into 2^D cells.
    cells = np.floor(points / side + 0.5).astype(np.int64)
    codes = cells @ _MULTIPLIERS[: points.shape[1]]  # wraps around, which is meant
    _, members, counts = np.unique(codes, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(members, column, len(counts)) for column in points.T], axis=1)
    order = np.argsort(-counts, kind="stable")
    return (sums / counts[:, None])[order], counts[order]


def mean_shift(centers: Floats, counts: NDArray[np.int64], bandwidth: float) -> tuple[Floats, Floats]:
    """Move cells, the fullest first, uphill in the density of all: where they end (S, D), and the density there (S,).

    One cell of a neighbourhood is enough to find its mode: cells that are nearer than the bandwidth to a fuller one stay.
    """
    cells, weights = centers[:_MOST_CELLS], counts[:_MOST_CELLS].astype(np.float64)
    modes, kernel = separate_modes(cells, weights, bandwidth), np.zeros(0)
    for _ in range(_ITERATIONS):
        kernel = np.exp(-0.5 / bandwidth**2 * squared_distances(modes, cells)) * weights
        modes = kernel @ cells / kernel.sum(axis=1, keepdims=True)
    return modes, kernel.sum(axis=1)


def separate_modes(modes: Floats, density: Floats, distance: float) -> Floats:
    """Of modes (S, D) that are nearer than ``distance`` to each other the densest, densest first, at most 256."""
    left, kept = density.astype(np.float64), []
    while left.max() > 0 and len(kept) < _MOST_SEEDS:
        kept.append(int(left.argmax()))
        left[squared_distances(modes[kept[-1:]], modes)[0] < distance**2] = 0.0
        left[kept[-1]] = 0.0
    return modes[kept]


def squared_distances(first: Floats, second: Floats) -> Floats:
    """(P, N) of points (P, D) and (N, D)."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    return np.maximum(squares - 2 * first @ second.T, 0.0)
