"""What the training engine knows of a task: a network with its losses, and data with its measure.

A new task is a `hrnet.tasks.recipe.Recipe` with sections of its own, a `TaskData`, a `Task`, and a line in
`hrnet.tasks.table`. The engine calls, in this order: ``recipe.load_data()``, ``data.build_task()``, and then for every batch
``task.losses`` or ``task.validate``, and after a validation ``data.measure`` and ``data.draw``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Batch = Mapping[str, Any]
"""Samples put together: tensors with B entries, among them ``index`` (B,)."""


class Samples(Protocol):
    """Network inputs with their labels by epoch and index; what is given depends on these and on the recipe alone.

    A sample is a mapping of arrays and numbers, which all have one size, with its own ``index`` among them.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, key: tuple[int, int], /) -> Any: ...


class SampleGroup(NamedTuple):
    """Samples that fill batches among themselves.

    Attributes:
        samples: one or several parts, which the engine shuffles as one.
        batch_size: None for the recipe's.
        share: of the epoch's batches, relative to that of the other groups.
    """

    samples: Sequence[Samples]
    batch_size: int | None = None
    share: float = 1.0


class Validated(NamedTuple):
    """What a validation batch gave.

    Attributes:
        losses: named losses, ``total`` among them.
        found: by sample index what the network found, for `TaskData.measure`: NumPy arrays, since processes exchange it.
    """

    losses: dict[str, Tensor]
    found: dict[int, Any]


class Monitor(NamedTuple):
    """By which number of the validation the best checkpoint is kept: a name that `TaskData.measure` gives, or ``"loss"``."""

    name: str
    mode: Literal["min", "max"]


class Sheet(NamedTuple):
    """How pictures of predictions are laid out: how many, and cells of (height, width) pixels in how many columns."""

    count: int = 24
    columns: int = 6
    cell: tuple[int, int] = (200, 200)


class Task(nn.Module, ABC):
    """A network together with all that is needed to train it and to read its outputs.

    Data stays out of it: the moving average of the weights copies it whole.

    Attributes:
        network: what is trained and saved. Other modules must keep nothing in the state dict.
    """

    network: nn.Module

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named losses of a training batch; ``total`` is the one to minimise."""

    @abstractmethod
    def validate(self, batch: Batch) -> Validated:
        """Losses and findings of a validation batch; gradients are off, the network is in eval mode."""

    @abstractmethod
    def texts(self) -> dict[str, str]:
        """What is written beside the weights, so that a file is enough to use them."""


class TaskData(ABC):
    """The data of one run.

    Attributes:
        monitor, sheet: of the task.
        val_batch_size: of the validation, where it is not the recipe's: 1 for pictures of several sizes.
        epoch_batches: batches in an epoch. By default one group is gone through once, and several groups so long that each
            is gone through at least once.
    """

    monitor: Monitor = Monitor("loss", "min")
    sheet: Sheet = Sheet()
    val_batch_size: int | None = None
    epoch_batches: int | None = None

    @abstractmethod
    def train_samples(self) -> Sequence[Samples]:
        """What is trained on, augmented: one or several parts, which the engine shuffles as one."""

    @abstractmethod
    def val_samples(self) -> Samples | None:
        """What is validated on, the same in every epoch (it is asked for epoch 0); None where the recipe names nothing."""

    def train_groups(self) -> Sequence[SampleGroup]:
        """What is trained on, by whose samples may share a batch; usually all."""
        return [SampleGroup(self.train_samples())]

    def val_groups(self) -> Sequence[SampleGroup]:
        """What is validated on, likewise, one group after the other."""
        samples = self.val_samples()
        return [] if samples is None else [SampleGroup([samples], self.val_batch_size)]

    @abstractmethod
    def build_task(self) -> Task:
        """The task with fresh weights, with as many outputs as the data asks for."""

    @abstractmethod
    def summary(self) -> str:
        """How much there is, in words: ``"5000 people to train on, 400 to validate"``."""

    @abstractmethod
    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        """Numbers by name of a whole validation: what `Task.validate` found, of all processes, by sample index."""

    def draw(self, index: int, found: Any) -> NDArray[np.uint8] | None:
        """A picture (H, W, 3) RGB of a validation sample with what was found in it; None to draw none."""
        return None
