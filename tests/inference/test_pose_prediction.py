"""Whole runs: what is written for what is given, and what is left behind when something goes wrong."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hrnet.errors import AnnotationError, CheckpointError, ImageError
from hrnet.inference import prediction
from hrnet.inference.pose_prediction import predict_pose
from hrnet.inference.pose_writer import PoseWriter
from hrnet.structures import PoseResult

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
BOXES = [[5.0, 5, 40, 40]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sound pictures, and a truncated, an empty and a text file among them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("1.png", "3.jpg", "10.png"):
        Image.fromarray(PICTURE).save(folder / name)
    (folder / "2.jpg").write_bytes((folder / "3.jpg").read_bytes()[:400])
    (folder / "4.png").write_bytes(b"")
    (folder / "5.jpg").write_text("this is no picture")
    return folder


def run(sources: Any, checkpoint: Path, output: Path, **options: Any) -> prediction.PredictionSummary:
    return predict_pose(
        sources, model=checkpoint, output=output, **{"preset": "published", "device": "cpu", "detector": "none", **options}
    )


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_bad_files_among_good_ones(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    out = tmp_path / "out"
    summary = run(folder, checkpoint, out, on_progress=lambda done, total: steps.append((done, total)))
    assert (summary.found, summary.pictures) == (3, 3)
    assert [Path(name).name for name, _ in summary.failures] == ["2.jpg", "4.png", "5.jpg"]
    assert all(name in reason for name, reason in summary.failures)
    assert steps == [(number, 6) for number in range(1, 7)]
    expected = ["1.jpg", "1.json", "10.jpg", "10.json", "3.jpg", "3.json", "coco_images.json", "coco_results.json"]
    assert files(out) == expected
    assert sorted(path.name for path in summary.written) == expected
    result = PoseResult.from_dict(json.loads((out / "1.json").read_text()))
    assert (len(result), result.image_size, result.source) == (1, (48, 64), str(folder / "1.png"))
    rows = json.loads((out / "coco_results.json").read_text())
    assert [row["image_id"] for row in rows] == [1, 3, 10]
    assert all(len(row["keypoints"]) == 51 for row in rows)


def test_pictures_and_a_video(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from hrnet.inference.video_output import H264Video

    video = H264Video(tmp_path / "clip.mp4", 10)
    for _ in range(7):
        video.add(PICTURE)
    summary = run([video.finish(), folder / "1.png"], checkpoint, tmp_path / "out", boxes=BOXES)
    assert summary.pictures == 8
    assert files(tmp_path / "out") == ["1.jpg", "1.json", "clip.json", "clip.mp4", "coco_images.json", "coco_results.json"]
    data = json.loads((tmp_path / "out" / "clip.json").read_text())
    assert [len(frame["people"]) for frame in data["frames"]] == [1] * 7


def test_arrays_without_boxes_say_so_once(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no detectors here"))
    summary = run([PICTURE] * 6, checkpoint, tmp_path / "out", detector="auto")
    assert len([note for note in summary.notes if "each whole picture counts as one person" in note]) == 1
    summary = run([PICTURE] * 6, checkpoint, tmp_path / "out", detector="auto", boxes=BOXES)
    assert summary.notes == []


def test_nobody_anywhere(checkpoint: Path, tmp_path: Path) -> None:
    summary = run([PICTURE, PICTURE], checkpoint, tmp_path / "out", boxes=[])
    assert (summary.found, summary.pictures) == (0, 2)
    assert json.loads((tmp_path / "out" / "coco_results.json").read_text()) == []
    assert (tmp_path / "out" / "image_0.jpg").is_file()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"sources": "nowhere.jpg"}, FileNotFoundError, r"nowhere\.jpg"),
        ({"sources": b"no picture"}, ImageError, "expected a picture"),
        ({"model": "missing.safetensors"}, FileNotFoundError, r"missing\.safetensors"),
        ({"model": __file__}, CheckpointError, "no checkpoint"),
        ({"boxes": "missing.json"}, FileNotFoundError, r"missing\.json"),
        ({"boxes": __file__}, AnnotationError, "no JSON"),
        ({"boxes": [[[1, 2, 3, 4]]] * 2}, ValueError, "2 lists for 1 pictures"),
        ({"boxes": [[30, 30, 20, 20]]}, ValueError, "image_0: box 0 .*reversed"),
        ({"preset": "quick"}, ValueError, "quick"),
    ],
)
def test_mistakes_leave_nothing(
    options: dict[str, Any], error: type[Exception], match: str, checkpoint: Path, tmp_path: Path
) -> None:
    given = {"sources": [PICTURE], "model": checkpoint, "preset": "published", "device": "cpu", "detector": "none", **options}
    with pytest.raises(error, match=match):
        predict_pose(**given, output=tmp_path / "out")
    assert files(tmp_path) == []


def test_a_folder_that_was_there_stays(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="reversed"):
        run([PICTURE], checkpoint, tmp_path, boxes=[[30, 30, 20, 20]])
    assert tmp_path.is_dir()


def test_an_output_that_is_a_file(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(NotADirectoryError, match="output folder"):
        run([PICTURE], checkpoint, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_an_output_that_cannot_be_written(checkpoint: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="output folder"):
        run([PICTURE], checkpoint, tmp_path / "out")


def test_an_interrupted_run_keeps_what_was_done(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = PoseWriter.write

    def interrupted(self: PoseWriter, frame: Any, result: PoseResult) -> None:
        if frame.index == 2:
            raise KeyboardInterrupt
        write(self, frame, result)

    monkeypatch.setattr(PoseWriter, "write", interrupted)
    summary = run([PICTURE] * 4, checkpoint, tmp_path / "out")
    assert summary.pictures == 2
    assert any("interrupted after 2 pictures" in note for note in summary.notes)
    assert len(json.loads((tmp_path / "out" / "coco_results.json").read_text())) == 2


def test_a_disk_that_fills_up(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = iter([True, True, False])

    def fill_up(_: int) -> None:
        if not next(room):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(OSError, match=r"disk is full.*image_1\.jpg"):
        run([PICTURE] * 3, checkpoint, tmp_path / "out")
    assert files(tmp_path / "out") == ["image_0.jpg", "image_0.json"]
