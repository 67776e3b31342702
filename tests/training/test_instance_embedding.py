"""Instance segmentation by embedding on the engine: a whole run on drawn shapes, and recipes on files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from hrnet.data.images import read_image
from hrnet.structures.instance_result import InstanceResult
from hrnet.structures.labelled_instances import LabelledInstances
from hrnet.tasks.instance_embedding import InstancesFound
from hrnet.tasks.instance_embedding_recipe import InstanceEmbeddingRecipe, InstanceTrainingData
from hrnet.tasks.recipe_reading import load_recipe
from hrnet.training.data_module import RecipeData
from hrnet.training.engine import train
from hrnet.weights.files import read_state_dict
from hrnet.weights.instance_card import INSTANCE_CARD_KEY, InstanceEmbeddingCard

pytest.importorskip("faster_coco_eval")

LAYOUT = {"size": [32, 32], "shapes": [1, 2], "shape_size": [0.3, 0.6], "kinds": ["ellipse", "rectangle"], "alike": 0.0}


def write_recipe(folder: Path, **changes: Any) -> Path:
    recipe: dict[str, Any] = {
        "task": "instance_embedding",
        "model": {
            "architecture": "embedding_hrnet_w4",
            "input_size": [32, 32],
            "options": {"embedding_dimensions": 2, "coordinate_unit": 16},
        },
        "data": {
            "train": [{"drawn": {"length": 16, "layout": LAYOUT}}],
            "val": {"drawn": {"length": 4, "layout": LAYOUT}},
            "workers": 0,
        },
        "optimizer": {"lr": 3e-3},
        "schedule": {"kind": "cosine"},
        "epochs": 2,
        "batch_size": 8,
        "accelerator": "cpu",
        "devices": 1,
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def data_of(path: Path, *overrides: str) -> InstanceTrainingData:
    recipe = load_recipe(path, overrides)
    assert isinstance(recipe, InstanceEmbeddingRecipe)
    return recipe.load_data()


def test_what_a_run_leaves(tmp_path: Path) -> None:
    result = train(write_recipe(tmp_path), output=tmp_path / "run")
    with (result.output / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    both = {f"val/{prefix}{name}" for prefix in ("", "components_") for name in ("ap", "ap50", "ap75")}
    assert both | {"train/push", "train/pull", "train/foreground"} <= set(rows[0])
    assert float(rows[-1]["train/loss"]) < float(rows[0]["train/loss"])
    assert read_image(result.output / "pictures/epoch_0001.jpg").ndim == 3
    card = InstanceEmbeddingCard.from_json(read_state_dict(result.weights)[1].metadata[INSTANCE_CARD_KEY])
    assert (card.architecture, card.class_set.classes) == ("embedding_hrnet_w4", ("shape",))


def test_a_batch_can_be_learnt_by_heart(tmp_path: Path) -> None:
    """Foreground and embeddings both: with all parts of the loss going down."""
    torch.manual_seed(0)
    data = data_of(write_recipe(tmp_path, batch_size=4, augmentation={"color": 0}))
    task = data.build_task()
    batch = next(iter(RecipeData(data.recipe, data).train_dataloader()))
    optimizer = torch.optim.AdamW(task.parameters(), 5e-3)
    seen = []
    for _ in range(15):
        optimizer.zero_grad()
        losses = task.losses(batch)
        losses["total"].backward()
        optimizer.step()
        seen.append({name: value.item() for name, value in losses.items()})
    assert seen[-1]["total"] < 0.8 * seen[0]["total"]
    assert seen[-1]["push"] + seen[-1]["pull"] < seen[0]["push"] + seen[0]["pull"]


def as_found(truth: LabelledInstances, names: tuple[str, ...]) -> InstanceResult:
    return InstanceResult(truth.runs, np.ones(len(truth), np.float32), truth.class_ids, names, truth.image_size)


def test_average_precision_of_the_truth_is_one(tmp_path: Path) -> None:
    data = data_of(write_recipe(tmp_path))
    assert data.monitor == ("ap", "max")
    assert data.val_part is not None
    results = {index: as_found(data.val_part.source.truth(index), ("shape",)) for index in range(4)}
    values = data.measure({index: InstancesFound(result, result[[]]) for index, result in results.items()})
    assert (values["ap"], values["components_ap"]) == (pytest.approx(1), 0)
    drawn = data.draw(0, InstancesFound(results[0], results[0]))
    assert drawn is not None
    assert drawn.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.val={length: 3}", "unknown key 'length'"),
        ("data.val={annotations: a.json}", "either 'annotations' and 'images', or 'drawn'"),
        ("decoding.bandwidth=0", "bandwidth must be positive"),
        ("loss.push=far", "loss.push"),
    ],
)
def test_refused_recipes(override: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        load_recipe(write_recipe(tmp_path), [override])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model={architecture: pose_hrnet_w32, input_size: [32, 32]}", "is no network with an embedding"),
        ("model.input_size=[60, 64]", "multiples of 32"),
        ("data.val={drawn: {length: 2, layout: {as_classes: true}}}", "must have the same classes"),
        ("data.val={annotations: nowhere.json, images: x}", "no such annotation file"),
    ],
)
def test_recipes_that_do_not_fit(override: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        data_of(write_recipe(tmp_path), override).build_task()
