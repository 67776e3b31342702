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
from hrnet.tasks.task import Samples, TaskData


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
        recipe = self.recipe
        samples = _Samples(self.data.train_samples())
        sampler = EpochSampler(len(samples), recipe.seed, self._rank, self._processes, self.first_epoch)
        # A last, tiny batch would make BatchNorm's statistics noisy; it is dropped unless it is the only one.
        return self._loader(samples, sampler, drop_last=len(sampler) > recipe.batch_size)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        samples = self.data.val_samples()
        if samples is None:
            return []
        # Each process sees its part. The first samples are repeated until all parts are as long: processes meet at every batch.
        count, processes = len(samples), self._processes
        indices = [(0, index % count) for index in range(self._rank, -(-count // processes) * processes, processes)]
        return self._loader(_Samples([samples]), indices, drop_last=False)

    def _loader(self, samples: _Samples, sampler: Any, drop_last: bool) -> DataLoader[Any]:
        workers = self.recipe.data.workers
        return DataLoader(
            samples,
            batch_size=self.recipe.batch_size,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            drop_last=drop_last,
            worker_init_fn=_single_thread,
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
