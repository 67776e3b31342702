"""Runs a recipe: builds data, task and trainer, and leaves a folder from which the result can be used.

Several processes are Lightning's business: on one machine it starts them itself (``devices: 2``); under ``torchrun``, SLURM
and the other environments it knows, it takes ranks and addresses from there, and ``devices`` and ``nodes`` must say what was
started. Every process runs `train` from its beginning; files are written by the first one.
"""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrnet.atomic_files import write_atomically
from hrnet.errors import MissingExtraError
from hrnet.tasks.recipe import Recipe
from hrnet.tasks.recipe_reading import load_recipe

try:
    import lightning
    import tensorboard  # noqa: F401 (Lightning asks for it only when the run starts)
except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that was built for another torch
    raise MissingExtraError(f"training needs Lightning and TensorBoard ({error}): pip install 'hrnet[train]'") from error

import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch import channels_last, nn

from hrnet.tasks.task import Monitor, Task, TaskData
from hrnet.training.callbacks import EpochTable, PredictionPictures, RunEstimate
from hrnet.training.checkpoint_files import AtomicCheckpoints
from hrnet.training.console import quiet_lightning
from hrnet.training.data_module import RecipeData, single_threaded_opencv
from hrnet.training.module import TaskTraining
from hrnet.training.weight_averaging import MovingAverage
from hrnet.weights.files import read_state_dict
from hrnet.weights.loading import StartReport, start_from
from hrnet.weights.writing import write_checkpoint
from hrnet.weights.zoo.locating import locate


@dataclass(frozen=True)
class TrainingResult:
    """What a run left behind.

    Attributes:
        output: the run's folder, with ``recipe.yaml``, ``log.csv``, ``checkpoints/`` and ``pictures/``.
        weights: the final weights, safetensors with what is needed to use them.
        metrics: the last numbers of training and validation; empty where a resumed run had nothing left to do.
    """

    output: Path
    weights: Path
    metrics: dict[str, float]


def train(
    recipe: Recipe | str | Path,
    overrides: Sequence[str] = (),
    output: str | Path | None = None,
    resume: bool = False,
) -> TrainingResult:
    """Train a network for the task of a recipe.

    Args:
        recipe: a `Recipe`, a YAML file, or one of `hrnet.tasks.recipe_reading.list_recipes`.
        overrides: ``key.path=value`` changes to the recipe; not with a `Recipe`.
        output: the run's folder; ``runs/NAME`` where it is not given.
        resume: go on from the last checkpoint of that folder, where there is one. An epoch that was interrupted is run again
            from its start, so that the run ends as if it had not been interrupted.

    Raises:
        FileExistsError: the folder holds a run already and ``resume`` was not asked for.
        DivergenceError: the loss became infinite or NaN.
        KeyboardInterrupt: Ctrl-C; the run can be resumed.
        OSError: the folder cannot be made or written to.
    """
    if isinstance(recipe, Recipe):
        if overrides:
            raise ValueError("overrides go with a file or the name of a recipe; change a Recipe with dataclasses.replace")
        resolved, name = recipe, recipe.model.architecture
    else:
        resolved, name = load_recipe(recipe, overrides), Path(recipe).stem
    folder = Path(output) if output is not None else Path("runs") / name
    last = folder / "checkpoints" / "last.ckpt"
    if last.exists() and not resume:
        raise FileExistsError(f"{folder} holds a run already: resume it (--resume) or choose another output folder")
    _make_folder(folder / "pictures")

    with quiet_lightning(), single_threaded_opencv():
        lightning.seed_everything(resolved.seed, workers=True, verbose=False)
        data = resolved.load_data()
        trainer = build_trainer(resolved, folder, None if data.val_samples() is None else data.monitor)
        if trainer.is_global_zero:
            write_atomically(folder / "recipe.yaml", resolved.to_yaml())
        checkpoint = last if resume and last.exists() else None
        task, report = build_task(resolved, data)
        if report is not None:
            _say(trainer, f"start from {resolved.model.start_from}: {report}")
        if resume:
            _say(trainer, f"resuming {last}" if checkpoint else f"{folder} holds no checkpoint yet: starting at the beginning")
        _say(trainer, f"the recipe, also in {folder / 'recipe.yaml'}:\n{textwrap.indent(resolved.to_yaml(), '  ')}")
        device = trainer.strategy.root_device.type
        _say(trainer, f"{name}: {data.summary()}, {resolved.epochs} epochs on {device}, into {folder}")
        loaders = RecipeData(resolved, data, first_epoch=_finished_epochs(checkpoint))
        _fit(trainer, TaskTraining(task, resolved), loaders, checkpoint)

    weights = folder / "weights.safetensors"
    if trainer.is_global_zero:
        write_checkpoint(weights, task.network.state_dict(), task.texts())
        _say(trainer, f"weights: {weights}")
    return TrainingResult(folder, weights, {key: float(value) for key, value in trainer.callback_metrics.items()})


def build_trainer(recipe: Recipe, folder: Path, monitor: Monitor | None) -> lightning.Trainer:
    """The Lightning trainer of a recipe, with everything that is written on the way.

    Args:
        monitor: of the validation; None where there is none.
    """
    checkpoints = folder / "checkpoints"
    callbacks: list[Any] = [
        EpochTable(folder / "log.csv", ("loss", monitor.name) if monitor else ()),
        PredictionPictures(folder / "pictures", recipe.pictures_every),
        RunEstimate(),
        LearningRateMonitor("step"),
        ModelCheckpoint(checkpoints, "last", save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    if monitor is not None:  # saved after validations alone: in other epochs there is no number to compare
        best = ModelCheckpoint(
            checkpoints,
            "best",
            monitor=f"val/{monitor.name}",
            mode=monitor.mode,
            save_on_train_epoch_end=False,
            enable_version_counter=False,
        )
        callbacks.append(best)
    if recipe.ema_decay is not None:
        callbacks.insert(0, MovingAverage(recipe.ema_decay))
    return lightning.Trainer(
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.nodes,
        strategy=recipe.strategy,
        precision=recipe.precision,
        max_epochs=recipe.epochs,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.gradient_clip,
        sync_batchnorm=recipe.sync_batch_norm,
        check_val_every_n_epoch=recipe.validate_every,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=callbacks,
        plugins=[AtomicCheckpoints()],
        logger=TensorBoardLogger(folder, name="tensorboard", version=""),
        log_every_n_steps=20,
        enable_model_summary=False,
        default_root_dir=folder,
    )


def build_task(recipe: Recipe, data: TaskData) -> tuple[Task, StartReport | None]:
    """The task of a recipe with fresh weights, or with those of ``start_from`` and the report of what was taken over."""
    task = data.build_task()
    task.network.to(memory_format=channels_last)  # pyright: ignore[reportCallIssue]
    return task, _start(task.network, recipe.model.start_from) if recipe.model.start_from is not None else None


def _start(network: nn.Module, name_or_file: str) -> StartReport:
    return start_from(network, read_state_dict(locate(name_or_file).path)[0])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # OSError picks the subclass by the number
        raise OSError(error.errno, f"cannot make the run's folder: {error.strerror}", str(folder)) from error


def _finished_epochs(checkpoint: Path | None) -> int:
    return 0 if checkpoint is None else torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)["epoch"] + 1


def _fit(trainer: lightning.Trainer, module: TaskTraining, data: RecipeData, checkpoint: Path | None) -> None:
    """Fit; Lightning's way of leaving on Ctrl-C becomes Python's."""
    try:
        trainer.fit(module, data, ckpt_path=None if checkpoint is None else str(checkpoint))
    except SystemExit:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning left it ignored
        _say(trainer, "interrupted: go on with --resume, from the last epoch that was finished")
        raise KeyboardInterrupt from None


def _say(trainer: lightning.Trainer, text: str) -> None:
    if trainer.is_global_zero:
        print(text, flush=True)
