"""Segmentation on the engine: whole runs and what they leave, data that does not fit, and the recipes that come along."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data.drawn_streets import CLASSES, write_streets
from golden.cases import cases_of
from PIL import Image
from pydantic import TypeAdapter
from torch import nn

from hrnet.data.class_sets import class_set
from hrnet.data.images import read_image
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.tasks.recipe_reading import list_recipes, load_recipe
from hrnet.tasks.segmentation import PixelLossSettings
from hrnet.tasks.segmentation_recipe import SegmentationFiles, SegmentationRecipe
from hrnet.training.data_module import RecipeData
from hrnet.training.engine import train
from hrnet.training.module import TaskTraining, rate_schedule
from hrnet.weights.checkpoint import load_checkpoint
from hrnet.weights.files import read_state_dict
from hrnet.weights.segmentation_card import SEGMENTATION_CARD_KEY, SegmentationCard

case = cases_of("segmentation_training")

PUBLISHED = [name for name in list_recipes() if name.startswith("segmentation/")]


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streets")
    write_streets(folder, "train", 12)
    write_streets(folder, "val", 3, seed=1)
    return folder


def recipe(folder: Path, **changes: Any) -> SegmentationRecipe:
    values = {
        "task": "segmentation",
        "model": {"architecture": "seg_hrnet_w18_small_v1", "crop_size": [32, 48], "test": {"size_rule": "own"}},
        "data": {
            "root": str(folder),
            "workers": 0,
            "train": [{"images": "images/train", "labels": "labels/train"}],
            "val": {"images": "images/val", "labels": "labels/val"},
        },
        "augmentation": {"base_size": 64, "scale": [0.8, 1.3], "scale_step": None, "color": 0.2},
        "optimizer": {"name": "adamw", "lr": 4e-3},
        "schedule": {"kind": "one_cycle"},
        "epochs": 6,
        "batch_size": 4,
        "validate_every": 3,
        "accelerator": "cpu",
        "devices": 1,
    }
    return TypeAdapter(SegmentationRecipe).validate_python(values | changes)


def test_a_run(streets: Path) -> None:
    loss = {"class_weights": "median_frequency", "class_weight_power": 0.5}
    result = train(recipe(streets, loss=loss), output=streets / "run")
    with (streets / "run/log.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [bool(row["val/miou"]) for row in table] == [epoch % 3 == 2 for epoch in range(6)]
    assert float(table[-1]["train/loss"]) < float(table[0]["train/loss"]) / 2
    assert float(table[-1]["val/miou"]) > 0.6
    assert float(table[-1]["val/pixel_accuracy"]) > 0.8
    assert "val/miou_present" not in table[0]
    assert read_image(streets / "run/pictures/epoch_0005.jpg").shape[1] > 700
    _, facts = read_state_dict(result.weights)
    card = SegmentationCard.from_json(facts.metadata[SEGMENTATION_CARD_KEY])
    assert (card.architecture, card.class_set.classes, card.crop_size) == ("seg_hrnet_w18_small_v1", CLASSES, (32, 48))
    assert load_checkpoint(result.weights).num_classes == 3


def test_weights_by_name(streets: Path) -> None:
    def weights(name: str, **changes: Any) -> Any:
        return recipe(streets, loss={"class_weights": name}, **changes).load_data().loss.class_weights

    by_frequency = weights("median_frequency")
    assert np.median(by_frequency) == 1
    assert by_frequency[2] == max(by_frequency)  # cars are small
    with pytest.raises(ValueError, match="none are published"):
        weights("published")
    twice = recipe(streets)
    twice = replace(
        twice, data=replace(twice.data, train=twice.data.train * 2), loss=PixelLossSettings(class_weights="median_frequency")
    )
    assert twice.load_data().loss.class_weights == pytest.approx(by_frequency)
    assert twice.load_data().summary() == "24 pictures of 3 classes to train on, 3 to validate"


def test_pictures_of_several_sizes(streets: Path, tmp_path: Path) -> None:
    write_streets(tmp_path, "train", 2)
    write_streets(tmp_path, "val", 2)
    assert recipe(tmp_path).load_data().val_batch_size is None
    write_streets(tmp_path, "val", 1, size=(40, 64))
    data = recipe(tmp_path).load_data()
    assert data.val_batch_size == 1
    batches = list(RecipeData(recipe(tmp_path), data).val_dataloader())
    assert [tuple(batch["image"].shape) for batch in batches] == [(1, 40, 64, 3), (1, 48, 64, 3)]


def test_absent_classes_have_a_number_of_their_own(streets: Path, tmp_path: Path) -> None:
    write_streets(tmp_path, "train", 1)
    write_streets(tmp_path, "val", 1)
    (tmp_path / "classes.txt").write_text("sky\nroad\ncar\ntree\n")
    data = recipe(tmp_path).load_data()
    batch = next(iter(RecipeData(recipe(tmp_path), data).val_dataloader()))
    measured = data.measure(data.build_task().eval().validate(batch).found)
    assert set(measured) == {"miou", "pixel_accuracy", "miou_present"}
    assert measured["miou"] == pytest.approx(measured["miou_present"] * 3 / 4)


def test_labels_that_look_wrong_are_told_at_the_start(tmp_path: Path) -> None:
    write_streets(tmp_path, "train", 2)
    write_streets(tmp_path, "val", 1)
    file = tmp_path / "labels/val/000.png"
    Image.fromarray(np.where(np.asarray(Image.open(file)) == 2, 7, 0).astype(np.uint8)).save(file)
    with pytest.warns(UserWarning, match=r"data.val: most label maps have values that mean nothing.* got 7"):
        recipe(tmp_path).load_data()


def test_parts_with_different_classes(streets: Path) -> None:
    mixed = recipe(streets)
    other = SegmentationFiles("images/val", "labels/val", "voc")
    mixed = replace(mixed, data=replace(mixed.data, train=(*mixed.data.train, other)))
    with pytest.raises(ValueError, match="different classes"):
        mixed.load_data()


def test_rates_are_as_recorded(streets: Path) -> None:
    recorded = case("seg_poly_lr")
    given, wanted = recorded.inputs, recorded.outputs["iter_lr_group2"]
    poly = recipe(streets, schedule={"kind": "poly", "power": 0.9})
    factor = rate_schedule(poly, given["max_iters"])
    for iteration, (_, rate, rate_of_part) in zip(given["iterations"], wanted.tolist(), strict=True):
        # What the record has for an iteration was set after its step; here it is in force one step earlier.
        assert given["base_lr"] * factor(iteration) == pytest.approx(rate, rel=1e-9)
        assert rate_of_part == pytest.approx(10 * rate)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_recipes(name: str) -> None:
    loaded = load_recipe(name)
    assert isinstance(loaded, SegmentationRecipe)
    model = loaded.model
    assert model.class_set is None or class_set(model.class_set)
    if "_ocr" in name or "ade20k" in name or "cocostuff" in name:
        assert model.options == {"align_corners": True}
    else:
        assert model.options == {"align_corners": False}
    assert ("_ocr" in name) == model.architecture.endswith("_ocr")
    assert ("ohem" in name) == (loaded.loss.kind == "hard_pixels")
    if "camvid" not in name:
        assert (loaded.schedule.kind, loaded.schedule.power, loaded.optimizer.name) == ("poly", 0.9, "sgd")
        assert not loaded.optimizer.nesterov
        assert loaded.sync_batch_norm
        tenfold = "pascal_context" in name or "cocostuff" in name
        assert set(loaded.optimizer.rate_factors.values()) == ({10} if tenfold else set())


def test_there_is_a_recipe_for_every_published_training() -> None:
    assert len(PUBLISHED) == 14


def test_parts_with_rates_of_their_own(streets: Path) -> None:
    fast = recipe(streets, optimizer={"name": "sgd", "lr": 0.01, "rate_factors": {"last_layer": 10}})
    task = fast.load_data().build_task()
    own, head = TaskTraining(task, fast)._parameter_groups()
    assert (own["lr"], head["lr"]) == pytest.approx((0.01, 0.1))
    assert isinstance(task.network, SegHRNet)
    head_layers: nn.Module = task.network.last_layer
    assert {id(parameter) for parameter in head["params"]} == {id(parameter) for parameter in head_layers.parameters()}
    assert len(own["params"]) + len(head["params"]) == len(list(task.parameters()))
    wrong = replace(fast, optimizer=replace(fast.optimizer, rate_factors={"last_layers": 10}))
    with pytest.raises(ValueError, match="did you mean 'last_layer'"):
        TaskTraining(task, wrong)._parameter_groups()
