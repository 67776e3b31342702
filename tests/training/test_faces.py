"""A network for faces, trained, saved and loaded again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data.face_files import draw_face, landmarks, write_coco

from hrnet.evaluation.faces import evaluate_faces
from hrnet.inference.faces import build_face_predictor
from hrnet.tasks.face_recipe import FaceTrainingData
from hrnet.tasks.recipe_reading import recipe_from_dict
from hrnet.training import train
from hrnet.weights.pose import load_pose


def test_trained_weights_say_what_they_are(tmp_path: Path) -> None:
    faces = [landmarks(29, seed) for seed in range(4)]
    for number, points in enumerate(faces):
        draw_face(tmp_path / "images" / f"{number}.png", points)
    write_coco(tmp_path / "faces.json", [f"{number}.png" for number in range(4)], faces)
    files = {"annotations": "faces.json", "images": "images"}
    recipe = recipe_from_dict(
        {
            "task": "face",
            "model": {
                "architecture": "face_hrnetv2_w18_small_v1",
                "codec": {"name": "dark", "input_size": [64, 64], "sigma": 1.5, "blur_kernel": 7},
            },
            "data": {"root": str(tmp_path), "train": [files], "val": files, "workers": 0},
            "epochs": 2,
            "batch_size": 4,
            "accelerator": "cpu",
            "devices": 1,
        }
    )
    result = train(recipe, output=tmp_path / "run")
    assert 0 < result.metrics["val/nme"] < np.inf
    assert (result.output / "log.csv").read_text().startswith("epoch,")
    network, card = load_pose(result.weights)
    assert (card.keypoint_set.name, card.codec.name) == ("cofw", "dark")
    predictor = build_face_predictor(network, card, device="cpu", preset="published", detector="none")
    data = recipe.load_data()
    assert isinstance(data, FaceTrainingData)
    assert data.val_set is not None
    evaluation = evaluate_faces(predictor, data.val_set)
    # What the run measured and what a user measures is one number.
    assert evaluation.results["all"].mean == pytest.approx(result.metrics["val/nme"], rel=1e-3)
