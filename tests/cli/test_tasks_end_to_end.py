"""Every verb of every task, once, with the bundled weights on pictures made here."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from hrnet.cli import main
from hrnet.data.images import read_image, write_image
from hrnet.data.keypoint_sets import keypoint_set

SEGMENTATION, FACES = "seg_hrnet_w18_small_v1.camvid", "face_hrnetv2_w18_small_v1.faces68_128"
CLASSES = "cls_hrnet_w18_small_v1.flowers_128"
PEOPLE = "higher_hrnet_w18_small_v1.lspet_mosaic_256"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draws = np.random.default_rng(0)
    for name in ("a", "b"):
        blocks = draws.integers(0, 256, (6, 8, 3), np.uint8).repeat(16, 0).repeat(16, 1)
        write_image(folder / f"{name}.png", blocks)
    return folder


def test_segment(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "segment", str(pictures), "--model", SEGMENTATION, "--output", str(tmp_path), "--colors"]) == 0
    assert "2 pictures, written to" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}{end}" for stem in "ab" for end in (".jpg", ".json", "_labels.png", "_colors.png")
    }
    assert read_image(tmp_path / "a_labels.png").shape[:2] == (96, 128)
    assert json.loads((tmp_path / "a.json").read_text())["image_size"] == [96, 128]


def test_evaluate_and_inspect_segmentation(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    for name in ("a", "b"):
        write_image(labels / f"{name}.png", np.full((96, 128), 3, np.uint8))
    common = ["--images", str(pictures), "--labels", str(labels), "--classes", "camvid"]
    assert main(["evaluate", "segment", *common, "--model", SEGMENTATION, "--output", str(tmp_path / "out")]) == 0
    assert "mIoU" in capsys.readouterr().out
    assert (tmp_path / "out" / "confusion.csv").exists()
    # Ten of the eleven classes are empty, which is worth a word.
    assert main(["inspect", str(pictures), "--labels", str(labels), "--classes", "camvid"]) in (0, 1)
    assert "bicyclist" in capsys.readouterr().out


def test_faces(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "face", str(pictures / "a.png"), "--detector", "none", "--output", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "1 face in 1 picture" in shown.out
    assert len(json.loads((tmp_path / "a.json").read_text())["people"][0]["keypoints"]) == 68


def test_evaluate_faces(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = keypoint_set("300w").keypoints
    points = np.random.default_rng(1).uniform(20, 80, (68, 2))
    keypoints = [number for x, y in points for number in (float(x), float(y), 2)]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 128, "height": 96}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [20, 20, 60, 60], "area": 3600, "iscrowd": 0,
             "keypoints": keypoints, "num_keypoints": 68}
        ],
        "categories": [{"id": 1, "name": "face", "keypoints": list(names), "skeleton": []}],
    }  # fmt: skip
    (tmp_path / "faces.json").write_text(json.dumps(content))
    options = ["--annotations", str(tmp_path / "faces.json"), "--images", str(pictures), "--output", str(tmp_path / "out")]
    assert main(["evaluate", "face", *options]) == 0
    assert "NME %" in capsys.readouterr().out
    assert (tmp_path / "out" / "error_curves.png").exists()


def test_classes(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "classify", str(pictures), "--model", CLASSES, "--top", "2", "--output", str(tmp_path / "p")]) == 0
    rows = list(csv.DictReader((tmp_path / "p" / "classes.csv").read_text().splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "1", "2"]
    folders = tmp_path / "flowers"
    for name in ("daisy", "roses"):
        (folders / name).mkdir(parents=True)
        write_image(folders / name / f"{name}.png", read_image(pictures / "a.png"))
    assert main(["evaluate", "classify", "--images", str(folders), "--model", CLASSES]) == 0
    assert "top-1" in capsys.readouterr().out
    assert main(["inspect", str(folders)]) in (0, 1)
    assert "daisy" in capsys.readouterr().out


def test_features(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", str(pictures), "--output", str(tmp_path / "f.npz"), "--input-size", "64", "64"]) == 0
    assert "270 features" in capsys.readouterr().out
    with np.load(tmp_path / "f.npz") as found:
        assert found["features"].shape == (2, 270)


def test_several_people(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "pose", str(pictures), "--model", PEOPLE, "--min-score", "0", "--output", str(tmp_path)]) == 0
    assert "in 2 pictures" in capsys.readouterr().out
    assert (tmp_path / "coco_results.json").exists()
    assert main(["predict", "pose", str(pictures), "--model", PEOPLE, "--boxes", "1,2,30,40"]) == 1
    assert "boxes are for top-down models" in capsys.readouterr().err


def test_several_tasks_at_once(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = ["--model", f"people={PEOPLE}", "--model", f"street={SEGMENTATION}"]
    assert main(["predict", str(pictures / "a.png"), *models, "--output", str(tmp_path)]) == 0
    assert (tmp_path / "people" / "a.json").exists()
    assert (tmp_path / "street" / "a_labels.png").exists()


@pytest.mark.parametrize(
    ("verb", "model", "said"),
    [
        ("segment", FACES, "finds landmarks of faces, not a class for every pixel: it is for 'face', not for 'segment'"),
        ("pose", SEGMENTATION, "finds a class for every pixel, not keypoints of people"),
        ("pose", FACES, "finds landmarks of faces, not keypoints of people"),
        ("face", PEOPLE, "finds keypoints of people, not landmarks of faces"),
        ("instances", FACES, "finds landmarks of faces, not a mask for each thing"),
    ],
)
def test_a_model_of_another_task(
    verb: str, model: str, said: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", verb, str(pictures), "--model", model, "--output", str(tmp_path / "out")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
