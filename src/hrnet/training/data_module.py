"""Data of a training run: loaders whose samples depend on seed, epoch and index alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import cv2
import lightning
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from hrnet.tasks.recipe import Recipe
from hrnet.tasks.task import SampleGroup, Samples, TaskData
from hrnet.training.grouped_batches import GroupedBatches, plan_epoch


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields ``(epoch, index)``: a fresh permutation for each epoch, the same in every process, divided among them.

    The epoch travels with the index, so that workers hold no state and a resumed run draws what the first would have
    drawn. The last few indices of an epoch are repeated where they do not divide evenly.
    """

    def __init__(self, length: int, seed: int, rank: int = 0, processes: int = 1, epoch: int = 0) -> None:
        self.length, self.seed, self.rank, self.processes = length, seed, rank, processes
        self.epoch = epoch

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.length // self.processes)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch = self.epoch
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        order = torch.randperm(self.length, generator=generator).tolist()
        for place in range(self.rank, len(self) * self.processes, self.processes):
            yield epoch, order[place % self.length]


class _Samples(Dataset[Any]):
    """Samples of several parts behind one index."""

    def __init__(self, parts: Sequence[Samples]) -> None:
        self.parts = parts
        self.ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, key: tuple[int, int]) -> Any:
        epoch, index = key
        part = bisect_right(self.ends, index)
        samples = self.parts[part]
        return samples[epoch, index - self.ends[part] + len(samples)]


class RecipeData(lightning.LightningDataModule):
    """Loaders of a task's training and validation samples.

    Args:
        recipe: says how many make a batch, and how many workers read them.
        data: the task's; read from the recipe where it is not given.
        first_epoch: of a resumed run. Lightning starts the workers, who then read ahead, before it has restored its epoch.
    """

    def __init__(self, recipe: Recipe, data: TaskData | None = None, first_epoch: int = 0) -> None:
        super().__init__()
        self.recipe = recipe
        self.data = data or recipe.load_data()
        self.first_epoch = first_epoch

    def train_dataloader(self) -> DataLoader[Any]:
        groups, recipe = self.data.train_groups(), self.recipe
        samples = _Samples([part for group in groups for part in group.samples])
        if len(groups) == 1 and self.data.epoch_batches is None:
            size = self._batch_size(groups[0])
            sampler = EpochSampler(len(samples), recipe.seed, self._rank, self._processes, self.first_epoch)
            # A last, tiny batch would make BatchNorm's statistics noisy; it is dropped unless it is the only one.
            return self._loader(samples, batch_size=size, sampler=sampler, drop_last=len(sampler) > size)
        plans = plan_epoch(
            [sum(map(len, group.samples)) for group in groups],
            [self._batch_size(group) for group in groups],
            [group.share for group in groups],
            self.data.epoch_batches,
            self._processes,
        )
        batches = GroupedBatches(plans, recipe.seed, self._rank, self._processes, self.first_epoch)
        return self._loader(samples, batch_sampler=batches)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        groups = self.data.val_groups()
        if not groups:
            return []
        batches: list[list[tuple[int, int]]] = []
        first, processes = 0, self._processes
        for group in groups:
            # Each process sees its part. The first samples are repeated until all parts are as long: processes meet at every
            # batch.
            count, size = sum(map(len, group.samples)), self._batch_size(group)
            places = range(self._rank, -(-count // processes) * processes, processes)
            keys = [(0, first + place % count) for place in places]
            batches += [keys[start : start + size] for start in range(0, len(keys), size)]
            first += count
        return self._loader(_Samples([part for group in groups for part in group.samples]), batch_sampler=batches)

    def _batch_size(self, group: SampleGroup) -> int:
        return self.recipe.batch_size if group.batch_size is None else group.batch_size

    def _loader(self, samples: _Samples, **batching: Any) -> DataLoader[Any]:
        workers = self.recipe.data.workers
        return DataLoader(
            samples,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_single_thread,
            **batching,
        )

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer else 0

    @property
    def _processes(self) -> int:
        return self.trainer.world_size if self.trainer else 1


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """Stop OpenCV's threads before workers are forked: a child that inherits them without their life waits forever."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _single_thread(_: int) -> None:
    cv2.setNumThreads(1)  # for workers that were not forked
