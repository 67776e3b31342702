"""The mosaics of a recipe, written, are those that its run is validated on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training.drawn_people import write_people, write_recipe

from hrnet.data.images import read_image
from hrnet.evaluation.picture_people import load_people
from hrnet.tasks.bottom_up_recipe import BottomUpRecipe
from hrnet.training import load_recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_people(tmp_path, "train", 3)
    write_people(tmp_path, "val", 3, seed=1)
    mosaic = {"length": 4, "layout": {"size": [96, 128], "people": [1, 3], "person_size": [0.3, 0.6]}}
    files = {name: {"annotations": f"{name}.json", "images": name, "mosaic": mosaic} for name in ("train", "val")}
    return write_recipe(
        tmp_path,
        task="bottom_up_pose",
        model={"architecture": "higher_hrnet_w18_small_v1", "input_size": [128, 128]},
        data={"root": str(tmp_path), "train": [files["train"]], "val": files["val"], "workers": 0},
        seed=7,
    )


def test_written_mosaics_are_those_of_the_validation(
    script: Any, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.main([str(recipe), str(tmp_path / "out"), "--set", "data.val.mosaic.length=3", "--quality", "100"])
    assert f"{tmp_path / 'out' / 'mosaics.json'}: 3 mosaics" in capsys.readouterr().out
    found = load_people(tmp_path / "out" / "mosaics.json", tmp_path / "out" / "mosaics")
    run = load_recipe(recipe)
    assert isinstance(run, BottomUpRecipe)
    samples = run.load_data().val_samples()
    assert samples is not None
    people = 0
    for index in range(3):
        records = [record for record in found.records if record.image_id == index + 1]
        scene = samples.scenes.scene(5, index)
        np.testing.assert_allclose([record.keypoints for record in records], scene.keypoints, atol=0.01)
        written = read_image(records[0].image).astype(int)
        assert np.abs(written - scene.image).mean() < 3
        people += len(records)
    assert people >= 3


def test_recipes_without_mosaics(script: Any, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.val\.mosaic is missing"):
        script.write_mosaics(str(recipe), tmp_path / "out", ["data.val.mosaic=null"])
    with pytest.raises(ValueError, match="recipe of pose: mosaics belong to"):
        script.write_mosaics(str(write_recipe(tmp_path)), tmp_path / "out")
    with pytest.raises(SystemExit, match="error: there is no recipe"):
        script.main(["bottom_up_pose/nothing", str(tmp_path / "out")])
