"""A recipe of two tasks on one body, for drawn people and drawn groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from training.drawn_groups import write_bottom_up_recipe, write_groups
from training.drawn_people import write_people, write_recipe


def write_parts(folder: Path, people: int = 12, groups: int = 8, val: int = 3) -> None:
    """Write the data of both parts, and a recipe for each: ``single/tiny.yaml`` and ``group/tiny.yaml``."""
    single, group = folder / "single", folder / "group"
    for name, count, seed in (("train", people, 0), ("val", val, 1)):
        write_people(single, name, count, seed)
    for name, count, seed in (("train", groups, 0), ("val", val + 1, 1)):
        write_groups(group, name, count, seed)
    write_recipe(single)
    write_bottom_up_recipe(group)


def write_multi_task_recipe(folder: Path, **changes: Any) -> Path:
    """Write ``folder/multi.yaml``; ``changes`` replace top-level entries."""
    recipe: dict[str, Any] = {
        "task": "multi_task",
        "model": {"architecture": "hrnet_w18_small_v1"},
        "data": {"workers": 0},
        "parts": {"single": {"recipe": "single/tiny.yaml"}, "group": {"recipe": "group/tiny.yaml", "share": 2}},
        "batches": 6,
        "optimizer": {"lr": 2e-3},
        "schedule": {"kind": "cosine"},
        "epochs": 2,
        "accelerator": "cpu",
        "devices": 1,
        **changes,
    }
    path = folder / "multi.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return path
