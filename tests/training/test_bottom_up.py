"""Bottom-up pose on the engine: whole runs, resumed runs, mosaics, and what a run leaves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training.drawn_groups import LSP, write_bottom_up_recipe, write_groups

from hrnet.cli import main
from hrnet.data.images import read_image
from hrnet.models.higher_hrnet import HigherHRNet
from hrnet.tasks.bottom_up_recipe import BottomUpRecipe, BottomUpTrainingData
from hrnet.tasks.recipe_reading import load_recipe
from hrnet.training.data_module import RecipeData
from hrnet.training.engine import train
from hrnet.training.module import TaskTraining
from hrnet.weights.bottom_up_card import BOTTOM_UP_CARD_KEY, BottomUpCard
from hrnet.weights.checkpoint import load_checkpoint, open_checkpoint
from hrnet.weights.files import read_state_dict


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("groups")
    write_groups(folder, "train", 24)
    write_groups(folder, "val", 5, seed=1)
    write_groups(folder, "background", 1, most=1)
    return folder


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def finished(groups: Path) -> Path:
    """A run that learns to find the dots and whose they are, by way of the command line."""
    recipe = write_bottom_up_recipe(
        groups,
        model={"architecture": "higher_hrnet_w18_small_v1", "input_size": [96, 96]},
        augmentation={"scale": [0.9, 1.1], "rotation": 5, "translation": 5},
        schedule={"kind": "one_cycle"},
        loss={"push": "max", "push_weight": 1e-2, "pull_weight": 1e-2},
        validate_every=4,
        pictures_every=8,
        ema_decay=0.5,
    )
    output = groups / "finished"
    assert main(["train", str(recipe), "--output", str(output), "--set", "epochs=16"]) == 0
    return output


def test_it_learns(finished: Path) -> None:
    table = rows(finished)
    names = [f"{part}/{name}" for part in ("train", "val") for name in ("loss", "heatmap_0", "heatmap_1", "push", "pull")]
    assert {"epoch", "step", "lr", *names, "val/ap", "val/ap50"} == set(table[0])
    assert list(table[0]).index("train/pull") < list(table[0]).index("val/loss")
    assert [bool(row["val/ap"]) and bool(row["val/push"]) for row in table] == [epoch % 4 == 3 for epoch in range(16)]
    parts = sum(float(table[-1][name]) for name in names[1:5])
    assert parts == pytest.approx(float(table[-1]["train/loss"]), rel=1e-3)
    assert float(table[-1]["train/loss"]) < float(table[0]["train/loss"]) / 5
    assert float(table[-1]["train/push"]) < float(table[0]["train/push"]) / 5
    assert float(table[-1]["val/ap50"]) > 0.8


def test_what_a_run_leaves(finished: Path) -> None:
    assert isinstance(load_recipe(finished / "recipe.yaml"), BottomUpRecipe)
    assert read_image(finished / "pictures/epoch_0015.jpg").shape[1] > 320
    state, facts = read_state_dict(finished / "weights.safetensors")
    card = BottomUpCard.from_json(facts.metadata[BOTTOM_UP_CARD_KEY])
    assert (card.architecture, card.keypoint_set.keypoints) == ("higher_hrnet_w18_small_v1", LSP.keypoints)
    assert (card.input_size, card.size_rule, card.training_data) == (96, "short_side", "train.json")
    network = load_checkpoint(finished / "weights.safetensors")
    assert isinstance(network, HigherHRNet)
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_checkpoints_can_be_used_as_they_are(finished: Path, name: str) -> None:
    found = open_checkpoint(finished / "checkpoints" / name)
    assert (found.entry.architecture, found.entry.num_outputs) == ("higher_hrnet_w18_small_v1", 14)
    saved = torch.load(finished / "checkpoints" / name, weights_only=True)
    assert BottomUpCard.from_json(saved[BOTTOM_UP_CARD_KEY]).keypoint_set.keypoints == LSP.keypoints


class Killed(Exception):
    pass


def test_a_run_that_was_killed_ends_as_one_that_was_not(groups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mosaic = {"length": 6, "layout": {"size": [64, 64]}}
    train_parts = [
        {"annotations": "train.json", "images": "train"},
        {"annotations": "train.json", "images": "train", "mosaic": mosaic},
    ]
    val = {"annotations": "val.json", "images": "val", "mosaic": {**mosaic, "length": 3}}
    data = {"root": str(groups), "train": train_parts, "val": val, "workers": 0}
    recipe = write_bottom_up_recipe(groups, data=data, augmentation={"color": 0.3}, ema_decay=0.9, accumulate=2)
    whole = train(recipe, output=tmp_path / "whole")

    step = TaskTraining.training_step

    def killed(self: TaskTraining, batch: Any, batch_index: int) -> torch.Tensor:
        if (self.current_epoch, batch_index) == (1, 2):
            raise Killed
        return step(self, batch, batch_index)

    with monkeypatch.context() as patch:
        patch.setattr(TaskTraining, "training_step", killed)
        with pytest.raises(Killed):
            train(recipe, output=tmp_path / "broken")
    assert len(rows(tmp_path / "broken")) == 1
    resumed = train(recipe, output=tmp_path / "broken", resume=True)

    expected, got = read_state_dict(whole.weights)[0], read_state_dict(resumed.weights)[0]
    assert all(torch.equal(got[name], tensor) for name, tensor in expected.items())
    assert rows(resumed.output) == rows(whole.output)


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("ae_hrnet_w18_small_v1", {}),
        ("pose_ae_4", {"targets": {"sigma": None, "mirroring": "points"}, "augmentation": {"side": "long"}}),
        ("higher_hrnet_w18_small_v1", {"targets": {"center_keypoint": True, "scale_aware": True}, "loss": {"push": "max"}}),
    ],
)
def test_other_networks_and_targets(architecture: str, changes: dict[str, Any], groups: Path) -> None:
    model = {"architecture": architecture, "input_size": [64, 96]}
    recipe = load_recipe(write_bottom_up_recipe(groups, model=model, **changes))
    loaders = RecipeData(recipe)
    task = loaders.data.build_task()
    losses = task.losses(next(iter(loaders.train_dataloader())))
    losses["total"].backward()
    assert losses["pull"] >= 0
    with torch.no_grad():
        validated = task.eval().validate(next(iter(loaders.val_dataloader())))
    assert sorted(validated.found) == [0, 1, 2, 3]
    assert all(entry[0].shape[1:] == (14, 2) for entry in validated.found.values())
    assert set(loaders.data.measure(validated.found)) == {"ap", "ap50"}


def data_of(groups: Path, mosaic: dict[str, Any] | None) -> BottomUpTrainingData:
    part = {"annotations": "train.json", "images": "train"}
    val = {"annotations": "val.json", "images": "val", "mosaic": mosaic}
    data = load_recipe(write_bottom_up_recipe(groups, data={"root": str(groups), "train": [part], "val": val})).load_data()
    assert isinstance(data, BottomUpTrainingData)
    return data


@pytest.mark.parametrize("mosaic", [None, {"length": 4, "backgrounds": ["background"], "layout": {"size": [96, 96]}}])
def test_average_precision_of_the_truth_is_one(groups: Path, mosaic: dict[str, Any] | None) -> None:
    data = data_of(groups, mosaic)
    assert data.monitor == ("ap", "max")
    samples = data.val_samples()
    assert samples is not None
    assert data.val_part is not None
    found = {}
    for index in range(len(samples)):
        scene = data.val_part.scenes.scene(0, index)
        found[index] = scene.keypoints, np.ones(scene.visibility.shape), np.ones(len(scene))
    assert data.measure(found) == {"ap": pytest.approx(1), "ap50": pytest.approx(1)}
    nobody = {index: (np.zeros((0, 14, 2)), np.zeros((0, 14)), np.zeros(0)) for index in found}
    assert data.measure(nobody) == {"ap": 0, "ap50": 0}


def test_validation_mosaics_are_the_same_in_every_epoch_and_run(groups: Path) -> None:
    samples, again = (data_of(groups, {"length": 2}).val_samples() for _ in range(2))
    assert samples is not None
    assert again is not None
    assert np.array_equal(samples[0, 1]["image"], again[3, 1]["image"])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("task=bottom_up", "there is no task 'bottom_up'; did you mean 'bottom_up_pose'"),
        ("model.codec={}", "unknown key 'codec'"),
        ("hardest_keypoints=8", "unknown key 'hardest_keypoints'"),
        ("data.val.mosaic={length: 4, layouts: {}}", "data.val.mosaic: unknown key 'layouts'; did you mean 'layout'"),
        ("model.input_size=[32, 32]", "at least 64 pixels"),
        ("targets.mirroring=points!", "targets.mirroring: .*'columns'"),
    ],
)
def test_refused_recipes(override: str, said: str, groups: Path) -> None:
    with pytest.raises(ValueError, match=said):
        load_recipe(write_bottom_up_recipe(groups), [override])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model.architecture=pose_hrnet_w32", "pose_hrnet_w32 is no network with tags .*; such are ae_hrnet_w18"),
        ("model.architecture=dekr_hrnet_w32", "dekr_hrnet_w32 is no network with tags"),
        ("model.options={num_deconvolution: 2}", "did you mean 'num_deconvolutions'"),
        ("data.val.mosaic={length: 4, backgrounds: [nowhere]}", r"mosaic\.backgrounds: there are no pictures in .*nowhere"),
        ("loss.heatmap_weights=[1]", r"loss\.heatmap_weights must hold 2 numbers"),
    ],
)
def test_recipes_that_do_not_fit_the_data(override: str, said: str, groups: Path) -> None:
    recipe = load_recipe(write_bottom_up_recipe(groups), [override])
    with pytest.raises(ValueError, match=said):
        recipe.load_data().build_task()
