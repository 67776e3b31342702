"""Loaders: who sees which sample when."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training.drawn_people import write_people, write_recipe

from hrnet.tasks.recipe_reading import load_recipe
from hrnet.training.data_module import EpochSampler, RecipeData, single_threaded_opencv


@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 5), st.integers(1, 6))
def test_processes_share_one_permutation(length: int, seed: int, epoch: int, processes: int) -> None:
    parts = []
    for rank in range(processes):
        sampler = EpochSampler(length, seed, rank, processes)
        sampler.set_epoch(epoch)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler) == -(-length // processes)
        assert parts[-1] == list(sampler)
    drawn = [index for part in parts for _, index in part]
    assert {number for part in parts for number, _ in part} == {epoch}
    assert set(drawn) == set(range(length))
    if length % processes == 0:
        assert len(drawn) == len(set(drawn))


def test_epochs_and_seeds_differ() -> None:
    orders = set()
    for seed in range(3):
        sampler = EpochSampler(50, seed)
        for epoch in range(3):
            sampler.set_epoch(epoch)
            orders.add(tuple(index for _, index in sampler))
    assert len(orders) == 9


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., RecipeData]:
    def build(rank: int = 0, processes: int = 1, **changes: Any) -> RecipeData:
        if not (tmp_path / "train.json").exists():
            write_people(tmp_path, "train", 10)
            write_people(tmp_path, "val", 5, seed=1)
        module = RecipeData(load_recipe(write_recipe(tmp_path, **changes)))
        module.trainer = SimpleNamespace(global_rank=rank, world_size=processes)  # pyright: ignore
        return module

    return build


def test_batches(data: Callable[..., RecipeData]) -> None:
    batches = list(data().train_dataloader())
    assert len(batches) == 2  # of 4; the last, smaller one is dropped
    batch = batches[0]
    assert (batch["image"].shape, batch["image"].dtype) == ((4, 64, 64, 3), torch.uint8)
    assert (batch["keypoints"].shape, batch["keypoints"].dtype) == ((4, 5, 2), torch.float32)
    assert (batch["visibility"].shape, batch["absent"].dtype, batch["to_image"].shape) == ((4, 5), torch.bool, (4, 2, 3))


def test_a_batch_larger_than_the_data_is_kept(data: Callable[..., RecipeData]) -> None:
    assert [len(batch["image"]) for batch in data(batch_size=32).train_dataloader()] == [10]


def test_samples_depend_on_the_epoch_alone_not_on_workers(data: Callable[..., RecipeData]) -> None:
    def images(epoch: int, workers: int) -> torch.Tensor:
        module = data()
        recipe = load_recipe(Path(module.recipe.data.root) / "tiny.yaml", [f"data.workers={workers}"])
        module.recipe = recipe
        loader = module.train_dataloader()
        loader.sampler.set_epoch(epoch)  # pyright: ignore
        with single_threaded_opencv():
            return torch.cat([batch["image"] for batch in loader])

    assert torch.equal(images(3, 0), images(3, 2))
    assert not torch.equal(images(3, 0), images(4, 0))


def test_several_training_parts_are_one(data: Callable[..., RecipeData]) -> None:
    part = {"annotations": "train.json", "images": "train"}
    both = {"annotations": "val.json", "images": "val"}
    module = data()
    root = module.recipe.data.root
    module = data(data={"root": root, "train": [part, both], "workers": 0}, batch_size=1)
    assert sorted(batch["index"].item() for batch in module.train_dataloader()) == sorted([*range(10), *range(5)])
    assert module.val_dataloader() == []


def test_validation_parts_are_equally_long_and_cover_everybody(data: Callable[..., RecipeData]) -> None:
    parts = [[batch["index"].tolist() for batch in data(rank, 3, batch_size=1).val_dataloader()] for rank in range(3)]
    assert parts == [[[0], [3]], [[1], [4]], [[2], [0]]]
    many = [[batch["index"].tolist() for batch in data(rank, 7).val_dataloader()] for rank in range(7)]
    assert many == [[[0]], [[1]], [[2]], [[3]], [[4]], [[0]], [[1]]]


def test_loaders_travel_to_spawned_workers(data: Callable[..., RecipeData]) -> None:
    loader = data().train_dataloader()
    again = pickle.loads(pickle.dumps((loader.dataset, loader.worker_init_fn)))[0]
    assert torch.equal(torch.tensor(again[2, 3]["image"]), torch.tensor(loader.dataset[2, 3]["image"]))


def test_nobody_is_labelled(data: Callable[..., RecipeData], tmp_path: Path) -> None:
    data()
    write_people(tmp_path, "val", 0)
    with pytest.raises(ValueError, match=r"data\.val: no labelled person in val\.json"):
        data()
    write_people(tmp_path, "train", 0)
    with pytest.raises(ValueError, match=r"data\.train: no labelled person in train\.json"):
        data()


def test_validation_with_other_keypoints(data: Callable[..., RecipeData], tmp_path: Path) -> None:
    data()
    write_people(tmp_path, "val", 2, keypoints=("nose", "left_shoulder", "right_shoulder"))
    with pytest.raises(ValueError, match=r"val\.json is labelled with 3 keypoints.*train\.json with 5.*must agree"):
        data()
