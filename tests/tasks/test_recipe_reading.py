"""Recipes: reading, overriding, refusing, and the numbers of those that come with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from training.drawn_people import write_recipe

from hrnet.tasks.bottom_up_recipe import BottomUpRecipe
from hrnet.tasks.pose_recipe import PoseRecipe
from hrnet.tasks.recipe import Recipe, ScheduleSection
from hrnet.tasks.recipe_reading import list_recipes, load_recipe, recipe_from_dict
from hrnet.training.module import rate_schedule

SMALLEST: dict[str, Any] = {
    "model": {"architecture": "pose_hrnet_w32"},
    "data": {"train": [{"annotations": "a.json", "images": "a"}]},
}

# Of the published configurations; (height, width).
PUBLISHED = {
    "pose/coco_hrnet_w32_256x192": ("pose_hrnet_w32", (256, 192), 2, 32, 210, (170, 200), (0.35, 45, 0.3)),
    "pose/coco_hrnet_w32_384x288": ("pose_hrnet_w32", (384, 288), 3, 32, 210, (170, 200), (0.35, 45, 0.3)),
    "pose/coco_hrnet_w48_256x192": ("pose_hrnet_w48", (256, 192), 2, 32, 210, (170, 200), (0.35, 45, 0.3)),
    "pose/coco_hrnet_w48_384x288": ("pose_hrnet_w48", (384, 288), 3, 24, 210, (170, 200), (0.35, 45, 0.3)),
    "pose/coco_hrnet_w32_256x192_dark": ("pose_hrnet_w32", (256, 192), 2, 32, 210, (170, 200), (0.35, 45, 0.3)),
    "pose/mpii_hrnet_w32_256x256": ("pose_hrnet_w32", (256, 256), 2, 32, 210, (170, 200), (0.25, 30, 0)),
    "pose/coco_resnet50_256x192": ("pose_resnet50", (256, 192), 2, 32, 140, (90, 120), (0.3, 40, 0)),
}


@pytest.mark.parametrize("name", list_recipes())
def test_packaged_recipes_load_and_come_back(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe_from_dict(yaml.safe_load(recipe.to_yaml())) == recipe
    assert recipe.task == name.partition("/")[0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers(name: str) -> None:
    recipe = load_recipe(name)
    assert isinstance(recipe, PoseRecipe)
    crops = recipe.augmentation
    assert (
        recipe.model.architecture,
        recipe.model.codec.input_size,
        recipe.model.codec.sigma,
        recipe.batch_size,
        recipe.epochs,
        recipe.schedule.milestones,
        (crops.scale, crops.rotation, crops.half_body_probability),
    ) == PUBLISHED[name]
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("adam", 1e-3, 0)
    assert (recipe.schedule.kind, recipe.schedule.factor, recipe.model.padding) == ("step", 0.1, 1.25)
    assert (crops.rotation_probability, crops.flip_probability, crops.half_body_min_visible) == (0.6, 0.5, 8)
    assert (crops.cut_off_probability, crops.color, recipe.ema_decay, recipe.hardest_keypoints) == (0, 0, None, None)


# Architecture, input, batch, rate, epochs, milestones, factor.
PUBLISHED_BOTTOM_UP = {
    "coco_higher_hrnet_w32_512": ("higher_hrnet_w32", 512, 12, 1e-3, 300, (200, 260), 0.1),
    "coco_higher_hrnet_w48_640": ("higher_hrnet_w48", 640, 10, 1e-3, 300, (200, 260), 0.1),
    "crowdpose_higher_hrnet_w32_512": ("higher_hrnet_w32", 512, 12, 1e-3, 300, (200, 260), 0.1),
    "crowdpose_higher_hrnet_w48_640": ("higher_hrnet_w48", 640, 10, 1e-3, 300, (200, 260), 0.1),
    "coco_pose_ae_4_512": ("pose_ae_4", 512, 32, 2e-4, 130, (113,), 0.05),
}


@pytest.mark.parametrize("name", PUBLISHED_BOTTOM_UP)
def test_published_numbers_of_bottom_up_pose(name: str) -> None:
    recipe = load_recipe(f"bottom_up_pose/{name}")
    assert isinstance(recipe, BottomUpRecipe)
    architecture, side, batch, lr, epochs, milestones, factor = PUBLISHED_BOTTOM_UP[name]
    assert (recipe.model.architecture, recipe.model.input_size) == (architecture, (side, side))
    assert (recipe.batch_size, recipe.optimizer.name, recipe.optimizer.lr) == (batch, "adam", lr)
    assert (recipe.epochs, recipe.schedule.milestones) == (epochs, milestones)
    assert (recipe.schedule.kind, recipe.schedule.factor, recipe.optimizer.weight_decay) == ("step", factor, 0)
    scenes, targets, loss = recipe.augmentation, recipe.targets, recipe.loss
    hourglass = architecture == "pose_ae_4"
    assert (scenes.scale, scenes.side) == (((0.75, 1.25), "long") if hourglass else ((0.75, 1.5), "short"))
    assert (scenes.rotation, scenes.translation, scenes.flip_probability, targets.max_people) == (30, 40, 0.5, 30)
    assert (targets.sigma, targets.mirroring.value) == ((None, "points") if hourglass else (2, "columns"))
    assert (loss.push, loss.push_weight, loss.pull_weight, targets.scale_aware) == ("exp", 1e-3, 1e-3, False)
    crowdpose = name.startswith("crowdpose")
    assert {part.format for part in recipe.data.train} == {"crowdpose" if crowdpose else "auto"}
    ignored = ("crowd",) if hourglass else ("crowd", "unlabelled")
    assert {part.ignored for part in recipe.data.train} == {ignored}


def test_overrides(tmp_path: Path) -> None:
    path = write_recipe(tmp_path)
    changes = [
        "model.codec.input_size=[128, 96]",
        "optimizer.lr=5e-4",
        "schedule.milestones=[1, 2]",
        "data.val=null",
        "gradient_clip=1",
        "model.keypoint_set=lsp",
        "data.terms=a=b",
    ]
    recipe = load_recipe(path, changes)
    assert isinstance(recipe, PoseRecipe)
    assert recipe.model.codec.input_size == (128, 96)
    assert recipe.model.codec.sigma == 1.5
    assert (recipe.optimizer.lr, recipe.schedule.milestones, recipe.data.val) == (5e-4, (1, 2), None)
    assert (recipe.gradient_clip, recipe.model.keypoint_set, recipe.data.terms) == (1, "lsp", "a=b")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("optimizer.lrr=1", "unknown key 'lrr'; did you mean 'lr'"),
        ("epoch=1", "did you mean 'epochs'"),
        ("model.codec.sigm=1", "recipe.*model.codec|tiny.yaml.model.codec: unknown key 'sigm'; did you mean 'sigma'"),
        ("data.train=[{annotations: a, image: b}]", "unknown key 'image'; did you mean 'images'"),
        ("augmentation.rotate=1", "did you mean 'rotation'"),
        ("epochs=many", "epochs: .*integer.*got 'many'"),
        ("epochs=1.5", "epochs: .*got 1.5"),
        ("epochs=0", "epochs must be at least 1, got 0"),
        ("mirror_weight=-1", "mirror_weight must be at least 0, got -1"),
        ("optimizer.name=lion", "optimizer.name: .*'adam'.*got 'lion'"),
        ("precision=bf16-true", "precision: .*'32-true'"),
        ("model.codec.input_size=[16, 16]", "input_size is .*at least 32"),
        ("model.codec.input_size=256", "input_size.*got 256"),
        ("data.train=a.json", "data.train: .*got 'a.json'"),
        ("epochs", "key.path=value, got 'epochs'"),
        ("=1", "key.path=value"),
        ("epochs.x=1", "epochs is a value, not a section"),
    ],
)
def test_refused_overrides(override: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        load_recipe(write_recipe(tmp_path), [override])


def test_unknown_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tiny\.yaml: unknown key 'batchsize'; did you mean 'batch_size'"):
        load_recipe(write_recipe(tmp_path, batchsize=3))


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [1", "not valid YAML"), ("- 1", "must hold a mapping"), ("", "must hold a mapping"), ("model: {}", "architecture")],
)
def test_broken_files(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(ValueError, match=said):
        load_recipe(tmp_path / "broken.yaml")


def test_missing_files_and_names() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.yaml"):
        load_recipe("nowhere.yaml")
    with pytest.raises(FileNotFoundError, match="did you mean 'pose/coco_hrnet_w32_256x192'"):
        load_recipe("pose/coco_hrnet_w32_256x12")


def _recipe(epochs: int, **schedule: Any) -> Recipe:
    return replace(recipe_from_dict(SMALLEST), epochs=epochs, schedule=ScheduleSection(**schedule))


def test_step_schedule_drops_after_its_milestones() -> None:
    rate = rate_schedule(_recipe(210), 210 * 7)
    assert rate(0) == rate(170 * 7 - 1) == 1
    assert rate(170 * 7) == rate(200 * 7 - 1) == pytest.approx(0.1)
    assert rate(200 * 7) == pytest.approx(0.01)


@given(st.sampled_from(["cosine", "one_cycle", "poly"]), st.integers(1, 30), st.integers(1, 50), st.integers(0, 20))
def test_smooth_schedules(kind: str, epochs: int, steps: int, warmup: int) -> None:
    total = epochs * steps
    rate = rate_schedule(_recipe(epochs, kind=kind, warmup_steps=warmup), total)
    rates = [rate(step) for step in range(total + 1)]
    assert all(type(value) is float and 0 <= value <= 1 for value in rates)  # a NumPy number would not load from a checkpoint
    peak = warmup or (total // 10 if kind == "one_cycle" else 0)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    if total > peak:
        assert rates[peak] == 1
        assert rates[-1] == pytest.approx(0, abs=1e-12)
