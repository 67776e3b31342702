"""Pictures of every odd kind, checkpoints that do not fit, and disks that are really full."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from inference.builders import tiny_checkpoint
from PIL import Image

from hrnet.errors import CheckpointError, ImageError
from hrnet.inference.loading import load
from hrnet.inference.pose_prediction import predict_pose
from hrnet.inference.top_down import PosePredictor
from hrnet.models import build_model
from hrnet.structures import PoseResult
from hrnet.weights import save_checkpoint

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def encoded(image: Any, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind)
    return stream.getvalue()


RGB, ALPHA = Image.fromarray(PICTURE), Image.fromarray(PICTURE)
ALPHA.putalpha(128)
ODD_KINDS = {
    "CMYK": encoded(RGB.convert("CMYK"), "JPEG"),
    "palette": encoded(RGB.convert("P")),
    "16 bit": encoded(np.full((48, 64), 40000, np.uint16)),
    "grey": encoded(RGB.convert("L")),
    "grey and alpha": encoded(ALPHA.convert("LA")),
    "alpha": encoded(ALPHA),
    "one bit": encoded(RGB.convert("1")),
}


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60000 x 60000."""
    content = bytearray(encoded(RGB))
    content[16:24] = (60000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize("kind", ODD_KINDS)
def test_pictures_of_other_kinds_are_read(kind: str, predictor: PosePredictor) -> None:
    result = predictor(ODD_KINDS[kind], [[5, 5, 40, 40]])
    assert isinstance(result, PoseResult)
    assert result.image_size == (48, 64)
    assert np.isfinite(result.keypoints).all()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (encoded(RGB)[:-3000], "broken or cut off"),
        (encoded(RGB, "JPEG")[:-300], "broken or cut off"),
        (encoded(RGB)[:20], "header is broken"),
        (b"MZ\x90 a program", "expected a picture"),
        (bomb(), "larger than the limit|more than the limit"),
    ],
)
def test_what_is_no_sound_picture_is_refused(content: bytes, match: str, predictor: PosePredictor, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    for source in (tmp_path / "bad.png", content):
        with pytest.raises(ImageError, match=match):
            predictor(source)


class RunsCode:
    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def test_checkpoints_that_do_not_fit(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    card = load(checkpoint, preset="published", detector="none", device="cpu").task.card
    other_width = save_checkpoint(tmp_path / "width.safetensors", build_model("pose_hrnet_w4", 17), card)
    with pytest.raises(CheckpointError, match=r"width\.safetensors.*does not fit pose_hrnet_w18_small_v1.*pose_hrnet_w4"):
        load(other_width)
    with pytest.raises(CheckpointError, match="has 17 outputs, but the keypoint set 'lsp' has 14"):
        load(checkpoint, keypoint_set="lsp")
    torch.save({"state_dict": RunsCode()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match=r"evil\.pth"):
        load(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()
    half = tmp_path / "half.safetensors"
    half.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    with pytest.raises(CheckpointError, match="only half of it is there"):
        load(half)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where this may be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux":
        pytest.skip("needs a tmpfs")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("this user may not mount")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def run_on(disk: Path, checkpoint: Path, sources: Any) -> set[str]:
    """Predict until the disk is full; what is there then."""
    with pytest.raises(OSError, match=r"disk is full|No space left"):
        predict_pose(
            sources,
            model=checkpoint,
            output=disk / "out",
            preset="published",
            device="cpu",
            detector="none",
            boxes=[[5, 5, 40, 40]],
        )
    return {path.name for path in disk.rglob("*") if path.is_file()}


def test_pictures_on_a_full_disk(tiny_disk: Path, checkpoint: Path) -> None:
    left = run_on(tiny_disk, checkpoint, [np.tile(PICTURE, (4, 4, 1))] * 12)
    assert "image_0.jpg" in left
    assert not any(name.startswith(".") or "coco" in name for name in left)
    for path in (tiny_disk / "out").glob("*.jpg"):
        Image.open(path).load()  # whole


def test_a_video_on_a_full_disk(tiny_disk: Path, checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from hrnet.inference.video_output import H264Video

    video = H264Video(tmp_path / "clip.mp4", 10)
    for number in range(30):
        video.add(np.random.default_rng(number).integers(0, 256, (120, 160, 3), np.uint8))
    assert run_on(tiny_disk, checkpoint, video.finish()) == set()


def test_a_checkpoint_on_a_full_disk(tiny_disk: Path) -> None:
    with pytest.raises(OSError, match=r"disk is full.*net\.safetensors"):
        tiny_checkpoint(tiny_disk / "net.safetensors")
    assert list(tiny_disk.iterdir()) == []
