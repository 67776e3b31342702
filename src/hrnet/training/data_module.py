"""Data of a training run: loaders whose samples depend on seed, epoch and index alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import cv2
import lightning
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from hrnet.codecs import build_codec
from hrnet.data.augmentation import PoseAugmentation
from hrnet.data.datasets import load_pose_dataset
from hrnet.data.samples import PoseSample, PoseSamples
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset
from hrnet.training.recipe import DataFiles, Recipe


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


class _Samples(Dataset[PoseSample]):
    """`PoseSamples` of several data sets behind one index."""

    def __init__(self, parts: list[PoseSamples]) -> None:
        self.parts = parts
        self.ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, key: tuple[int, int]) -> PoseSample:
        epoch, index = key
        part = bisect_right(self.ends, index)
        samples = self.parts[part]
        return samples[epoch, index - self.ends[part] + len(samples)]


class PoseData(lightning.LightningDataModule):
    """Loaders of the recipe's training and validation parts.

    Args:
        recipe: says which files, batches and workers.
        first_epoch: of a resumed run. Lightning starts the workers, who then read ahead, before it has restored its epoch.

    Raises:
        ValueError: the parts are labelled with different keypoints, or nobody is labelled in the training or validation part.
        AnnotationError: a file is broken, or labelled with other keypoints than the recipe names.
    """

    def __init__(self, recipe: Recipe, first_epoch: int = 0) -> None:
        super().__init__()
        self.recipe = recipe
        self.first_epoch = first_epoch
        self.train_sets = [self._load(part) for part in recipe.data.train]
        self.val_set = self._load(recipe.data.val) if recipe.data.val else None
        self.keypoint_set = _one_keypoint_set([*self.train_sets, *([] if self.val_set is None else [self.val_set])])
        if not any(map(len, self.train_sets)):
            raise ValueError(f"data.train: no labelled person in {', '.join(part.annotations for part in recipe.data.train)}")
        if recipe.data.val is not None and not self.val_records:
            raise ValueError(f"data.val: no labelled person in {recipe.data.val.annotations}")

    @property
    def val_records(self) -> list[PersonRecord]:
        return [] if self.val_set is None else self.val_set.records

    def summary(self) -> str:
        people = f"{sum(map(len, self.train_sets))} people to train on"
        return f"{people}, {len(self.val_records)} to validate" if self.val_records else people

    def train_dataloader(self) -> DataLoader[Any]:
        recipe = self.recipe
        samples = _Samples([self._samples(data, recipe.augmentation) for data in self.train_sets])
        sampler = EpochSampler(len(samples), recipe.seed, self._rank, self._processes, self.first_epoch)
        # A last, tiny batch would make BatchNorm's statistics noisy; it is dropped unless it is the only one.
        return self._loader(samples, sampler, drop_last=len(sampler) > recipe.batch_size)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        if self.val_set is None:
            return []
        # Each process sees its part. The first people are repeated until all parts are as long: processes meet at every batch.
        people, processes = len(self.val_set), self._processes
        indices = [(0, index % people) for index in range(self._rank, -(-people // processes) * processes, processes)]
        return self._loader(_Samples([self._samples(self.val_set, None)]), indices, drop_last=False)

    def _load(self, part: DataFiles) -> PoseDataset:
        root = Path(self.recipe.data.root).expanduser()
        return load_pose_dataset(
            root / part.annotations, root / part.images, format=part.format, keypoint_set=self.recipe.model.keypoint_set
        )

    def _samples(self, data: PoseDataset, augmentation: PoseAugmentation | None) -> PoseSamples:
        model = self.recipe.model
        convention = build_codec(model.codec).convention
        return PoseSamples(
            data.records, data.keypoint_set, model.codec.input_size, convention, model.padding, augmentation, self.recipe.seed
        )

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


def _one_keypoint_set(parts: list[PoseDataset]) -> KeypointSet:
    first = parts[0]
    for part in parts[1:]:
        if part.keypoint_set.keypoints != first.keypoint_set.keypoints:
            raise ValueError(
                f"{part.name} is labelled with {part.keypoint_set.num_keypoints} keypoints "
                f"({', '.join(part.keypoint_set.keypoints[:3])}, ...), {first.name} with {first.keypoint_set.num_keypoints} "
                f"({', '.join(first.keypoint_set.keypoints[:3])}, ...): all parts of a run must agree"
            )
    return first.keypoint_set
