"""Batches of several groups: shares, turns, and who sees which sample when."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrnet.training.grouped_batches import BatchPlan, GroupedBatches, alternated, plan_epoch

GROUPS = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 7), st.floats(0.1, 10)), min_size=1, max_size=4)


@given(GROUPS, st.integers(4, 60), st.integers(1, 3))
def test_an_epoch_is_divided_by_shares(groups: list[tuple[int, int, float]], batches: int, processes: int) -> None:
    lengths, sizes, shares = map(list, zip(*groups, strict=True))
    counts = [plan.batches for plan in plan_epoch(lengths, sizes, shares, batches, processes)]
    assert sum(counts) == batches
    assert min(counts) >= 1
    for count, share in zip(counts, shares, strict=True):
        assert count == 1 or count < batches * share / sum(shares) + len(counts)
    plans = plan_epoch(lengths, sizes, shares, None, processes)
    assert all(plan.batches * plan.batch_size * processes >= plan.length for plan in plans)


def test_shares_of_round_numbers_are_exact() -> None:
    def counts(shares: list[float], batches: int | None) -> list[int]:
        return [plan.batches for plan in plan_epoch([40, 20, 10], [2, 2, 2], shares, batches)]

    assert counts([5, 3, 2], 100) == [50, 30, 20]
    assert counts([1, 1, 1], None) == [20, 20, 20]  # the longest is gone through once
    assert counts([0.3, 0.3, 0.4], None) == [20, 20, 27]
    assert counts([1, 1, 1000], 10) == [1, 1, 8]


@pytest.mark.parametrize(
    ("shares", "lengths", "batches", "said"),
    [([1, 0], [4, 4], 8, "positive"), ([1, 1], [4, 0], 8, "samples"), ([1, 1], [4, 4], 1, "1 batches .* 2 groups")],
)
def test_impossible_epochs(shares: list[float], lengths: list[int], batches: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plan_epoch(lengths, [2, 2], shares, batches)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_groups_take_turns(counts: list[int]) -> None:
    turns = alternated(counts)
    assert Counter(turns) == dict(enumerate(counts))
    for group, count in enumerate(counts):
        seen = 0
        for place, turn in enumerate(turns):
            seen += turn == group
            assert abs(seen - (place + 1) * count / len(turns)) < len(counts)


@given(GROUPS, st.integers(0, 5), st.integers(1, 4))
def test_batches(groups: list[tuple[int, int, float]], seed: int, processes: int) -> None:
    plans = [BatchPlan(length, size, 1 + round(share)) for length, size, share in groups]
    firsts = [sum(plan.length for plan in plans[:group]) for group in range(len(plans))]
    seen: list[Counter[int]] = [Counter() for _ in plans]
    keys: list[tuple[int, int]] = []
    for epoch in range(3):
        of_ranks = []
        for rank in range(processes):
            batches = GroupedBatches(plans, seed, rank, processes)
            batches.set_epoch(epoch)
            of_ranks.append(list(batches))
            assert len(of_ranks[-1]) == len(batches)
            assert of_ranks[-1] == list(batches)
        for step in zip(*of_ranks, strict=True):
            group = next(group for group, first in reversed(list(enumerate(firsts))) if step[0][0][1] >= first)
            for number, index in chain.from_iterable(step):
                assert 0 <= index - firsts[group] < plans[group].length
                seen[group][index] += 1
                keys.append((number, index))
            assert {len(batch) for batch in step} == {plans[group].batch_size}
    assert len(keys) == len(set(keys))  # nothing is drawn twice in the same way
    for group, counts in enumerate(seen):
        often = [counts[firsts[group] + index] for index in range(plans[group].length)]
        assert max(often) - min(often) <= 1


def test_orders_differ_by_seed_group_and_pass() -> None:
    plans = [BatchPlan(30, 30, 2), BatchPlan(30, 30, 2)]
    orders = {
        tuple(index % 30 for _, index in batch)
        for seed in range(2)
        for epoch in range(2)
        for batch in GroupedBatches(plans, seed, epoch=epoch)
    }
    assert len(orders) == 16
