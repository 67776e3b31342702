"""Reading recipes: a YAML file, one that comes with the package, or nested mappings, and overrides."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from hrnet.errors import nearest_name
from hrnet.tasks.multi_task_recipe import RUN_KEYS
from hrnet.tasks.recipe import Recipe
from hrnet.tasks.table import RECIPES

_USUAL_TASK = "pose"
_SUFFIXES = (".yaml", ".yml")


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
        ValueError: an unknown key or task (the nearest is named), a value of the wrong type, or broken YAML.
    """
    text, name = _recipe_text(recipe)
    values = _with_parts_spelled_out(_parsed(text, name), Path(recipe).parent, name)
    for override in overrides:
        _apply_override(values, override)
    return recipe_from_dict(values, name)


def recipe_from_dict(values: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """Build a recipe of the task that ``values`` name from nested mappings; ``name`` stands in the errors."""
    from pydantic import TypeAdapter, ValidationError

    values = _with_parts_spelled_out(values, Path(), name)
    if "parts" in values:
        values["parts"] = {part: _with_recipe(section, f"{name}: parts.{part}") for part, section in values["parts"].items()}
    task = values.get("task", _USUAL_TASK)
    kind = RECIPES.get(task) if isinstance(task, str) else None
    if kind is None:
        raise ValueError(f"{name}: there is no task {task!r}; {nearest_name(str(task), RECIPES)}")
    _check_keys(values, kind, name)
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise ValueError(f"{name}: {'; '.join(map(_problem, error.errors()))}") from None


def _with_parts_spelled_out(values: Mapping[str, Any], folder: Path, name: str) -> dict[str, Any]:
    """A copy of ``values`` where the parts have the values of their recipes in place of names or files, their changes made.

    So ``--set`` reaches into the parts, and the recipe that is saved with a run needs no other file.
    """
    if "parts" not in values:
        return dict(values)
    parts = values["parts"]
    if not isinstance(parts, Mapping):
        raise ValueError(f"{name}: parts must be a mapping of names to mappings with the key recipe, got {parts!r}")
    spelled_out: dict[str, Any] = {}
    for part, section in parts.items():
        if not isinstance(section, Mapping) or "recipe" not in section:
            raise ValueError(f"{name}: parts.{part} must be a mapping with the key recipe: a name, a file, or values")
        section = dict(section)
        changes, recipe = section.pop("changes", None) or (), section["recipe"]
        if isinstance(recipe, str):
            text, source = _recipe_text(folder / recipe if recipe.endswith(_SUFFIXES) else recipe)
            section["recipe"] = {key: value for key, value in _parsed(text, source).items() if key not in RUN_KEYS}
            section["recipe"].get("data", {}).pop("workers", None)
        elif isinstance(recipe, Mapping):
            section["recipe"] = copy.deepcopy(dict(recipe))
        elif changes:
            raise ValueError(f"{name}: parts.{part}.changes are for a recipe by name, by file or by values, got {recipe!r}")
        for change in changes:
            _apply_override(section["recipe"], change)
        spelled_out[part] = section
    return {**values, "parts": spelled_out}


def _with_recipe(section: Mapping[str, Any], where: str) -> dict[str, Any]:
    recipe = section["recipe"]
    if not isinstance(recipe, Mapping):
        return dict(section)
    of_run = [key for key in recipe if key in RUN_KEYS]
    if isinstance(recipe.get("data"), Mapping) and "workers" in recipe["data"]:
        of_run.append("data.workers")
    if of_run:
        raise ValueError(f"{where}.recipe: {', '.join(of_run)} is for the whole run and cannot be set for a part")
    return {**section, "recipe": recipe_from_dict(recipe, f"{where}.recipe")}


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{name} is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{name} must hold a mapping with the keys model and data, got {type(values).__name__}")
    return values


def _problem(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    got = "" if isinstance(error["input"], Mapping) else f", got {error['input']!r}"
    return f"{place}: {error['msg']}{got}" if place else error["msg"]


def _recipe_text(recipe: str | Path) -> tuple[str, str]:
    path = Path(recipe)
    if path.suffix in _SUFFIXES:
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
        nested = [hints[key], *get_args(hints[key])]
        section = next((candidate for candidate in nested if is_dataclass(candidate)), None)
        if get_origin(hints[key]) is dict and isinstance(value, Mapping):
            for name, item in value.items():
                _check_keys(item, section, f"{where}.{key}.{name}")
            continue
        for item in value if isinstance(value, list) else [value]:
            _check_keys(item, section, f"{where}.{key}")
