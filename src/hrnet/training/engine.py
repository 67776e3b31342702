"""Runs a recipe: builds data, task and trainer, and leaves a folder from which the result can be used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrnet.atomic_files import write_atomically
from hrnet.errors import MissingExtraError
from hrnet.training.recipe import Recipe, load_recipe

try:
    import lightning
except ImportError as error:
    raise MissingExtraError(f"training needs Lightning ({error}): pip install 'hrnet[train]'") from error

import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from hrnet.structures import KeypointSet
from hrnet.tasks.pose import TopDownPose, build_pose_network
from hrnet.training.callbacks import EpochTable, PredictionPictures
from hrnet.training.data_module import PoseData
from hrnet.training.module import PoseTraining
from hrnet.weights.card import PoseCard
from hrnet.weights.files import read_state_dict, save_checkpoint


@dataclass(frozen=True)
class TrainingResult:
    """What a run left behind.

    Attributes:
        output: the run's folder, with ``recipe.yaml``, ``log.csv``, ``checkpoints/`` and ``pictures/``.
        weights: the final weights, safetensors with their card, for ``hrnet.load``.
        metrics: the last validation's numbers.
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
    """Train a top-down pose network.

    Args:
        recipe: a `Recipe`, a YAML file, or one of `hrnet.training.recipe.list_recipes`.
        overrides: ``key.path=value`` changes to the recipe.
        output: the run's folder; ``runs/NAME`` where it is not given.
        resume: go on from the last checkpoint of that folder, where there is one. An epoch that was interrupted is run again
            from its start, so that the run ends as if it had not been interrupted.

    Raises:
        FileExistsError: the folder holds a run already and ``resume`` was not asked for.
        FloatingPointError: the loss became infinite or NaN.
    """
    name = Path(recipe).stem if not isinstance(recipe, Recipe) else recipe.model.architecture
    resolved = recipe if isinstance(recipe, Recipe) else load_recipe(recipe, overrides)
    folder = Path(output) if output is not None else Path("runs") / name
    last = folder / "checkpoints" / "last.ckpt"
    if last.exists() and not resume:
        raise FileExistsError(f"{folder} holds a run already: resume it (--resume) or choose another output folder")
    lightning.seed_everything(resolved.seed, workers=True, verbose=False)
    # Lightning's advice about loader workers and such does not fit here: samples are bound by the network.
    warnings.filterwarnings("ignore", module="lightning", message=".*does not have many workers.*")

    data = PoseData(resolved)
    task = _build_task(resolved, data.keypoint_set)
    module = PoseTraining(task, resolved, data.val_records)
    trainer = build_trainer(resolved, folder)
    if trainer.is_global_zero:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "recipe.yaml", resolved.to_yaml())
        if resume and not last.exists():
            print(f"{folder} holds no checkpoint yet: starting at the beginning")
    trainer.fit(module, data, ckpt_path=str(last) if resume and last.exists() else None)

    metrics = {key: float(value) for key, value in trainer.callback_metrics.items()}
    weights = folder / "weights.safetensors"
    if trainer.is_global_zero:
        save_checkpoint(weights, task.network, task.card)
    return TrainingResult(folder, weights, metrics)


def build_trainer(recipe: Recipe, folder: Path) -> lightning.Trainer:
    """The Lightning trainer of a recipe, with everything that is written on the way."""
    callbacks: list[Any] = [
        EpochTable(folder / "log.csv"),
        PredictionPictures(folder / "pictures", recipe.pictures_every),
        LearningRateMonitor("step"),
        ModelCheckpoint(folder / "checkpoints", "last", save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    if recipe.data.val is not None:
        callbacks.append(
            ModelCheckpoint(folder / "checkpoints", "best", monitor="val/pck", mode="max", enable_version_counter=False)
        )
    if recipe.ema_decay is not None:
        callbacks.insert(0, EMAWeightAveraging(decay=recipe.ema_decay))
    return lightning.Trainer(
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.nodes,
        strategy=recipe.strategy,
        precision=recipe.precision,  # pyright: ignore[reportArgumentType]
        max_epochs=recipe.epochs,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.gradient_clip,
        check_val_every_n_epoch=recipe.validate_every,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=callbacks,
        logger=TensorBoardLogger(folder, name="tensorboard", version=""),
        log_every_n_steps=20,
        enable_model_summary=False,
        default_root_dir=folder,
    )


def _build_task(recipe: Recipe, keypoint_set: KeypointSet) -> TopDownPose:
    model = recipe.model
    card = PoseCard(
        architecture=model.architecture,
        keypoint_set=keypoint_set,
        codec=model.codec,
        padding=model.padding,
        training_data=recipe.data.terms or ", ".join(part.annotations for part in recipe.data.train),
        source="trained with hrnet",
    )
    network = build_pose_network(card).to(memory_format=torch.channels_last)
    if model.start_from is not None:
        from hrnet.weights.loading import start_from

        report = start_from(network, read_state_dict(model.start_from)[0])
        print(report.summary())
    return TopDownPose(network, card, recipe.hardest_keypoints)
