"""What a run writes while it trains: one CSV row per epoch, and pictures of its predictions."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

import lightning
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger

from hrnet.atomic_files import write_atomically
from hrnet.data.images import read_image, write_image
from hrnet.drawing import contact_sheet, draw_poses
from hrnet.training.module import PoseTraining

_COLUMNS: tuple[str, ...] = ("epoch", "step", "lr", "train/loss", "val/loss", "val/pck", "seconds")


class EpochTable(lightning.Callback):
    """Writes ``log.csv``, one row per epoch, and prints it; a resumed run goes on where its checkpoint was.

    ``lr`` is the rate of the epoch's first step. Numbers of the validation are empty in epochs without one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started = time.monotonic()
        self.rate = 0.0
        self.validated = -1

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.started = time.monotonic()
        self.rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.validated = trainer.current_epoch

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        rows = [row for row in self._rows() if int(row["epoch"]) < trainer.current_epoch]
        # Lightning keeps the numbers of an earlier validation.
        fresh = [name for name in _COLUMNS if self.validated == trainer.current_epoch or not name.startswith("val/")]
        numbers = {name: float(value) for name, value in trainer.callback_metrics.items() if name in fresh}
        row = {
            "epoch": str(trainer.current_epoch),
            "step": str(trainer.global_step),
            "lr": f"{self.rate:.6g}",
            **{name: f"{value:.6g}" for name, value in numbers.items()},
            "seconds": f"{time.monotonic() - self.started:.1f}",
        }
        rows.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.path, text.getvalue())
        print(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: "
            + ", ".join(f"{n} {row[n]}" for n in _COLUMNS[2:] if n in row),
            flush=True,
        )

    def _rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


class PredictionPictures(lightning.Callback):
    """Writes a sheet of validation people with their predicted skeletons after the first validation every few epochs."""

    def __init__(self, folder: Path, every: int, count: int = 24) -> None:
        self.folder, self.every, self.count = folder, every, count

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        done = trainer.current_epoch + 1
        before = done - (trainer.check_val_every_n_epoch or 1)
        due = done == trainer.max_epochs or done // self.every > before // self.every
        if not due or trainer.sanity_checking or not trainer.is_global_zero or not isinstance(pl_module, PoseTraining):
            return
        if sheet_images := [self._draw(pl_module, index) for index in sorted(pl_module.val_keypoints)[: self.count]]:
            sheet = contact_sheet(sheet_images, columns=6, cell=(200, 200))
            write_image(self.folder / f"epoch_{trainer.current_epoch:04d}.jpg", sheet)
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    logger.experiment.add_image("val/predictions", sheet, trainer.global_step, dataformats="HWC")

    @staticmethod
    def _draw(module: PoseTraining, index: int) -> np.ndarray:
        image = read_image(module.val_records[index].image)
        keypoints, scores = module.val_keypoints[index][None], module.val_scores[index][None]
        return draw_poses(image, keypoints, scores, module.task.card.keypoint_set)
