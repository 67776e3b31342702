"""What a recipe says for every task; each task adds its own sections (`hrnet.tasks.table` lists them)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from hrnet.tasks.task import TaskData


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """What is trained.

    Attributes:
        architecture: a name of `hrnet.list_models`, or one with a free width such as ``pose_hrnet_wN``.
        start_from: name or file of a checkpoint whose fitting layers are the starting point.
    """

    architecture: str
    start_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataSection:
    """Where the data is, and how many processes read it. ``terms`` goes into the card of the weights."""

    root: str = "."
    workers: int = 2
    terms: str | None = None


@dataclass(frozen=True)
class OptimizerSection:
    """How weights are changed.

    ``weight_decay`` is applied by AdamW and SGD, the reference's Adam runs without; ``momentum`` is SGD's. ``rate_factors``
    multiply the rate of parts of the network, by the first of their parameters' names: ``last_layer: 10``.
    """

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    nesterov: bool = False
    rate_factors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ScheduleSection:
    """How the rate changes.

    ``step`` multiplies it by ``factor`` after each of the epochs ``milestones``; ``cosine`` lets it fall to 0; ``one_cycle``
    lets it rise for a tenth of the run (or for ``warmup_steps``) and fall to 0; ``poly`` is (1 - done)^``power``.
    ``warmup_steps`` optimiser steps rise linearly from a thousandth of the rate.
    """

    kind: Literal["step", "cosine", "one_cycle", "poly"] = "step"
    milestones: tuple[int, ...] = (170, 200)
    factor: float = 0.1
    power: float = 0.9
    warmup_steps: int = 0


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """A training run.

    Attributes:
        task: which task's recipe it is, a name of `hrnet.tasks.table.RECIPES`; where a file says none, top-down pose.
        batch_size: per process; the papers' total is ``batch_size * devices * nodes * accumulate``.
        accumulate: batches per optimiser step.
        ema_decay: of the exponential moving average of the weights that is validated and saved; None to switch it off.
        precision: of Lightning; the half-precision kinds without master weights are left out, they would round keypoints too.
        gradient_clip: largest gradient norm; None for no limit.
        sync_batch_norm: statistics of BatchNorm over all processes (on GPUs); else each has its own.
        validate_every, pictures_every: epochs between validations and between pictures of predictions.
        accelerator, devices, nodes, strategy: Lightning's, for several processes and machines. The stacked hourglasses have
            layers that no output depends on: on several devices they need ``ddp_find_unused_parameters_true``.
    """

    task: str
    model: ModelSection
    data: DataSection
    optimizer: OptimizerSection = field(default_factory=OptimizerSection)
    schedule: ScheduleSection = field(default_factory=ScheduleSection)
    epochs: int = 210
    batch_size: int = 32
    accumulate: int = 1
    ema_decay: float | None = None
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    gradient_clip: float | None = None
    sync_batch_norm: bool = False
    validate_every: int = 1
    pictures_every: int = 10
    seed: int = 0
    accelerator: str = "auto"
    devices: int | Literal["auto"] = "auto"
    nodes: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "validate_every", "pictures_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @abstractmethod
    def load_data(self) -> TaskData:
        """Read what the recipe trains and validates on. Errors name the file, or the key of the recipe."""

    def to_yaml(self) -> str:
        """The resolved recipe, every value spelled out; what the task adds stands first."""
        from pydantic import TypeAdapter

        values: dict[str, Any] = TypeAdapter(type(self)).dump_python(self, mode="json")
        common = [item.name for item in fields(Recipe) if item.name not in ("task", "model", "data")]
        ordered = {name: values[name] for name in ("task", "model", "data")}
        ordered |= {name: value for name, value in values.items() if name not in common}
        ordered |= {name: values[name] for name in common}
        return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True)
