"""The commands on real files with a tiny checkpoint: what is written, said and returned."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from inference.builders import tiny_checkpoint
from PIL import Image

from hrnet.cli import main
from hrnet.data.keypoint_sets import keypoint_set

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
COCO = keypoint_set("coco")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def write_pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.fromarray(PICTURE).save(folder / name)
    return folder


def write_dataset(folder: Path) -> tuple[Path, Path]:
    """A COCO file of three people in two pictures, and detections of them."""
    pictures = write_pictures(folder / "images", "1.png", "2.png")
    points = np.random.default_rng(1).uniform(5, 45, (3, 17, 2)).round(1)
    triples = np.concatenate([points, np.full((3, 17, 1), 2)], axis=2)
    people = [
        {"id": n, "image_id": image, "category_id": 1, "bbox": [2, 2, 50, 50], "area": 2000, "iscrowd": 0, "num_keypoints": 17}
        | {"keypoints": triples[n - 1].ravel().tolist()}
        for n, image in ((1, 1), (2, 1), (3, 2))
    ]
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 60, "width": 80} for n in (1, 2)],
        "annotations": people,
        "categories": [{"id": 1, "name": "person", "keypoints": COCO.keypoints, "skeleton": []}],
    }
    (folder / "people.json").write_text(json.dumps(content))
    found = [{"image_id": n, "category_id": 1, "bbox": [2, 2, 50, 50], "score": 0.5} for n in (1, 2)]
    (folder / "found.json").write_text(json.dumps(found))
    return folder / "people.json", pictures


def predict(checkpoint: Path, output: Path, *tokens: object) -> int:
    fixed = ["--model", checkpoint, "--output", output, "--device", "cpu", "--detector", "none"]
    return main(["predict", "pose", *map(str, [*tokens, *fixed])])


def test_predict_a_picture(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_pictures(tmp_path / "in", "a.png") / "a.png"
    assert predict(checkpoint, tmp_path / "out", path, "--boxes", "5,5,40,50", "--boxes", "-3,0,30,40.5") == 0
    assert "2 people in 1 picture, " in capsys.readouterr().out
    people = json.loads((tmp_path / "out" / "a.json").read_text())["people"]
    assert [person["box"] for person in people] == [[5, 5, 40, 50], [-3, 0, 30, 40.5]]
    drawn = cv2.imread(str(tmp_path / "out" / "a.jpg"))
    assert drawn is not None
    assert drawn.shape == PICTURE.shape


def test_predict_a_folder_with_a_bad_file(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "in", "1.png", "2.png", "4.png")
    (folder / "3.png").write_bytes((folder / "1.png").read_bytes()[:500])
    (tmp_path / "boxes.json").write_text(json.dumps([{"image_id": 2, "category_id": 1, "bbox": [5, 5, 40, 40], "score": 0.5}]))
    assert predict(checkpoint, tmp_path / "out", folder, "--boxes", tmp_path / "boxes.json") == 1
    out, err = capsys.readouterr()
    assert "1 person in 3 pictures" in out
    assert "1 failed:" in err
    assert "3.png: the picture is broken or cut off" in err
    assert "does not name" in err
    rows = json.loads((tmp_path / "out" / "coco_results.json").read_text())
    assert [row["image_id"] for row in rows] == [2]
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"1", "2", "4", "coco_results", "coco_images"}


def test_predict_a_video(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (80, 60))
    for _ in range(6):
        writer.write(PICTURE)
    writer.release()
    assert predict(checkpoint, tmp_path / "out", tmp_path / "clip.avi", "--preset", "fast") == 0
    assert (tmp_path / "out" / "clip.mp4").stat().st_size > 0
    assert len(json.loads((tmp_path / "out" / "clip.json").read_text())["frames"]) == 6


def test_predict_a_tracked_video(checkpoint: Path, tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (80, 60))
    for _ in range(4):
        writer.write(PICTURE)
    writer.release()
    options = ("--boxes", "5,5,40,50", "--track", "--smooth")
    assert predict(checkpoint, tmp_path / "out", tmp_path / "clip.avi", *options) == 0
    frames = json.loads((tmp_path / "out" / "clip.json").read_text())["frames"]
    assert all(isinstance(frame["people"][0]["track_id"], int) for frame in frames)
    assert [frame["time"] for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])
    data = json.loads((tmp_path / "out" / "clip_posetrack.json").read_text())
    assert len(data["images"]) == 4


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["missing.jpg"], "missing.jpg does not exist"),
        (["a.png", "--boxes", "9,9,2,2"], "a.png: box 0 (9, 9, 2, 2) has its corners reversed"),
        (["a.png", "--boxes", "found.json"], "found.json"),
        (["a.png", "--batch-size", "0"], "batch_size must be at least 1"),
        (["a.png", "--device", "cuda:99"], "device must be auto, cpu"),
    ],
)
def test_predict_mistakes(
    tokens: list[str],
    said: str,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(write_pictures(tmp_path / "in", "a.png"))
    tokens = [*tokens, "--model", str(checkpoint), "--output", "out", "--detector", "none"]
    assert main(["predict", "pose", *tokens]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.parametrize("boxes", ["annotated", "detected"])
def test_evaluate(boxes: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("faster_coco_eval")
    annotations, pictures = write_dataset(tmp_path)
    options = ["--model", checkpoint, "--annotations", annotations, "--images", pictures, "--output", tmp_path / "out"]
    options += (
        ["--boxes", tmp_path / "found.json"] if boxes == "detected" else ["--metrics", "ap", "pck", "nme", "--nms", "none"]
    )
    assert main(["evaluate", "pose", *map(str, options), "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    numbers = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert 0 <= numbers["metrics"]["ap"]["AP"] <= 1
    if boxes == "detected":
        assert f"boxes: detections of {tmp_path / 'found.json'} (2 boxes, not clipped)" in shown
        assert list(numbers["metrics"]) == ["ap"]
    else:
        assert "boxes: ground truth (3 annotated people)" in shown
        assert list(numbers["metrics"]) == ["ap", "pck", "nme"]
        assert "left_wrist" in shown
    assert numbers["people"] == len(json.loads((tmp_path / "out" / "detections.json").read_text()))


def test_evaluate_with_other_keypoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tiny_checkpoint(tmp_path / "lsp.safetensors", "lsp")
    annotations, pictures = write_dataset(tmp_path)
    options = ["--model", other, "--annotations", annotations, "--images", pictures, "--device", "cpu"]
    assert main(["evaluate", "pose", *map(str, options)]) == 1
    assert "14 keypoints (lsp)" in capsys.readouterr().err


def test_inspect_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations, _ = write_dataset(tmp_path)
    assert main(["inspect", str(annotations), "--sheet", str(tmp_path / "sheet.jpg")]) == 0
    out = capsys.readouterr().out
    assert "3 in 2 pictures" in out
    assert "1 picture repeats another" in out
    assert cv2.imread(str(tmp_path / "sheet.jpg")) is not None
    assert main(["inspect", str(annotations), "--against", str(annotations)]) == 1
    assert "the same as" in capsys.readouterr().out


def test_inspect_annotations_with_missing_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.json").write_text('{"images": [], "annotations": []}')
    assert main(["inspect", str(tmp_path / "broken.json"), "--images", str(tmp_path)]) == 1
    assert "'categories'" in capsys.readouterr().err


def test_inspect_a_checkpoint(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(checkpoint)]) == 0
    shown = capsys.readouterr().out
    assert "pose_hrnet_w18_small_v1" in shown
    assert "17 (coco)" in shown
    half = tmp_path / "half.safetensors"
    half.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    assert main(["inspect", str(half)]) == 1
    assert "only half of it is there" in capsys.readouterr().err


def test_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--macs", "64x64"]) == 0
    shown = capsys.readouterr().out
    assert "pose_hrnet_w32" in shown
    assert "28.54 M" in shown
    assert "0.64 G" in shown  # 7.645 G at 256x192, of which this is the twelfth part
