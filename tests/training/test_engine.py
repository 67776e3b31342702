"""Whole runs in this process, and the parts that the engine puts together."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn
from torch.optim.swa_utils import AveragedModel
from training.drawn_people import KEYPOINTS, write_people, write_recipe

from hrnet.cli import main
from hrnet.data.images import read_image
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import CheckpointError, DivergenceError, MissingExtraError
from hrnet.models import build_model
from hrnet.tasks.pose import TopDownPose
from hrnet.tasks.recipe_reading import load_recipe
from hrnet.training.engine import build_task, train
from hrnet.training.weight_averaging import MovingAverage
from hrnet.weights.files import read_state_dict, save_checkpoint
from hrnet.weights.loading import StartReport
from hrnet.weights.pose import load_pose
from hrnet.weights.pose_card import PoseCard


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, "train", 24)
    write_people(folder, "val", 7, seed=1)
    return folder


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(people: Path) -> Path:
    """A run that learns to find the dots, by way of the command line."""
    recipe = write_recipe(
        people,
        optimizer={"lr": 3e-3},
        augmentation={"cut_off_probability": 0.2},
        epochs=10,
        ema_decay=0.8,
        validate_every=3,
        pictures_every=4,
    )
    output = people / "finished"
    assert main(["train", str(recipe), "--output", str(output), "--set", "epochs=9"]) == 0
    return output


def test_it_learns(finished: Path) -> None:
    table = rows(finished)
    assert [int(row["epoch"]) for row in table] == list(range(9))
    assert [int(row["step"]) for row in table] == list(range(6, 55, 6))
    assert float(table[-1]["train/loss"]) < float(table[0]["train/loss"]) / 3
    assert float(table[-1]["val/loss"]) < float(table[2]["val/loss"]) / 2
    assert float(table[-1]["val/pck"]) > 0.9
    assert float(table[0]["lr"]) == 3e-3
    assert all(float(row["seconds"]) > 0 for row in table)


def test_numbers_of_a_validation_stand_in_its_own_epoch_alone(finished: Path) -> None:
    assert [bool(row["val/pck"]) for row in rows(finished)] == [epoch % 3 == 2 for epoch in range(9)]


def test_what_a_run_leaves(finished: Path, people: Path) -> None:
    assert load_recipe(finished / "recipe.yaml") == load_recipe(people / "tiny.yaml", ["epochs=9"])
    pictures = sorted((finished / "pictures").iterdir())  # of the first validation after 4 epochs, and after the last
    assert [picture.name for picture in pictures] == ["epoch_0005.jpg", "epoch_0008.jpg"]
    assert read_image(pictures[0]).std() > 10
    assert sorted(path.name for path in (finished / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]


def test_weights_are_the_average_and_know_themselves(finished: Path) -> None:
    state, facts = read_state_dict(finished / "weights.safetensors")
    assert facts.card is not None
    assert (facts.card.architecture, facts.card.keypoint_set.keypoints) == ("pose_hrnet_w18_small_v1", KEYPOINTS)
    assert (facts.card.codec.input_size, facts.card.training_data) == ((64, 64), "train.json")
    last = torch.load(finished / "checkpoints/last.ckpt", weights_only=True)
    assert all(torch.equal(tensor, last["state_dict"][f"task.network.{name}"]) for name, tensor in state.items())
    plain = last["current_model_state"]
    assert not torch.equal(plain["task.network.conv1.weight"], state["conv1.weight"])


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_checkpoints_can_be_used_as_they_are(finished: Path, name: str) -> None:
    network, card = load_pose(finished / "checkpoints" / name)
    final, final_card = load_pose(finished / "weights.safetensors")
    assert card == final_card
    if name == "last.ckpt":
        assert all(torch.equal(value, final.state_dict()[key]) for key, value in network.state_dict().items())


def test_a_finished_folder_is_not_overwritten(finished: Path, people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileExistsError, match="--resume"):
        train(people / "tiny.yaml", output=finished)
    assert main(["train", str(people / "tiny.yaml"), "--output", str(finished)]) == 1
    assert "holds a run already" in capsys.readouterr().err


def test_resuming_a_finished_run_changes_nothing(finished: Path, people: Path) -> None:
    before, table = read_state_dict(finished / "weights.safetensors")[0], rows(finished)
    result = train(people / "tiny.yaml", ["epochs=9"], output=finished, resume=True)
    after = read_state_dict(result.weights)[0]
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert rows(finished) == table


def test_divergence_is_named(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(write_recipe(people, optimizer={"lr": 1e30}))
    with pytest.raises(DivergenceError, match=r"the loss is (nan|inf) at epoch 0, batch 1: lower optimizer\.lr"):
        train(recipe, output=tmp_path / "a")
    batch = torch.load(tmp_path / "a" / "diverged_batch_0.pt", weights_only=True)
    assert batch["image"].dtype == torch.uint8
    assert len(batch["index"]) == len(batch["image"])
    assert main(["train", recipe, "--output", str(tmp_path / "b")]) == 1
    assert "lower optimizer.lr" in capsys.readouterr().err


def test_output_that_cannot_be_made(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    recipe = str(write_recipe(people))
    with pytest.raises(OSError, match="cannot make the run's folder"):
        train(recipe, output=tmp_path / "file" / "run")
    assert main(["train", recipe, "--output", str(tmp_path / "file")]) == 1
    assert "cannot make the run's folder" in capsys.readouterr().err


def test_dry_run_prints_the_recipe(people: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(people)
    assert main(["train", str(write_recipe(people)), "--dry-run", "--set", "seed=7"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["seed"] == 7
    assert not (people / "runs").exists()


def test_overrides_do_not_go_with_a_finished_recipe(people: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataclasses\.replace"):
        train(load_recipe(write_recipe(people)), ["epochs=1"], output=tmp_path)


@pytest.mark.parametrize("missing", ["lightning", "tensorboard"])
def test_without_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "hrnet.training.engine")
    with pytest.raises(MissingExtraError, match=r"pip install 'hrnet\[train\]'"):
        from hrnet.training import train  # noqa: F401


def task_for(architecture: str, people: Path, **model: Any) -> tuple[TopDownPose, StartReport | None]:
    codec = {"input_size": [64, 64]}
    recipe = load_recipe(write_recipe(people, model={"architecture": architecture, "codec": codec, **model}))
    task, report = build_task(recipe, recipe.load_data())
    assert isinstance(task, TopDownPose)
    return task, report


def test_start_from_other_keypoints(people: Path, tmp_path: Path) -> None:
    card = PoseCard("pose_hrnet_w18_small_v1", keypoint_set("lsp"))
    network = build_model(card.architecture, 14)
    file = save_checkpoint(tmp_path / "start.safetensors", network, card)
    task, report = task_for(card.architecture, people, start_from=str(file))
    assert report is not None
    assert [name for name, _, _ in report.replaced] == ["final_layer.weight", "final_layer.bias"]
    assert "final_layer.weight 14x16x1x1 in the checkpoint, 5x16x1x1 in the network" in str(report)
    assert torch.equal(task.network.state_dict()["conv1.weight"], network.state_dict()["conv1.weight"])
    with pytest.raises(CheckpointError, match="no start for it"):
        task_for("pose_hrnet_w32", people, start_from=str(file))
    with pytest.raises(FileNotFoundError, match=r"did you mean 'start\.safetensors'"):
        task_for(card.architecture, people, start_from=str(tmp_path / "strat.safetensors"))


def test_stacked_hourglass_learns_from_every_stack(people: Path) -> None:
    task, _ = task_for("stacked_hourglass_2", people)
    assert (task.card.mean, task.card.std) == ((0, 0, 0), (1, 1, 1))
    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    keypoints, visibility = torch.rand(2, 5, 2) * 64, torch.ones(2, 5)
    batch = {"image": images, "keypoints": keypoints, "visibility": visibility, "absent": torch.zeros(2, 5, dtype=torch.bool)}
    task.losses(batch)["total"].backward()
    assert all(layer.conv.weight.grad.abs().sum() > 0 for layer in task.network.outs)  # pyright: ignore
    assert task.heatmaps(images, flip_test=True).shape == (2, 5, 16, 16)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("constant", torch.tensor([0.1, 123.675, 4.0 / 3]), persistent=False)

    constant: torch.Tensor


def test_average_follows_statistics_and_leaves_constants() -> None:
    network = Small()
    average = AveragedModel(network, use_buffers=True, **MovingAverage(0.99)._kwargs)
    constant = network.constant.clone()
    for _ in range(300):
        network.norm(torch.randn(8, 3) * 2 + 5)
        average.update_parameters(network)
    assert torch.equal(dict(average.module.named_buffers())["constant"], constant)
    assert average.module.norm.running_mean.mean() == pytest.approx(5, abs=0.5)  # pyright: ignore
