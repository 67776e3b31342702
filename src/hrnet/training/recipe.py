"""Recipes: everything that decides a training run, as typed dataclasses, a YAML file and overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_type_hints

import yaml

from hrnet.codecs.specification import CodecSpec
from hrnet.data.augmentation import PoseAugmentation
from hrnet.errors import nearest_name


@dataclass(frozen=True)
class ModelSection:
    """What is trained.

    Attributes:
        architecture: a name of `hrnet.list_models`, or ``pose_hrnet_wN``.
        keypoint_set: a name of `hrnet.list_keypoint_sets`; None to take what the annotations say.
        codec: how keypoints become heatmaps.
        padding: around boxes.
        start_from: name or file of a checkpoint whose fitting layers are the starting point.
    """

    architecture: str
    codec: CodecSpec = field(default_factory=CodecSpec)
    keypoint_set: str | None = None
    padding: float = 1.25
    start_from: str | None = None


@dataclass(frozen=True)
class DataFiles:
    """One part of a data set: paths relative to `DataSection.root`."""

    annotations: str
    images: str
    format: Literal["auto", "coco", "mpii", "lsp"] = "auto"


@dataclass(frozen=True)
class DataSection:
    """Where the data is, and how many processes read it. ``terms`` goes into the card of the weights."""

    train: tuple[DataFiles, ...]
    val: DataFiles | None = None
    root: str = "."
    workers: int = 2
    terms: str | None = None


@dataclass(frozen=True)
class OptimizerSection:
    """``weight_decay`` is applied by AdamW and SGD; the reference's Adam runs without."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0


@dataclass(frozen=True)
class ScheduleSection:
    """How the rate changes.

    ``step`` multiplies it by ``factor`` after each of the epochs ``milestones``; ``cosine`` lets it fall to 0; ``one_cycle``
    lets it rise for a tenth of the run (or for ``warmup_steps``) and fall to 0. ``warmup_steps`` optimiser steps rise
    linearly from a thousandth of the rate.
    """

    kind: Literal["step", "cosine", "one_cycle"] = "step"
    milestones: tuple[int, ...] = (170, 200)
    factor: float = 0.1
    warmup_steps: int = 0


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes:
        batch_size: per process; the papers' total is ``batch_size * devices * nodes * accumulate``.
        accumulate: batches per optimiser step.
        ema_decay: of the exponential moving average of the weights that is validated and saved; None to switch it off.
        precision: of Lightning; the half-precision kinds without master weights are left out, they would round keypoints too.
        hardest_keypoints: train on the hardest keypoints of each person alone (OHKM).
        joint_weights: weigh the loss with the keypoint set's weights; off in all published recipes.
        gradient_clip: largest gradient norm; None for no limit.
        validate_every, pictures_every: epochs between validations and between pictures of predictions.
        accelerator, devices, nodes, strategy: Lightning's, for several processes and machines. The stacked hourglasses have
            layers that no output depends on: on several devices they need ``ddp_find_unused_parameters_true``.
    """

    model: ModelSection
    data: DataSection
    augmentation: PoseAugmentation = field(default_factory=PoseAugmentation)
    optimizer: OptimizerSection = field(default_factory=OptimizerSection)
    schedule: ScheduleSection = field(default_factory=ScheduleSection)
    epochs: int = 210
    batch_size: int = 32
    accumulate: int = 1
    ema_decay: float | None = None
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    hardest_keypoints: int | None = None
    joint_weights: bool = False
    gradient_clip: float | None = None
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

    def to_yaml(self) -> str:
        """The resolved recipe, every value spelled out."""
        from pydantic import TypeAdapter

        return yaml.safe_dump(TypeAdapter(Recipe).dump_python(self, mode="json"), sort_keys=False, allow_unicode=True)


def list_recipes() -> list[str]:
    """Names of the recipes that come with the package, such as ``pose/coco_hrnet_w32_256x192``."""
    folder = files("hrnet") / "recipes"
    return sorted(f"{task.name}/{item.name[:-5]}" for task in folder.iterdir() if task.is_dir() for item in task.iterdir())


def load_recipe(recipe: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        recipe: a YAML file, or one of `list_recipes`.
        overrides: ``key.path=value``; values are YAML, so lists and null work.

    Raises:
        FileNotFoundError: there is no such file or recipe.
        ValueError: an unknown key (the nearest is named), a value of the wrong type, or broken YAML.
    """
    text, name = _recipe_text(recipe)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{name} is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{name} must hold a mapping with the keys model and data, got {type(values).__name__}")
    for override in overrides:
        _apply_override(values, override)
    return recipe_from_dict(values, name)


def recipe_from_dict(values: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """Build a recipe from nested mappings; ``name`` stands in the errors."""
    from pydantic import TypeAdapter, ValidationError

    _check_keys(values, Recipe, name)
    try:
        return TypeAdapter(Recipe).validate_python(dict(values))
    except ValidationError as error:
        raise ValueError(f"{name}: {'; '.join(map(_problem, error.errors()))}") from None


def _problem(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    got = "" if isinstance(error["input"], Mapping) else f", got {error['input']!r}"
    return f"{place}: {error['msg']}{got}" if place else error["msg"]


def _recipe_text(recipe: str | Path) -> tuple[str, str]:
    path = Path(recipe)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise FileNotFoundError(f"there is no recipe file {path}")
        return path.read_text(encoding="utf-8"), str(path)
    known = list_recipes()
    if str(recipe) not in known:
        raise FileNotFoundError(f"there is no recipe {str(recipe)!r}; {nearest_name(str(recipe), known)}; a path ends in .yaml")
    return (files("hrnet") / "recipes" / f"{recipe}.yaml").read_text(encoding="utf-8"), str(recipe)


def _apply_override(values: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    if not separator or not path:
        raise ValueError(f"an override has the form key.path=value, got {override!r}")
    *parents, last = path.split(".")
    for key in parents:
        child = values.setdefault(key, {})
        if not isinstance(child, dict):
            raise ValueError(f"cannot set {path}: {key} is a value, not a section")
        values = child
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        values[last] = text


def _check_keys(values: Any, kind: Any, where: str) -> None:
    """Refuse unknown keys at every level, naming the nearest."""
    if not is_dataclass(kind) or not isinstance(values, Mapping):
        return
    known = {item.name for item in fields(kind)}
    hints = get_type_hints(kind)
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}; {nearest_name(str(key), known)}")
        nested = [hints[key], *getattr(hints[key], "__args__", ())]
        section = next((candidate for candidate in nested if is_dataclass(candidate)), None)
        for item in value if isinstance(value, list) else [value]:
            _check_keys(item, section, f"{where}.{key}")
