"""Sources: everything a user may give, and what is said when it is wrong."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from hrnet.errors import ImageError
from hrnet.inference.file_lists import natural_key
from hrnet.inference.read_ahead import read_ahead
from hrnet.inference.sources import open_source


def write_picture(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((12, 16, 3), value, np.uint8))
    return path


def write_video(path: Path, frames: int = 5) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 24))
    for index in range(frames):
        picture = np.zeros((24, 32, 3), np.uint8)
        picture[..., 2] = (40 * index + 20) % 256  # red in BGR
        writer.write(picture)
    writer.release()
    return path


def names(source) -> list[str]:
    return [Path(frame.name).name for frame in source]


def test_a_file_and_a_path_object(tmp_path):
    path = write_picture(tmp_path / "a[1].png", 77)
    for given in (path, str(path)):
        (frame,) = open_source(given)
        assert (frame.image == 77).all()
        assert (frame.name, frame.path, frame.index, frame.error) == (str(path), path, 0, None)


def test_a_folder_is_read_in_natural_order_without_other_files(tmp_path):
    for name in ("10.png", "2.png", "1.png", "sub/3.png", ".hidden.png"):
        write_picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    source = open_source(tmp_path)
    assert names(source) == ["1.png", "2.png", "10.png"]
    assert len(source) == 3
    assert [frame.index for frame in source] == [0, 1, 2]  # a second time
    assert not source.is_video
    assert len(open_source(tmp_path, recursive=True)) == 4


def test_patterns_and_lists(tmp_path):
    for name in ("a1.png", "a2.png", "b1.png", "deep/a3.png"):
        write_picture(tmp_path / name)
    assert names(open_source(str(tmp_path / "a*.png"))) == ["a1.png", "a2.png"]
    assert len(open_source(str(tmp_path / "**" / "*.png"))) == 4
    mixed = open_source([tmp_path / "b1.png", str(tmp_path / "a*.png"), np.zeros((4, 5, 3), np.uint8)])
    assert names(mixed) == ["b1.png", "a1.png", "a2.png", "image_3"]


def test_arrays_batches_pil_and_bytes(tmp_path):
    array = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    for given in (array, list(array)):
        frames = list(open_source(given))
        assert [frame.name for frame in frames] == ["image_0", "image_1"]
        np.testing.assert_array_equal(np.stack([np.asarray(frame.image) for frame in frames]), array)
    (frame,) = open_source(array[0], bgr=True)
    np.testing.assert_array_equal(frame.image, array[0, ..., ::-1])
    (frame,) = open_source(Image.fromarray(array[0]))
    np.testing.assert_array_equal(frame.image, array[0])
    (frame,) = open_source(write_picture(tmp_path / "a.png", 9).read_bytes())
    assert (frame.image == 9).all()


def test_one_bad_file_among_many_becomes_an_error_frame(tmp_path):
    write_picture(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    write_picture(tmp_path / "3.png")
    frames = list(open_source(tmp_path))
    assert [frame.error is None for frame in frames] == [True, False, True]
    assert isinstance(frames[1].error, ImageError)
    assert frames[1].image is None
    assert "2.png" in str(frames[1].error)
    with pytest.raises(ImageError, match=r"2\.png"):
        list(open_source(tmp_path / "2.png"))


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ("pictur.png", FileNotFoundError, "did you mean 'picture.png'"),
        ("other/x.png", FileNotFoundError, "does not exist either"),
        ("none*.png", FileNotFoundError, "nothing matches"),
        ("*.txt", FileNotFoundError, "matches no picture or video"),
        ("empty", FileNotFoundError, "holds no pictures"),
        ("outer", FileNotFoundError, "recursive"),
    ],
)
def test_missing_paths_are_explained(tmp_path, given, error, match):
    write_picture(tmp_path / "picture.png")
    write_picture(tmp_path / "outer" / "inner" / "a.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(error, match=match):
        open_source(str(tmp_path / given))


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ([], ValueError, "empty"),
        ("", FileNotFoundError, "empty"),
        ("a\0b", FileNotFoundError, "no usable path"),
        ("https://example.org/a.jpg", ValueError, "download"),
        ("camera:front", ValueError, "camera:0"),
        (-1, ValueError, "camera index"),
        (None, TypeError, "NoneType"),
        (1.5, TypeError, "float"),
        ([[1, 2]], TypeError, "list of numbers"),
    ],
)
def test_things_that_are_no_source(given, error, match):
    with pytest.raises(error, match=match):
        open_source(given)


def test_a_wrong_array_is_refused():
    with pytest.raises(ImageError):
        list(open_source(np.zeros((4, 5, 7), np.uint8)))


def test_a_video_is_read_as_rgb_frames(tmp_path):
    path = write_video(tmp_path / "clip.avi")
    source = open_source(path)
    assert (source.is_video, source.is_live, source.fps, len(source)) == (True, False, 10.0, 5)
    frames = list(source)
    assert [frame.video_index for frame in frames] == list(range(5))
    assert frames[3].name == f"{path}#3"
    assert all(frame.video is frames[0].video and frame.path == path for frame in frames)
    assert frames[4].image is not None
    assert frames[4].image[..., 0].mean() == pytest.approx(180, abs=6)
    assert frames[4].image[..., 2].mean() < 10


def test_videos_and_pictures_mix(tmp_path):
    write_picture(tmp_path / "a.png")
    write_video(tmp_path / "b.avi", 3)
    source = open_source(tmp_path)
    assert not source.is_video
    assert source.fps is None
    assert len(source) == 4
    assert [frame.video is None for frame in source] == [True, False, False, False]
    assert [frame.index for frame in source] == [0, 1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 50])
def test_a_broken_video(tmp_path, content):
    broken = tmp_path / "b.mp4"
    broken.write_bytes(content)
    with pytest.raises(ImageError, match=r"b\.mp4"):
        open_source(broken)
    write_picture(tmp_path / "a.png")
    frames = list(open_source(tmp_path))
    assert [frame.error is None for frame in frames] == [True, False]


def test_a_video_that_breaks_off_gives_its_frames_and_then_an_error(tmp_path):
    path = write_video(tmp_path / "clip.avi", 60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    *good, last = open_source(path)
    assert 10 < len(good) < 50
    assert all(frame.image is not None for frame in good)
    assert last.image is None
    assert f"breaks off after {len(good)} of 60" in str(last.error)


def test_a_missing_camera_is_an_error():
    with pytest.raises(ImageError, match="camera 63"):
        list(open_source("camera:63"))


class FakeCamera:
    """Stands in for cv2.VideoCapture: three frames, no frame count, no rate."""

    released = 0

    def __init__(self, index):
        self.left = 3

    def isOpened(self):
        return True

    def get(self, _):
        return 0.0

    def read(self):
        self.left -= 1
        return self.left >= 0, np.full((4, 6, 3), (1, 2, 3), np.uint8)

    def release(self):
        FakeCamera.released += 1


@pytest.mark.parametrize("given", [0, "camera:0"])
def test_a_camera_is_a_stream_without_length(monkeypatch, given):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    FakeCamera.released = 0
    source = open_source(given)
    assert (source.is_video, source.is_live, source.fps, source.count) == (True, True, None, None)
    with pytest.raises(TypeError, match="not known"):
        len(source)
    frames = list(source)
    assert [frame.name for frame in frames] == ["camera_0#0", "camera_0#1", "camera_0#2"]
    assert frames[0].image is not None
    assert frames[0].image[0, 0].tolist() == [3, 2, 1]
    assert frames[0].video is not None
    assert frames[0].video.path is None
    assert FakeCamera.released == 1


def test_natural_order():
    assert sorted(["b", "a10", "A2", "a1b", "7", "07x"], key=natural_key) == ["7", "07x", "a1b", "A2", "a10", "b"]


def test_read_ahead_keeps_order_and_passes_exceptions_on():
    def items():
        yield from range(20)
        raise KeyError("broken")

    stream = read_ahead(items(), 3)
    assert [next(stream) for _ in range(20)] == list(range(20))
    with pytest.raises(KeyError, match="broken"):
        next(stream)


@pytest.mark.parametrize("depth", [0, 2])
def test_leaving_early_closes_the_reader(depth):
    closed = threading.Event()

    def items():
        try:
            yield from range(10**9)
        finally:
            closed.set()

    stream = read_ahead(items(), depth)
    assert next(stream) == 0
    stream.close()
    if depth:
        assert closed.wait(5)
    assert not any(thread.name == "hrnet-read-ahead" for thread in threading.enumerate())


def test_reading_really_runs_ahead():
    fetched = threading.Semaphore(0)

    def items():
        for index in range(3):
            fetched.release()
            yield index

    stream = read_ahead(items(), 2)
    assert next(stream) == 0
    assert all(fetched.acquire(timeout=5) for _ in range(3))
    stream.close()
