"""Writers: files, names, ids, and that nothing partial is left behind."""

import builtins
import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrnet.inference.pose_writer import PoseWriter
from hrnet.inference.sources import Frame
from hrnet.inference.video_input import VideoInfo
from hrnet.structures import KeypointSet, PoseResult

SET = KeypointSet("two", ("left", "right"), (1, 0), ((0, 1),))
IMAGE = np.full((41, 33, 3), 120, np.uint8)  # odd sides: video pads them
COCO_FILES = ("coco_images.json", "coco_results.json")


def write_all(folder: Path, frames: list[Frame], then: BaseException | None = None) -> None:
    with PoseWriter(folder) as writer:
        for frame in frames:
            writer.write(frame, result())
        if then is not None:
            raise then


def result(people: int = 1) -> PoseResult:
    points = np.tile([[5.0, 5.0], [25.0, 30.0]], (people, 1, 1))
    boxes, ones = np.tile([0.0, 0, 33, 41], (people, 1)), np.ones(people)
    return PoseResult(points, np.ones((people, 2)), boxes, ones, ones, SET, (41, 33))


def picture(path: str) -> Frame:
    return Frame(IMAGE, path, 0, path=Path(path))


def video_frames(count: int, name: str = "clip.mp4") -> list[Frame]:
    info = VideoInfo(name, Path(name), 10.0, count)
    return [Frame(IMAGE, f"{name}#{i}", i, path=Path(name), video=info, video_index=i) for i in range(count)]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_pictures_json_and_coco(tmp_path):
    with PoseWriter(tmp_path / "new" / "out") as writer:
        writer.write(picture("000000000139.jpg"), result(2))
        writer.write(picture("285.png"), result(0))
    out = tmp_path / "new" / "out"
    assert files(out) == [
        *("000000000139.jpg", "000000000139.json", "285.jpg", "285.json"),
        *COCO_FILES,
    ]
    assert len(writer.written) == 6
    rows = json.loads((out / "coco_results.json").read_text())
    assert [row["image_id"] for row in rows] == [139, 139]
    images = json.loads((out / "coco_images.json").read_text())["images"]
    assert [image["id"] for image in images] == [139, 285]
    assert images[1] == {"id": 285, "file_name": "285.png", "width": 33, "height": 41}
    assert len(PoseResult.from_dict(json.loads((out / "000000000139.json").read_text()))) == 2
    drawn = cv2.imread(str(out / "000000000139.jpg"))
    assert drawn is not None
    assert drawn.shape == IMAGE.shape


def test_the_same_name_never_overwrites(tmp_path):
    with PoseWriter(tmp_path, save_images=False) as writer:
        for path in ("a/1.jpg", "b/1.jpg", "c/1.PNG", "x.jpg", "X.jpg", "coco_results.jpg", "5.jpg"):
            writer.write(picture(path), result())
    assert files(tmp_path) == sorted(
        ["1.json", "1-2.json", "1-3.json", "x.json", "X-2.json", "coco_results-2.json", "5.json", *COCO_FILES]
    )
    images = json.loads((tmp_path / "coco_images.json").read_text())["images"]
    assert [image["id"] for image in images] == [1, 2, 3, 4, 6, 7, 5]
    assert images[1]["file_name"] == "b/1.jpg"


def test_odd_names_stay_in_the_folder(tmp_path):
    with PoseWriter(tmp_path / "out", save_images=False, coco=False) as writer:
        for name in ("../../evil", "a:b?c", "..", "", "é" * 400):
            writer.write(Frame(IMAGE, name, 0), result())
    assert len(files(tmp_path / "out")) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_video_becomes_h264_and_one_json(tmp_path):
    pytest.importorskip("av")
    with PoseWriter(tmp_path) as writer:
        for frame in video_frames(6):
            writer.write(frame, result())
        writer.write(picture("still.jpg"), result())
        for frame in video_frames(2):  # another video of the same name
            writer.write(frame, result(0))
    assert files(tmp_path) == sorted(
        ["clip.mp4", "clip.json", "clip-2.mp4", "clip-2.json", "still.jpg", "still.json", *COCO_FILES]
    )
    import av

    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, float(stream.average_rate or 0)) == (34, 42, 10.0)
        assert sum(1 for _ in container.decode(stream)) == 6
    data = json.loads((tmp_path / "clip.json").read_text())
    assert [frame["frame"] for frame in data["frames"]] == list(range(6))
    assert len(PoseResult.from_dict({**data["frames"][0], "keypoint_set": data["keypoint_set"]})) == 1


def test_without_pyav_frames_are_written_and_this_is_announced(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without_av(name, *args, **kwargs):
        if name == "av":
            raise ImportError("No module named 'av'")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    said: list[str] = []
    for _ in range(2):  # the second run replaces the folder of the first
        with PoseWriter(tmp_path, coco=False, save_json=False, announce=said.append) as writer:
            for frame in video_frames(3):
                writer.write(frame, result())
    assert files(tmp_path) == [f"clip_frames/{index:06d}.jpg" for index in range(3)]
    assert len(said) == 2
    assert "hrnet[video]" in said[0]


def test_an_exception_leaves_no_unfinished_video(tmp_path):
    pytest.importorskip("av")

    with pytest.raises(RuntimeError, match="stop"):
        write_all(tmp_path, [picture("done.jpg"), *video_frames(2)], RuntimeError("stop"))
    assert files(tmp_path) == ["done.jpg", "done.json"]


def test_a_full_disk_leaves_nothing_partial(tmp_path, monkeypatch):
    room = iter([True, True, False])

    def fill_up(_):
        if not next(room):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(OSError, match=r"disk is full.*2\.jpg"):
        write_all(tmp_path, [picture("1.jpg"), picture("2.jpg")])
    assert files(tmp_path) == ["1.jpg", "1.json"]


@pytest.mark.parametrize("when", ["add", "finish"])
def test_a_disk_that_fills_during_a_video_leaves_nothing(tmp_path, monkeypatch, when):
    pytest.importorskip("av")
    from hrnet.inference.video_output import H264Video

    encode = H264Video._encode

    def full(self, frame):
        if (frame is None) == (when == "finish"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        encode(self, frame)

    monkeypatch.setattr(H264Video, "_encode", full)
    with pytest.raises(OSError, match="No space"):
        write_all(tmp_path, video_frames(3))
    assert files(tmp_path) == []


def test_an_unusable_folder_is_reported_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError, match="output folder"):
            PoseWriter(folder)

    def refuse(self, data):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(PermissionError, match=r"output folder.*Permission denied"):
        PoseWriter(tmp_path)


def test_a_frame_without_a_picture_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no picture"), PoseWriter(tmp_path) as writer:
        writer.write(Frame(None, "bad.jpg", 0), result())


def test_a_tracked_video_has_a_posetrack_file(tmp_path):
    with PoseWriter(tmp_path, save_images=False, coco=False) as writer:
        for frame in video_frames(3):
            writer.write(frame, replace(result(2), track_ids=np.array([4, -1])))
        for frame in video_frames(2, "untracked.mp4"):
            writer.write(frame, result())
    assert files(tmp_path) == ["clip.json", "clip_posetrack.json", "untracked.json"]
    data = json.loads((tmp_path / "clip_posetrack.json").read_text())
    assert [(row["image_id"], row["track_id"]) for row in data["annotations"]] == [(0, 4), (1, 4), (2, 4)]
    frames = json.loads((tmp_path / "clip.json").read_text())["frames"]
    assert [person["track_id"] for person in frames[2]["people"]] == [4, -1]
