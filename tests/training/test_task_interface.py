"""A task that the engine has never heard of, in one file: which of three colours a picture has."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn

from hrnet.cli import main
from hrnet.data.images import read_image
from hrnet.tasks.normalization import PictureNormalization
from hrnet.tasks.recipe import DataSection, ModelSection, Recipe
from hrnet.tasks.recipe_reading import load_recipe
from hrnet.tasks.table import RECIPES
from hrnet.tasks.task import Batch, Monitor, Sheet, Task, TaskData, Validated
from hrnet.training.engine import train

COLORS = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])


@dataclass(frozen=True, kw_only=True)
class Pictures(DataSection):
    train: int
    val: int = 0
    noise: float = 20.0


@dataclass(frozen=True, kw_only=True)
class ColorRecipe(Recipe):
    task: Literal["color"] = "color"
    model: ModelSection
    data: Pictures

    def load_data(self) -> ColorData:
        return ColorData(self)


class ColorSamples:
    def __init__(self, count: int, noise: float, seed: int) -> None:
        self.count, self.noise, self.seed = count, noise, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        draws = np.random.default_rng((self.seed, *key))
        pixels = COLORS[key[1] % 3] + draws.normal(0, self.noise, (8, 8, 3))
        return {"image": pixels.clip(0, 255).astype(np.uint8), "label": key[1] % 3, "index": key[1]}


class ColorData(TaskData):
    monitor = Monitor("accuracy", "max")
    sheet = Sheet(count=4, columns=2, cell=(32, 32))

    def __init__(self, recipe: ColorRecipe) -> None:
        self.recipe = recipe

    def train_samples(self) -> list[ColorSamples]:
        return [ColorSamples(self.recipe.data.train, self.recipe.data.noise, self.recipe.seed)]

    def val_samples(self) -> ColorSamples | None:
        return ColorSamples(self.recipe.data.val, self.recipe.data.noise, 7) if self.recipe.data.val else None

    def build_task(self) -> Color:
        return Color()

    def summary(self) -> str:
        return f"{self.recipe.data.train} pictures"

    def measure(self, found: Mapping[int, Any]) -> dict[str, float]:
        return {"accuracy": float(np.mean([answer == index % 3 for index, answer in found.items()]))}

    def draw(self, index: int, found: Any) -> NDArray[np.uint8]:
        return np.broadcast_to(COLORS[found].astype(np.uint8), (16, 16, 3)).copy()


class Color(Task):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3))
        self.normalization = PictureNormalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

    def logits(self, batch: Batch) -> Tensor:
        return self.network(self.normalization(batch["image"]))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        loss = nn.functional.cross_entropy(self.logits(batch), batch["label"])
        return {"entropy": loss, "total": loss}

    def validate(self, batch: Batch) -> Validated:
        answers = self.logits(batch).argmax(dim=1).tolist()
        return Validated(self.losses(batch), dict(zip(batch["index"].tolist(), answers, strict=True)))

    def texts(self) -> dict[str, str]:
        return {"colors": "red, green, blue"}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(RECIPES, "color", ColorRecipe)
    path = tmp_path / "color.yaml"
    values = {
        "task": "color",
        "model": {"architecture": "linear"},
        "data": {"train": 24, "val": 6, "workers": 0},
        "epochs": 3,
        "batch_size": 6,
        "optimizer": {"lr": 0.01},
        "accelerator": "cpu",
        "devices": 1,
    }
    path.write_text(yaml.safe_dump(values))
    return path


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_the_engine_runs_it(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(["train", str(recipe), "--output", str(run)]) == 0
    assert "24 pictures, 3 epochs on cpu" in capsys.readouterr().out
    losses = ["train/loss", "train/entropy", "val/loss", "val/accuracy", "val/entropy"]
    assert list(rows(run)[0]) == ["epoch", "step", "lr", *losses]
    assert rows(run)[-1]["val/accuracy"] == "1"
    assert load_recipe(run / "recipe.yaml") == load_recipe(recipe)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert read_image(run / "pictures/epoch_0002.jpg").ndim == 3
    with safe_open(run / "weights.safetensors", "pt") as file:
        assert file.metadata()["colors"] == "red, green, blue"
        assert "0.weight" in file.keys()  # noqa: SIM118
    saved = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    assert saved["colors"] == "red, green, blue"


def test_without_validation(recipe: Path, tmp_path: Path) -> None:
    result = train(recipe, ["data.val=0"], output=tmp_path / "run")
    assert list(rows(result.output)[0]) == ["epoch", "step", "lr", "train/loss", "train/entropy"]
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["last.ckpt"]


def test_its_keys_are_checked(recipe: Path) -> None:
    with pytest.raises(ValueError, match="unknown key 'nois'; did you mean 'noise'"):
        load_recipe(recipe, ["data.nois=1"])
    with pytest.raises(ValueError, match="there is no task 'colour'; did you mean 'color'"):
        load_recipe(recipe, ["task=colour"])
