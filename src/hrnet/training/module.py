"""The Lightning module: steps, optimiser and schedule of any task."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from hrnet.errors import DivergenceError, nearest_name
from hrnet.tasks.recipe import Recipe
from hrnet.tasks.task import Batch, Task, TaskData


class TaskTraining(lightning.LightningModule):
    """Trains a `Task`; its data is reached through the trainer, since the moving average copies the module.

    Logs ``train/loss`` and ``val/loss``, the task's ``total``; its other losses as ``train/NAME`` and ``val/NAME``; and what
    `TaskData.measure` gives as ``val/NAME``.
    """

    def __init__(self, task: Task, recipe: Recipe) -> None:
        super().__init__()
        self.task = task
        self.recipe = recipe
        self.found: dict[int, Any] = {}

    @property
    def data(self) -> TaskData:
        return self.trainer.datamodule.data  # pyright: ignore[reportAttributeAccessIssue]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        losses = self.task.losses(batch)
        if not torch.isfinite(losses["total"]):
            saved = self._save_batch(batch)
            raise DivergenceError(
                f"the loss is {losses['total'].item()} at epoch {self.current_epoch}, batch {batch_index}: "
                f"lower optimizer.lr, set gradient_clip, or train in 32-true; the batch is in {saved}, for torch.load"
            )
        self._log_losses("train", losses, batch)
        return losses["total"]

    def on_validation_epoch_start(self) -> None:
        self.found = {}

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        losses, found = self.task.validate(batch)
        self._log_losses("val", losses, batch)
        self.found.update(found)

    def on_validation_epoch_end(self) -> None:
        parts: list[dict[int, Any]] = [self.found]
        if self.trainer.world_size > 1:
            parts = [{} for _ in range(self.trainer.world_size)]
            torch.distributed.all_gather_object(parts, self.found)
        if found := {index: entry for part in parts for index, entry in part.items()}:
            for name, value in self.data.measure(found).items():
                self.log(f"val/{name}", value, prog_bar=True, sync_dist=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint.update(self.task.texts())  # so that a checkpoint can be used as it is

    def configure_optimizers(self) -> Any:
        recipe, options = self.recipe, self.recipe.optimizer
        parameters = self._parameter_groups()
        match options.name:
            case "adam":
                optimizer: torch.optim.Optimizer = torch.optim.Adam(parameters, options.lr)
            case "adamw":
                optimizer = torch.optim.AdamW(parameters, options.lr, weight_decay=options.weight_decay)
            case "sgd":
                optimizer = torch.optim.SGD(
                    parameters,
                    options.lr,
                    momentum=options.momentum,
                    nesterov=options.nesterov,
                    weight_decay=options.weight_decay,
                )
        total = max(1, int(self.trainer.estimated_stepping_batches))
        rate = rate_schedule(recipe, total)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """What is trained, in groups of one rate, the recipe's own first. Raises ValueError for a part that is not there."""
        options = self.recipe.optimizer
        groups: dict[float, list[torch.nn.Parameter]] = {1.0: []}
        names = [name for name, parameter in self.task.network.named_parameters() if parameter.requires_grad]
        parts = {name.split(".")[0] for name in names}
        for part in options.rate_factors:
            if part not in parts:
                raise ValueError(f"optimizer.rate_factors: the network has no part {part!r}; {nearest_name(part, parts)}")
        for name, parameter in self.task.named_parameters():
            if parameter.requires_grad:
                part = name.removeprefix("network.").split(".")[0]
                groups.setdefault(options.rate_factors.get(part, 1.0), []).append(parameter)
        return [{"params": group, "lr": options.lr * factor} for factor, group in groups.items() if group]

    def _save_batch(self, batch: Batch) -> Path:
        path = Path(self.trainer.default_root_dir) / f"diverged_batch_{self.global_rank}.pt"
        content = {name: value.cpu() if isinstance(value, Tensor) else value for name, value in batch.items()}
        torch.save(content, path)
        return path

    def _log_losses(self, part: str, losses: dict[str, Tensor], batch: Batch) -> None:
        for name, value in losses.items():
            total = name == "total"
            self.log(
                f"{part}/{'loss' if total else name}",
                value,
                prog_bar=total and part == "train",
                on_step=False,
                on_epoch=True,
                sync_dist=True,
                batch_size=len(batch["index"]),
            )


def rate_schedule(recipe: Recipe, total_steps: int) -> Callable[[int], float]:
    """A function of the optimiser step, the first being 0, that gives the factor on the learning rate.

    Args:
        total_steps: optimiser steps of the whole run, all epochs, with ``accumulate`` batches in each step.
    """
    schedule = recipe.schedule
    steps_per_epoch = total_steps / recipe.epochs
    warmup = schedule.warmup_steps
    if schedule.kind == "one_cycle" and not warmup:
        warmup = total_steps // 10

    def factor(step: int) -> float:
        if step < warmup:
            return 1e-3 + (1 - 1e-3) * step / warmup
        if schedule.kind == "step":
            epoch = step / steps_per_epoch
            return schedule.factor ** sum(epoch >= milestone for milestone in schedule.milestones)
        progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
        if schedule.kind == "poly":
            return (1 - progress) ** schedule.power
        return 0.5 * (1 + math.cos(math.pi * progress))

    return factor
