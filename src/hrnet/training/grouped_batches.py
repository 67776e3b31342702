"""Batches that hold samples of one group each, in an order that depends on seed and epoch alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import Sampler

Key = tuple[int, int]
"""(number of the pass, index)."""


@dataclass(frozen=True)
class BatchPlan:
    """What an epoch has of one group.

    Attributes:
        length: samples of the group.
        batch_size: per process.
        batches: in an epoch, the same number in every process.
    """

    length: int
    batch_size: int
    batches: int


class GroupedBatches(Sampler[list[Key]]):
    """Yields batches of ``(pass, index)``, the groups evenly alternated.

    At every step all processes have the same group. A group is gone through in fresh permutations, one pass after the other,
    and an epoch goes on where the one before has ended: all its samples are seen equally often, whatever its share, and
    every batch is full. The number of the pass takes the place of the epoch, so that a sample that comes twice in one epoch is
    augmented in two ways.

    Args:
        plans: of the groups, whose indices follow one another.
        seed: of the permutations.
        rank, processes: which process this is, of how many.
        epoch: the first.
    """

    def __init__(self, plans: Sequence[BatchPlan], seed: int, rank: int = 0, processes: int = 1, epoch: int = 0) -> None:
        self.plans = tuple(plans)
        self.seed, self.rank, self.processes = seed, rank, processes
        self.epoch = epoch

    @property
    def sampler(self) -> GroupedBatches:
        """Lightning tells the epoch to the ``sampler`` of a loader's batch sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(plan.batches for plan in self.plans)

    def __iter__(self) -> Iterator[list[Key]]:
        epoch = self.epoch
        batches = [self._batches(group, epoch) for group in range(len(self.plans))]
        for group in alternated([plan.batches for plan in self.plans]):
            yield next(batches[group])

    def _batches(self, group: int, epoch: int) -> Iterator[list[Key]]:
        plan, first_index = self.plans[group], sum(plan.length for plan in self.plans[:group])
        together = plan.batch_size * self.processes
        current, order = -1, []
        for batch in range(epoch * plan.batches, (epoch + 1) * plan.batches):
            keys = []
            for position in range(batch * together + self.rank, (batch + 1) * together, self.processes):
                number, place = divmod(position, plan.length)
                if number != current:
                    current, order = number, self._permutation(group, number)
                keys.append((number, first_index + order[place]))
            yield keys

    def _permutation(self, group: int, number: int) -> list[int]:
        seed = ((self.seed * 1_000_003 + number) * 1_009 + group) % 2**63
        return torch.randperm(self.plans[group].length, generator=torch.Generator().manual_seed(seed)).tolist()


def alternated(counts: Sequence[int]) -> list[int]:
    """Which group comes when, so that each of ``counts`` is spread evenly over the whole."""
    turns = [((number + 0.5) / count, group) for group, count in enumerate(counts) for number in range(count)]
    return [group for _, group in sorted(turns)]


def plan_epoch(
    lengths: Sequence[int], batch_sizes: Sequence[int], shares: Sequence[float], batches: int | None, processes: int = 1
) -> list[BatchPlan]:
    """Divide an epoch among groups by their shares.

    Args:
        lengths: samples of each group.
        batch_sizes: of each, per process.
        shares: of each, relative to one another.
        batches: of the whole epoch; None for the least number with which every group is gone through at least once.

    Raises:
        ValueError: an empty group, a share that is not positive, or fewer batches than groups.
    """
    if not all(length > 0 for length in lengths):
        raise ValueError(f"every group needs samples, got {list(lengths)}")
    if not all(0 < share < math.inf for share in shares):
        raise ValueError(f"shares must be positive numbers, got {list(shares)}")
    parts = [share / math.fsum(shares) for share in shares]
    passes = [-(-length // (size * processes)) for length, size in zip(lengths, batch_sizes, strict=True)]
    if batches is None:
        # A little less before rounding up: 3 / 0.3 is more than 10.
        counts = _divided(max(math.ceil(one / part - 1e-9) for one, part in zip(passes, parts, strict=True)), parts)
        counts = [max(count, one) for count, one in zip(counts, passes, strict=True)]
    elif batches < len(parts):
        raise ValueError(f"an epoch of {batches} batches cannot have one of each of {len(parts)} groups")
    else:
        counts = _divided(batches, parts)
    return [BatchPlan(*plan) for plan in zip(lengths, batch_sizes, counts, strict=True)]


def _divided(total: int, parts: Sequence[float]) -> list[int]:
    """Whole numbers, at least 1 each, in the proportions of ``parts``, that add up to ``total`` (Sainte-Lague's method)."""
    counts = [1] * len(parts)
    for _ in range(total - len(parts)):
        counts[min(range(len(parts)), key=lambda group: (counts[group] + 0.5) / parts[group])] += 1
    return counts
