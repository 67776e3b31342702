"""Recipes of several tasks on one body: the parts, and the data and the measures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from torch import nn

from hrnet.errors import nearest_name
from hrnet.tasks.freezing import check_freeze
from hrnet.tasks.multi_task import PART, MultiTask, build_shared_body, local_index
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.task import Monitor, SampleGroup, Samples, Sheet, TaskData

_OF_PARTS = ("task", "model", "data", "batch_size")

RUN_KEYS = tuple(item.name for item in fields(Recipe) if item.name not in _OF_PARTS)
"""What only a whole run can say: epochs, optimiser, seed ...; the recipe of a part says nothing about it."""


@dataclass(frozen=True, kw_only=True)
class SharedBodySection(ModelSection):
    """The body that all parts share.

    Attributes:
        architecture: ``hrnet_TAG``, with the tag that the architectures of all parts have.
        start_from: name or file of a checkpoint whose body, or body and heads, are the starting point; those that the parts'
            own recipes name are not used.
        upsampling: how the body resizes its branches; to be said where the parts' networks differ in it, as V1 networks
            (nearest) and V2 networks (bilinear) do.
        freeze: parts of the body that stay as they are: ``stem``, ``stage1`` .. ``stage4``.
    """

    upsampling: Literal["nearest", "bilinear", "bilinear_aligned"] | None = None
    freeze: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_freeze(self.freeze, self.start_from)


@dataclass(frozen=True, kw_only=True)
class PartSection:
    """One task of the run.

    In a file, ``recipe`` is the name of a recipe, a file (relative to the one that names it), or values; and ``changes`` may be
    a list of ``key.path=value``.

    Attributes:
        recipe: of its own task. What it says of the run is not used: epochs, optimiser, schedule, workers, seed, devices and
            the like; ``batch_size`` is.
        weight: of its loss.
        share: of the batches, relative to the other parts.
    """

    recipe: Recipe
    weight: float = 1.0
    share: float = 1.0

    def __post_init__(self) -> None:
        for name in ("weight", "share"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be a positive number, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class MultiTaskRecipe(Recipe):
    """A run that trains one body with the heads of several tasks.

    Every batch is one part's, of that part's own size; the parts take turns, evenly spread by their shares. With ``accumulate``
    as many batches as there are parts, every step of the optimiser sees all of them.

    Attributes:
        parts: by name, a Python identifier; the first is the one whose measure keeps the best checkpoint.
        batches: in an epoch, of all parts together, in every process; None for the least number with which every part is
            gone through at least once. Parts go on where the last epoch left them.
        monitor: the part whose measure keeps the best checkpoint, in place of the first.
        data: ``workers`` alone; the parts have their data in their own recipes.
        batch_size: not used, each part has its own.
    """

    task: Literal["multi_task"] = "multi_task"
    model: SharedBodySection
    data: DataSection = field(default_factory=DataSection)
    parts: dict[str, PartSection]
    batches: int | None = None
    monitor: str | None = None
    batch_size: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise ValueError("parts: at least one is needed")
        for name, part in self.parts.items():
            if not name.isidentifier() or hasattr(nn.ModuleDict, name):
                raise ValueError(f"parts: a name must be a Python identifier, and no method of layers, got {name!r}")
            if isinstance(part.recipe, MultiTaskRecipe):
                raise ValueError(f"parts.{name}: a part is one task, not several; name its parts here")
            if getattr(part.recipe.model, "freeze", ()):
                raise ValueError(f"parts.{name}: the body is shared by all parts; say model.freeze of the whole run")
            if part.recipe.model.start_from is not None and self.model.start_from is None:
                raise ValueError(
                    f"parts.{name} starts from {part.recipe.model.start_from}, which a part cannot do: say model.start_from of "
                    f"the whole run, and parts.{name}.recipe.model.start_from=null"
                )
        if self.monitor is not None and self.monitor not in self.parts:
            raise ValueError(f"monitor: there is no part {self.monitor!r}; {nearest_name(self.monitor, self.parts)}")
        if self.batches is not None and self.batches < len(self.parts):
            raise ValueError(f"batches must be at least 1 for each of the {len(self.parts)} parts, got {self.batches}")
        if self.batch_size != 1:
            raise ValueError("batch_size: each part has its own, parts.NAME.recipe.batch_size")
        if self.data.root != "." or self.data.terms is not None:
            raise ValueError("data: root and terms are said by each part, parts.NAME.recipe.data")
        if (self.devices not in (1, "auto") or self.nodes > 1) and self.strategy in ("auto", "ddp"):
            raise ValueError(
                "strategy: a batch trains one head and leaves the others, so several processes need "
                f"ddp_find_unused_parameters_true, got {self.strategy!r}"
            )

    def load_data(self) -> MultiTaskData:
        return MultiTaskData(self)

    def to_yaml(self) -> str:
        """The resolved recipe, every value of every part spelled out; a part says nothing of what the run says."""
        from pydantic import TypeAdapter

        values = yaml.safe_load(super().to_yaml())
        del values["batch_size"]
        for name, part in self.parts.items():
            own = TypeAdapter(type(part.recipe)).dump_python(part.recipe, mode="json")
            del own["data"]["workers"]
            values["parts"][name]["recipe"] = {key: value for key, value in own.items() if key not in RUN_KEYS}
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


class MultiTaskData(TaskData):
    """The data of all parts; each is validated by its own measure, ``val/PART/NAME``.

    Raises:
        ValueError: no part has what ``monitor`` needs; and what the parts' own data raise.
    """

    def __init__(self, recipe: MultiTaskRecipe) -> None:
        self.recipe = recipe
        self.epoch_batches = recipe.batches
        self.parts = {name: replace(part.recipe, seed=recipe.seed).load_data() for name, part in recipe.parts.items()}
        self._val_samples = {name: data.val_samples() for name, data in self.parts.items()}
        self.monitor = self._monitor()
        self.sheet = self._sheet()

    def summary(self) -> str:
        said = [f"{name}: {data.summary()}" for name, data in self.parts.items()]
        batches = "" if self.epoch_batches is None else f"; {self.epoch_batches} batches per epoch"
        return "; ".join(said) + batches

    def train_samples(self) -> list[Samples]:
        return [samples for group in self.train_groups() for samples in group.samples]

    def train_groups(self) -> list[SampleGroup]:
        return [
            SampleGroup(
                [OfPart(samples, name) for group in data.train_groups() for samples in group.samples],
                self.recipe.parts[name].recipe.batch_size,
                self.recipe.parts[name].share,
            )
            for name, data in self.parts.items()
        ]

    def val_samples(self) -> Samples | None:
        groups = self.val_groups()
        return groups[0].samples[0] if groups else None

    def val_groups(self) -> list[SampleGroup]:
        groups = []
        for name, data in self.parts.items():
            for group in data.val_groups():
                size = group.batch_size or self.recipe.parts[name].recipe.batch_size
                groups.append(SampleGroup([OfPart(samples, name) for samples in group.samples], size))
        return groups

    def build_task(self) -> MultiTask:
        tasks = {name: data.build_task() for name, data in self.parts.items()}
        model = self.recipe.model
        body = build_shared_body(model.architecture, tasks, model.upsampling)
        weights = {name: part.weight for name, part in self.recipe.parts.items()}
        return MultiTask(body, model.architecture, tasks, weights, model.freeze)

    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        count, names = len(self.parts), list(self.parts)
        of_parts: dict[str, dict[int, Any]] = {name: {} for name in names}
        for key in sorted(found):
            number, index = local_index(key, count)
            of_parts[names[number]][index] = found[key]
        return {
            f"{name}/{measure}": value
            for name, own in of_parts.items()
            if own
            for measure, value in self.parts[name].measure(own).items()
        }

    def draw(self, index: int, found: Any) -> NDArray[np.uint8] | None:
        number, own = local_index(index, len(self.parts))
        return self.parts[list(self.parts)[number]].draw(own, found)

    def _monitor(self) -> Monitor:
        validated = [name for name, samples in self._val_samples.items() if samples is not None]
        wanted = self.recipe.monitor
        if wanted is not None and wanted not in validated:
            raise ValueError(f"monitor: the part {wanted} has nothing to validate on")
        if not validated:
            return TaskData.monitor
        name = wanted or validated[0]
        return self.parts[name].monitor._replace(name=f"{name}/{self.parts[name].monitor.name}")

    def _sheet(self) -> Sheet:
        """Parts side by side: as many rows as the part with the fewest pictures has."""
        shown = [
            (min(self.parts[name].sheet.count, len(samples)), self.parts[name].sheet.cell)
            for name, samples in self._val_samples.items()
            if samples is not None
        ]
        if not shown:
            return TaskData.sheet
        cell = max(height for _, (height, _) in shown), max(width for _, (_, width) in shown)
        return Sheet(min(count for count, _ in shown) * len(shown), len(shown), cell)


class OfPart:
    """Samples that say which part they belong to."""

    def __init__(self, samples: Samples, part: str) -> None:
        self.samples, self.part = samples, part

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        return {**self.samples[key], PART: self.part}
