"""The task and the recipe of facial landmarks: loss, whole pixels, data and measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data.face_files import draw_face, landmarks, write_coco
from torch import Tensor, nn

from hrnet.codecs import CodecSpec, DarkCodec
from hrnet.codecs.face_heatmap import FaceDarkCodec, FaceHeatmapCodec
from hrnet.data.face_samples import FaceSamples, PublishedFaceSamples
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.tasks.face import FaceLandmarks, landmarks_of_picture
from hrnet.tasks.face_recipe import FaceRecipe
from hrnet.tasks.recipe_reading import list_recipes, load_recipe, recipe_from_dict
from hrnet.weights.pose_card import PoseCard

ARCHITECTURE = "face_hrnetv2_w18_small_v1"


class Constant(nn.Module):
    def __init__(self, value: float, channels: int) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return self.value.expand(len(x), self.channels, x.shape[2] // 4, x.shape[3] // 4)


def batch(count: int = 29) -> dict[str, Tensor]:
    return {
        "image": torch.zeros(2, 64, 64, 3, dtype=torch.uint8),
        "keypoints": torch.rand(2, count, 2) * 40 + 12,
        "visibility": torch.ones(2, count),
        "absent": torch.zeros(2, count, dtype=torch.bool),
        "to_image": torch.tensor([[[0.5, 0.0, 3.25], [0.0, 0.5, 4.5]]] * 2),
        "index": torch.tensor([4, 9]),
    }


def task(name: Any = "dark", value: float = 0.25) -> FaceLandmarks:
    card = PoseCard(ARCHITECTURE, keypoint_set("cofw"), CodecSpec(name, (64, 64), 1.5), flip_test=False)
    return FaceLandmarks(Constant(value, 29), card)


@pytest.mark.parametrize("name", ["dark", "face_landmarks"])
def test_the_loss_is_the_plain_mean_of_squares(name: str) -> None:
    given, built = batch(), task(name)
    targets = built.codec.encode(given["keypoints"], given["visibility"]).heatmaps
    assert built.losses(given)["total"].item() == pytest.approx((targets - 0.25).square().mean().item(), rel=1e-5)


def test_unlabelled_landmarks_count_as_empty_only_in_the_published_loss() -> None:
    given = batch()
    given["visibility"][:] = 0
    assert task("dark").losses(given)["total"].item() == 0
    assert task("face_landmarks").losses(given)["total"].item() == pytest.approx(0.0625)


def test_landmarks_of_the_picture() -> None:
    points = np.array([[-0.75, 3.9], [10.0, 2.5]])
    sizes = ((64, 64), (16, 16))
    assert landmarks_of_picture(FaceHeatmapCodec(*sizes), points).tolist() == [[0, 3], [10, 2]]
    assert landmarks_of_picture(FaceDarkCodec(*sizes), points).tolist() == [[-1.75, 2.9], [9, 1.5]]
    assert landmarks_of_picture(DarkCodec(*sizes), points) is points


@torch.no_grad()
def test_validation_finds_whole_pixels() -> None:
    validated = task("face_landmarks").validate(batch())
    assert sorted(validated.found) == [4, 9]
    for points, scores in validated.found.values():
        assert points.shape == (29, 2)
        assert (points == np.trunc(points)).all()
        assert scores.tolist() == pytest.approx([0.25] * 29)
    assert not (task("dark").validate(batch()).found[4][0] % 1 == 0).all()


# Recipes


def write_faces(folder: Path, name: str, count: int = 3) -> None:
    faces = [landmarks(29, seed) for seed in range(count)]
    for number, points in enumerate(faces):
        draw_face(folder / name / f"{number}.png", points)
    write_coco(folder / f"{name}.json", [f"{number}.png" for number in range(count)], faces)


def recipe(folder: Path, **changes: Any) -> FaceRecipe:
    files = {"annotations": "train.json", "images": "train"}
    values: dict[str, Any] = {
        "task": "face",
        "model": {"architecture": ARCHITECTURE, "codec": {"name": "dark", "input_size": [64, 64], "sigma": 1.5}},
        "data": {"root": str(folder), "train": [files], "val": files, "workers": 0},
        **changes,
    }
    built = recipe_from_dict(values)
    assert isinstance(built, FaceRecipe)
    return built


def test_data_of_a_recipe(tmp_path: Path) -> None:
    write_faces(tmp_path, "train")
    data = recipe(tmp_path).load_data()
    assert data.summary() == "3 faces to train on, 3 to validate"
    assert data.keypoint_set.name == "cofw"
    assert type(data.val_samples()) is FaceSamples
    card = data.build_task().card
    assert (card.architecture, card.flip_test, card.num_outputs) == (ARCHITECTURE, True, 29)
    found = {n: (record.keypoints + np.array([0.0, 1.0]), np.ones(29)) for n, record in enumerate(data.val_records)}
    measured = data.measure(found)
    eyes = [np.linalg.norm(record.keypoints[8] - record.keypoints[9]) for record in data.val_records]
    assert measured["nme"] == pytest.approx(np.mean(1 / np.array(eyes)))
    assert set(measured) == {"nme", "failures_10", "auc_10"}
    assert data.draw(0, found[0]).shape == (56, 64, 3)


def test_the_published_codec_brings_its_crops(tmp_path: Path) -> None:
    write_faces(tmp_path, "train")
    model = {"architecture": ARCHITECTURE, "codec": {"name": "face_landmarks", "input_size": [64, 64], "sigma": 1.5}}
    data = recipe(tmp_path, model=model).load_data()
    assert type(data.train_samples()[0]) is PublishedFaceSamples
    assert not data.build_task().card.flip_test
    model["codec"]["input_size"] = [64, 48]
    with pytest.raises(ValueError, match="face_landmarks needs a square input, got 64x48"):
        recipe(tmp_path, model=model).load_data()


def test_bad_recipes(tmp_path: Path) -> None:
    write_faces(tmp_path, "train")
    files = {"annotations": "train.json", "images": "train", "subset": "common"}
    with pytest.raises(ValueError, match="no subset 'common'; there are none"):
        recipe(tmp_path, data={"root": str(tmp_path), "train": [files]}).load_data()
    with pytest.raises(ValueError, match=r"rotaton.*did you mean 'rotation'"):
        recipe(tmp_path, augmentation={"rotaton": 3})
    with pytest.raises(ValueError, match="scale must be at least 0"):
        recipe(tmp_path, augmentation={"scale": 3})
    model = {"architecture": ARCHITECTURE, "keypoint_set": "wflw"}
    with pytest.raises(ValueError, match="29"):
        recipe(tmp_path, model=model).load_data()


@pytest.mark.parametrize("name", [name for name in list_recipes() if name.startswith("face/")])
def test_recipes_of_the_package(name: str) -> None:
    built = load_recipe(name)
    assert isinstance(built, FaceRecipe)
    assert built.model.architecture.startswith("face_hrnetv2_w18")
    if not name.endswith("_128"):  # the published ones
        assert (built.model.codec.name, built.model.padding) == ("face_landmarks", 1.25)
        assert (built.epochs, built.batch_size, built.schedule.milestones) == (60, 16, (30, 50))
        assert built.model.codec.sigma == (1.0 if "300w" in name else 1.5)
        assert built.optimizer.lr == (2e-4 if "aflw" in name else 1e-4)
        assert built.augmentation.shift == built.augmentation.color == 0
