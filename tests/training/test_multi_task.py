"""Several tasks on one body, on the engine: whole runs, resumed runs, and what a run leaves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from training.drawn_parts import write_multi_task_recipe, write_parts

from hrnet.data.images import read_image
from hrnet.models import PoseHRNet
from hrnet.models.higher_hrnet import HigherHRNet
from hrnet.tasks.multi_task_recipe import MultiTaskRecipe
from hrnet.tasks.recipe_reading import load_recipe
from hrnet.tasks.table import RECIPES
from hrnet.training.engine import train
from hrnet.training.module import TaskTraining
from hrnet.weights.described import load_described
from hrnet.weights.files import read_state_dict
from hrnet.weights.parts import multi_task_entry
from hrnet.weights.pose_card import PoseCard


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "multi_task", MultiTaskRecipe)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    write_parts(folder)
    return folder


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


class Killed(Exception):
    pass


def test_a_run_and_one_that_was_killed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe(write_multi_task_recipe(folder, ema_decay=0.5, accumulate=3, pictures_every=1))
    seen: list[tuple[int, str, int]] = []
    step = TaskTraining.training_step

    def counted(self: TaskTraining, batch: Any, batch_index: int) -> torch.Tensor:
        assert len(set(batch["part"])) == 1
        seen.append((self.current_epoch, batch["part"][0], len(batch["index"])))
        return step(self, batch, batch_index)

    monkeypatch.setattr(TaskTraining, "training_step", counted)
    whole = train(recipe, output=tmp_path / "whole")
    for epoch in range(2):
        turns = [part for number, part, _ in seen if number == epoch]
        assert turns == ["group", "single", "group", "group", "single", "group"]
    assert {(part, size) for _, part, size in seen} == {("single", 4), ("group", 4)}

    table = rows(whole.output)
    assert {"val/single/pck", "val/single/loss", "val/group/ap", "val/group/pull", "train/single/loss"} < set(table[0])
    assert all(value for row in table for value in row.values())
    assert load_recipe(whole.output / "recipe.yaml") == recipe
    assert sorted(path.name for path in (whole.output / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert read_image(whole.output / "pictures/epoch_0001.jpg").shape[0] > 3 * 320  # three rows, a column for each part

    def killed(self: TaskTraining, batch: Any, batch_index: int) -> torch.Tensor:
        if (self.current_epoch, batch_index) == (1, 2):
            raise Killed
        return step(self, batch, batch_index)

    monkeypatch.setattr(TaskTraining, "training_step", killed)
    with pytest.raises(Killed):
        train(recipe, output=tmp_path / "broken")
    assert len(rows(tmp_path / "broken")) == 1
    monkeypatch.setattr(TaskTraining, "training_step", step)
    resumed = train(recipe, output=tmp_path / "broken", resume=True)
    expected, got = read_state_dict(whole.weights)[0], read_state_dict(resumed.weights)[0]
    assert expected.keys() == got.keys()
    assert all(torch.equal(got[name], tensor) for name, tensor in expected.items())
    assert rows(resumed.output) == rows(whole.output)

    for file in (whole.weights, whole.output / "checkpoints/last.ckpt", whole.output / "checkpoints/best.ckpt"):
        entry = multi_task_entry(read_state_dict(file)[1])
        assert entry is not None
        assert (entry.architecture, list(entry.parts)) == ("hrnet_w18_small_v1", ["single", "group"])
        network, card = load_described(file, part="single")
        assert isinstance(network, PoseHRNet)
        assert isinstance(card, PoseCard)
        assert card.training_data == "train.json"
        assert isinstance(load_described(file, part="group")[0], HigherHRNet)
    state = read_state_dict(whole.weights)[0]
    assert sum(name.endswith("layer1.0.conv1.weight") for name in state) == 1
    assert all(
        torch.equal(tensor, state[f"heads.single.{name}" if name.startswith("final") else f"backbone.{name}"])
        for name, tensor in load_described(whole.weights, part="single")[0].state_dict().items()
    )


def test_it_starts_from_a_single_network(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The body of weights of one task, and a run without validation."""
    no_validation = ["parts.single.recipe.data.val=null", "parts.group.recipe.data.val=null"]
    start = "model.start_from=pose_hrnet_w18_small_v1.lspet_256x192"
    recipe = load_recipe(write_multi_task_recipe(folder, epochs=1, batches=2), [*no_validation, start])
    result = train(recipe, output=tmp_path / "run")
    assert "took over 348 entries from pose_hrnet_w18_small_v1" in capsys.readouterr().out
    assert not any(name.startswith("val/") for name in result.metrics)
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["last.ckpt"]
