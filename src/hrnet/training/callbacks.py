"""What a run writes while it trains: one CSV row per epoch, and pictures of its predictions."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from hrnet.atomic_files import write_atomically
from hrnet.data.images import write_image
from hrnet.drawing import contact_sheet
from hrnet.training.module import TaskTraining

_BEFORE, _AFTER = ("epoch", "step", "lr", "train/loss"), ("seconds",)


class EpochTable(lightning.Callback):
    """Writes ``log.csv``, one row per epoch, and prints it; a resumed run goes on where its checkpoint was.

    ``lr`` is the rate of the epoch's first step. Numbers of the validation are empty in epochs without one.

    Args:
        path: of the table.
        metrics: names of the validation's numbers that have a column even before the first validation.
    """

    def __init__(self, path: Path, metrics: Sequence[str] = ()) -> None:
        self.path = path
        self.metrics = tuple(metrics)
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
        parts = ("train/", "val/") if self.validated == trainer.current_epoch else ("train/",)
        numbers = {name: value for name, value in trainer.callback_metrics.items() if name.startswith(parts)}
        row = {
            "epoch": str(trainer.current_epoch),
            "step": str(trainer.global_step),
            "lr": f"{self.rate:.6g}",
            **{name: f"{float(value):.6g}" for name, value in numbers.items()},
            "seconds": f"{time.monotonic() - self.started:.1f}",
        }
        rows.append(row)
        columns = self._columns(rows)
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.path, text.getvalue())
        print(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: "
            + ", ".join(f"{n} {row[n]}" for n in columns[2:] if n in row),
            flush=True,
        )

    def _columns(self, rows: list[dict[str, Any]]) -> list[str]:
        """Of all rows: training before validation, each in the order in which it came."""
        seen = dict.fromkeys((*_BEFORE, *(f"val/{name}" for name in self.metrics), *(name for row in rows for name in row)))
        between = [name for name in seen if name not in _BEFORE and name not in _AFTER]
        return [*_BEFORE, *sorted(between, key=lambda name: name.startswith("val/")), *_AFTER]

    def _rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


class RunEstimate(lightning.Callback):
    """Says after the first steps how long the run will take, and how much memory it needs.

    Args:
        skipped, measured: steps; the first ones are slower than the others.
    """

    def __init__(self, skipped: int = 5, measured: int = 15) -> None:
        self.skipped, self.measured = skipped, measured
        self.steps, self.started = 0, 0.0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.steps += 1
        if self.steps == self.skipped:
            self.started = time.monotonic()
        if self.steps != self.skipped + self.measured or not trainer.is_global_zero:
            return
        seconds = (time.monotonic() - self.started) / self.measured
        batches = int(trainer.num_training_batches)
        left = seconds * (batches * ((trainer.max_epochs or 1) - trainer.current_epoch) - batch_idx)
        device = trainer.strategy.root_device
        if device.type == "cuda":
            memory = f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB on the GPU"
        else:
            memory = f"{_peak_memory() / 2**30:.1f} GiB of memory"
        print(
            f"{seconds:.2f} s per step: about {_duration(seconds * batches)} per epoch, {_duration(left)} in all "
            f"without validation; {memory} at most so far, readers aside",
            flush=True,
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _peak_memory() -> int:
    """Bytes of this process at its largest."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class PredictionPictures(lightning.Callback):
    """Writes a sheet of what was found in validation samples after the first validation every few epochs."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        done = trainer.current_epoch + 1
        before = done - (trainer.check_val_every_n_epoch or 1)
        due = done == trainer.max_epochs or done // self.every > before // self.every
        if not due or trainer.sanity_checking or not trainer.is_global_zero or not isinstance(pl_module, TaskTraining):
            return
        data, found = pl_module.data, pl_module.found
        drawn = [data.draw(index, found[index]) for index in sorted(found)[: data.sheet.count]]
        if pictures := [picture for picture in drawn if picture is not None]:
            sheet = contact_sheet(pictures, columns=data.sheet.columns, cell=data.sheet.cell)
            write_image(self.folder / f"epoch_{trainer.current_epoch:04d}.jpg", sheet)
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    logger.experiment.add_image("val/predictions", sheet, trainer.global_step, dataformats="HWC")
