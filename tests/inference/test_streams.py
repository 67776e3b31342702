"""Streams of frames: order, how many wait, errors among them, and cameras."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hrnet.errors import ImageError
from hrnet.inference.sources import Frame, open_source
from hrnet.inference.top_down import PosePredictor

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


def numbered_frames(pulled: list[int], count: int = 20) -> Iterator[Frame]:
    for number in range(count):
        pulled.append(number)
        yield Frame(PICTURE, f"frame_{number}", number)


def test_few_frames_wait_and_order_is_kept(predictor: PosePredictor) -> None:
    pulled: list[int] = []
    boxes = [[] if number % 3 == 0 else [[5, 5, 45, 50]] * (number % 7) for number in range(20)]
    most = 0
    for number, (frame, result) in enumerate(predictor.stream(numbered_frames(pulled), boxes)):
        most = max(most, len(pulled) - number)
        assert frame.index == number
        assert result is not None
        assert len(result) == len(boxes[number])
    assert number == 19
    assert most <= predictor.batch_size


def test_error_frames_keep_their_place(predictor: PosePredictor) -> None:
    def frames() -> Iterator[Frame]:
        for frame in numbered_frames([], 6):
            yield replace(frame, image=None, error=ImageError("broken")) if frame.index in (0, 3) else frame

    outcomes = list(predictor.stream(frames()))
    assert [frame.index for frame, _ in outcomes] == list(range(6))
    assert [result is None for _, result in outcomes] == [True, False, False, True, False, False]


class FakeCamera:
    """Stands in for cv2.VideoCapture; counts the frames that were read."""

    read_frames = 0

    def __init__(self, index: int) -> None:
        FakeCamera.read_frames = 0

    def isOpened(self) -> bool:
        return True

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray]:
        FakeCamera.read_frames += 1
        return FakeCamera.read_frames <= 40, PICTURE

    def release(self) -> None: ...


def test_a_camera_is_answered_at_once(predictor: PosePredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    eager = PosePredictor(predictor.task, batch_size=32)
    for number, (frame, result) in enumerate(eager.stream(open_source(0))):
        assert frame.index == number
        assert result is not None
        assert FakeCamera.read_frames <= number + 4  # this one, and those that the reading thread holds ready
        if number == 5:
            break


def test_leaving_a_stream_closes_its_source(predictor: PosePredictor) -> None:
    closed: list[bool] = []

    def frames() -> Iterator[Frame]:
        try:
            yield from numbered_frames([])
        finally:
            closed.append(True)

    stream = predictor.stream(frames())
    next(stream)
    del stream
    assert closed == [True]


def test_frames_know_their_times(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (90, 60))
    for _ in range(4):
        writer.write(PICTURE)
    writer.release()
    times = [frame.time for frame in open_source([tmp_path / "clip.avi", PICTURE])]
    assert times[:4] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert times[4] is None
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    live = [frame.time for frame in open_source(0)]
    assert len(live) == 40
    assert all(time is not None for time in live)
    assert live == sorted(live)  # pyright: ignore[reportArgumentType]


def test_times_grow_where_the_file_does_not_know_them(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(FakeCamera):
        def get(self, number: int) -> float:
            return {cv2.CAP_PROP_FPS: 20.0, cv2.CAP_PROP_FRAME_COUNT: 40.0}.get(number, 0.0)

    (tmp_path / "clip.mp4").write_bytes(b"x")
    monkeypatch.setattr(cv2, "VideoCapture", Silent)
    times = [frame.time for frame in open_source(tmp_path / "clip.mp4")]
    assert times == pytest.approx([number / 20 for number in range(40)])
