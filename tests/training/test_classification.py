"""Whole runs that learn to tell drawn shapes apart, and what comes of them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from models.tiny_networks import tiny_networks
from pydantic import TypeAdapter, ValidationError
from training.drawn_classes import CLASSES, draw_class, write_classes

from hrnet.data.classification_augmentation import ClassificationAugmentation
from hrnet.data.images import read_image
from hrnet.errors import AnnotationError
from hrnet.models import build_model
from hrnet.tasks.classification import ClassFound
from hrnet.tasks.classification_recipe import ClassificationLoss, ClassificationRecipe
from hrnet.tasks.recipe_reading import list_recipes, load_recipe
from hrnet.training.callbacks import EpochTable
from hrnet.training.engine import build_task, train
from hrnet.weights.classification_card import CLASSIFICATION_CARD_KEY, ClassificationCard
from hrnet.weights.files import read_state_dict
from hrnet.weights.writing import write_checkpoint


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with tiny_networks():
        yield


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    write_classes(folder / "train", 16)
    write_classes(folder / "val", 10, seed=1)
    return folder


def recipe(folder: Path, **changes: Any) -> ClassificationRecipe:
    values: dict[str, Any] = {
        "model": {"architecture": "cls_hrnet_tiny", "input_size": [32, 32], "crop_share": 1.0},
        "data": {"root": str(folder), "train": [{"folder": "train"}], "val": {"folder": "val"}, "workers": 0},
        "augmentation": {"area": [0.8, 1.0]},
        "optimizer": {"name": "adamw", "lr": 3e-3},
        "schedule": {"kind": "cosine"},
        "epochs": 1,
        "batch_size": 12,
        "accelerator": "cpu",
        "devices": 1,
        **changes,
    }
    return TypeAdapter(ClassificationRecipe).validate_python(values)


@pytest.fixture(scope="module")
def finished(shapes: Path) -> Path:
    output = shapes / "finished"
    loss = {"label_smoothing": 0.05, "cutmix": 1.0, "probability": 0.1}
    train(recipe(shapes, epochs=14, validate_every=7, loss=loss), output=output)
    return output


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_learns(finished: Path) -> None:
    table = rows(finished)
    assert float(table[-1]["train/loss"]) < float(table[0]["train/loss"])
    assert float(table[-1]["val/top1"]) > 0.6  # of three classes; 30 pictures
    assert "val/top5" not in table[0]  # of three classes it says nothing
    sheet = read_image(next((finished / "pictures").glob("*.jpg")))
    assert sheet.shape[1] > 600


def test_the_weights_say_how_they_are_used(finished: Path, shapes: Path) -> None:
    facts = read_state_dict(finished / "weights.safetensors")[1]
    card = ClassificationCard.from_json(facts.metadata[CLASSIFICATION_CARD_KEY])
    assert (card.architecture, card.classes, card.input_size, card.crop_share) == ("cls_hrnet_tiny", CLASSES, (32, 32), 1.0)
    assert card.training_data == "train"


def test_starting_from_a_pose_network_and_freezing(shapes: Path, tmp_path: Path) -> None:
    pose = build_model("pose_hrnet_tiny", 5)
    for buffer in pose.buffers():
        if buffer.dtype.is_floating_point:
            buffer.uniform_(0.5, 1)
    start = write_checkpoint(tmp_path / "pose.safetensors", pose.state_dict(), {})
    model = {"architecture": "cls_hrnet_tiny", "input_size": [32, 32], "start_from": str(start), "freeze": ["stem", "stage1"]}
    tuned = recipe(shapes, model=model)
    _, report = build_task(tuned, tuned.load_data())
    assert report is not None
    assert "classifier.weight" in report.missing
    assert {"conv1.weight", "stage3.0.branches.0.0.conv1.weight"} <= set(report.loaded)
    train(tuned, output=tmp_path / "run")
    state = read_state_dict(tmp_path / "run" / "weights.safetensors")[0]
    given = pose.state_dict()
    for name in ("conv1.weight", "bn1.running_mean", "layer1.0.bn2.running_var"):
        assert torch.equal(state[name], given[name]), name
    assert not torch.equal(state["stage2.0.branches.0.0.bn1.running_mean"], given["stage2.0.branches.0.0.bn1.running_mean"])


def test_a_resumed_run_ends_like_one_that_went_through(shapes: Path, tmp_path: Path) -> None:
    mixing = {"mixup": 0.4, "cutmix": 1.0}
    whole = recipe(shapes, epochs=2, loss=mixing, ema_decay=0.9)
    train(whole, output=tmp_path / "whole")

    class Stopped(Exception):
        pass

    first = tmp_path / "first"
    ended = EpochTable.on_train_epoch_start

    def stop(self: Any, trainer: Any, module: Any) -> None:
        ended(self, trainer, module)
        if trainer.current_epoch == 1:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EpochTable, "on_train_epoch_start", stop)
        with pytest.raises(Stopped):
            train(whole, output=first)
    train(whole, output=first, resume=True)
    one, two = (read_state_dict(run / "weights.safetensors")[0] for run in (tmp_path / "whole", first))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_parts_and_lists(shapes: Path, tmp_path: Path) -> None:
    more = write_classes(tmp_path / "more", 2, names=("disc", "square"))
    draw_class("disc", 5).save(tmp_path / "loose.png")
    (tmp_path / "val.txt").write_text("loose.png disc\n")
    data = recipe(
        shapes,
        data={
            "root": str(tmp_path),
            "train": [{"folder": str(shapes / "train")}, {"folder": str(more)}],
            "val": {"folder": ".", "listing": "val.txt"},
            "workers": 0,
        },
    ).load_data()
    assert data.summary() == (
        "52 pictures of 3 classes to train on (16 to 18 of each), 1 to validate, none of them of square, stripes"
    )
    assert [len(part) for part in data.train_samples()] == [48, 4]
    hit, miss = ClassFound(1, 0.9, 0), ClassFound(1, 0.9, 2)
    assert data.measure({0: hit, 1: miss, 2: miss, 3: miss}) == {"top1": 0.25}


def test_faults_of_the_data(shapes: Path, tmp_path: Path) -> None:
    broken = tmp_path / "train"
    shutil.copytree(shapes / "train", broken)
    (broken / "star").mkdir()
    write_classes(tmp_path / "val", 1, names=("disc",))
    with pytest.raises(AnnotationError, match=r"data\.train: no picture of star; add some"):
        recipe(tmp_path).load_data()
    shutil.rmtree(broken / "star")
    (tmp_path / "val" / "disc").rename(tmp_path / "val" / "disk")
    with pytest.raises(AnnotationError, match="disk; did you mean 'disc'"):
        recipe(tmp_path).load_data()
    for name in ("disc", "square"):
        shutil.rmtree(broken / name)
    shutil.rmtree(tmp_path / "val")
    with pytest.raises(AnnotationError, match="stripes alone leaves nothing to tell apart"):
        recipe(tmp_path).load_data()


def test_published_numbers() -> None:
    paper = load_recipe("classification/imagenet_hrnet_w18")
    assert isinstance(paper, ClassificationRecipe)
    assert (paper.model.input_size, paper.model.crop_share, paper.epochs, paper.batch_size) == ((224, 224), 0.875, 100, 256)
    # The published code: 0.05 for 128 pictures. Its momentum of 0.9 after Nesterov is the engine's.
    assert (paper.optimizer.name, paper.optimizer.lr, paper.optimizer.weight_decay) == ("sgd", 0.1, 1e-4)
    assert (paper.schedule.kind, paper.schedule.milestones, paper.schedule.factor) == ("step", (30, 60, 90), 0.1)
    assert paper.augmentation == ClassificationAugmentation()
    assert (paper.augmentation.area, paper.augmentation.aspect_ratio) == ((0.08, 1), (3 / 4, 4 / 3))
    assert paper.loss == ClassificationLoss()


def test_recipes_that_come_with_the_package() -> None:
    names = [name for name in list_recipes() if name.startswith("classification/")]
    assert len(names) >= 4
    for name in names:
        recipe = load_recipe(name)
        assert isinstance(recipe, ClassificationRecipe)
        assert recipe.model.architecture.startswith("cls_hrnet_")


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("model", {"freeze": ["stem"]}, "stem would stay random; say start_from"),
        ("model", {"freeze": ["steam"], "start_from": "x"}, "no part 'steam'; did you mean 'stem'"),
        ("model", {"input_size": [16, 16]}, "at least 32 pixels"),
        ("loss", {"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1"),
        ("loss", {"mixup": -1}, "mixup"),
        ("augmentation", {"area": [0, 1]}, "area"),
    ],
)
def test_impossible_recipes(shapes: Path, section: str, values: dict[str, Any], said: str) -> None:
    model = {"architecture": "cls_hrnet_tiny", "input_size": [32, 32]}
    with pytest.raises(ValidationError, match=said):
        recipe(shapes, **{"model": model, section: {**(model if section == "model" else {}), **values}})
