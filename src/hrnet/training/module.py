"""The Lightning module: steps, optimiser, schedule and validation of top-down pose."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from hrnet.errors import DivergenceError
from hrnet.geometry import apply_affine
from hrnet.metrics.pck import PCK, TORSO
from hrnet.structures import PersonRecord
from hrnet.tasks.pose import TopDownPose
from hrnet.training.recipe import Recipe
from hrnet.weights.card import CARD_KEY


class PoseTraining(lightning.LightningModule):
    """Trains a `TopDownPose`; validates PCK in pixels of the pictures.

    Logs ``train/loss``, ``val/loss`` and ``val/pck``: PCK@0.2 of the torso where the keypoint set has a right
    shoulder and a left hip, otherwise PCK@0.1 of the longer box side.
    """

    def __init__(self, task: TopDownPose, recipe: Recipe, val_records: Sequence[PersonRecord]) -> None:
        super().__init__()
        self.task = task
        self.recipe = recipe
        self.val_records = val_records
        self.val_keypoints: dict[int, np.ndarray] = {}
        self.val_scores: dict[int, np.ndarray] = {}

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        losses = self._losses(batch)
        if not torch.isfinite(losses["total"]):
            raise DivergenceError(
                f"the loss is {losses['total'].item()} at epoch {self.current_epoch}, batch {batch_index}: "
                "lower optimizer.lr, set gradient_clip, or train in 32-true"
            )
        size = len(batch["image"])
        self.log("train/loss", losses["total"], prog_bar=True, on_step=False, on_epoch=True, sync_dist=True, batch_size=size)
        return losses["total"]

    def on_validation_epoch_start(self) -> None:
        self.val_keypoints, self.val_scores = {}, {}

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        maps = self.task.heatmaps(batch["image"], self.task.card.flip_test)
        targets, weights = self.task.codec.encode(batch["keypoints"], batch["visibility"])
        self.log("val/loss", self.task.loss(maps, targets, weights), sync_dist=True, batch_size=len(maps))
        keypoints, scores = self.task.codec.decode(maps)
        in_image = apply_affine(batch["to_image"].cpu().numpy(), keypoints.cpu().numpy())
        for row, index in enumerate(batch["index"].tolist()):
            self.val_keypoints[index] = in_image[row]
            self.val_scores[index] = scores[row].cpu().numpy()

    def on_validation_epoch_end(self) -> None:
        found: list[dict[int, np.ndarray]] = [self.val_keypoints]
        if self.trainer.world_size > 1:
            found = [{} for _ in range(self.trainer.world_size)]
            torch.distributed.all_gather_object(found, self.val_keypoints)
        keypoints = {index: points for part in found for index, points in part.items()}
        if not keypoints:
            return
        indices = sorted(keypoints)
        metric = _validation_pck(self.task)
        metric.update(np.stack([keypoints[index] for index in indices]), [self.val_records[index] for index in indices])
        self.log("val/pck", float(metric.compute().mean[0]), prog_bar=True, sync_dist=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[CARD_KEY] = self.task.card.to_json()  # so that a checkpoint can be used as it is

    def configure_optimizers(self) -> Any:
        recipe, options = self.recipe, self.recipe.optimizer
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        match options.name:
            case "adam":
                optimizer: torch.optim.Optimizer = torch.optim.Adam(parameters, options.lr)
            case "adamw":
                optimizer = torch.optim.AdamW(parameters, options.lr, weight_decay=options.weight_decay)
            case "sgd":
                optimizer = torch.optim.SGD(
                    parameters, options.lr, momentum=0.9, nesterov=True, weight_decay=options.weight_decay
                )
        total = max(1, int(self.trainer.estimated_stepping_batches))
        rate = rate_schedule(recipe, total)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.task.losses(batch["image"], batch["keypoints"], batch["visibility"], batch["absent"])


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
        progress = (step - warmup) / max(1, total_steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return factor


def _validation_pck(task: TopDownPose) -> PCK:
    keypoint_set = task.card.keypoint_set
    if set(TORSO) <= set(keypoint_set.keypoints):
        return PCK(keypoint_set, thresholds=(0.2,), normalizer="torso")
    return PCK(keypoint_set, thresholds=(0.1,), normalizer="bbox")
