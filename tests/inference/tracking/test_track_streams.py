"""Streams of frames: each video has its own numbers, times come from the frames, bad frames are gaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from inference.tracking.synthetic import FPS, Walker, result_of

from hrnet.errors import ImageError
from hrnet.inference.sources import Frame
from hrnet.inference.tracking import PoseSmoother, PoseTracker, track_stream
from hrnet.inference.video_input import VideoInfo
from hrnet.structures import PoseResult

PICTURE = np.zeros((720, 1280, 3), np.uint8)
WALKER = Walker((300, 100), (200, 0))
Stream = Iterator[tuple[Frame, PoseResult | None]]


def video(name: str, times: list[float], bad: tuple[int, ...] = ()) -> Stream:
    info = VideoInfo(name, Path(name), FPS, len(times))
    for number, time in enumerate(times):
        frame = Frame(PICTURE, f"{name}#{number}", number, video=info, video_index=number, time=time)
        if number in bad:
            yield Frame(None, frame.name, number, ImageError("broken"), video=info, video_index=number, time=time), None
        else:
            yield frame, result_of(WALKER.pose(time)[None])


def pictures(count: int) -> Stream:
    for number in range(count):
        yield Frame(PICTURE, f"image_{number}", number), result_of(WALKER.pose(number / 25)[None])


def numbers(stream: Stream) -> list[int | None]:
    return [None if result is None or result.track_ids is None else int(result.track_ids[0]) for _, result in stream]


def test_every_video_begins_at_one():
    def both() -> Stream:
        yield from video("a.mp4", [0.0, 0.04, 0.08])
        yield from pictures(3)
        yield from video("a.mp4", [0.0, 0.04])

    assert numbers(track_stream(both())) == [1] * 8
    assert numbers(track_stream(both(), PoseTracker(), PoseSmoother())) == [1] * 8


def test_bad_and_dropped_frames_leave_gaps():
    assert numbers(track_stream(video("a.mp4", [0.0, 0.04, 0.08, 0.12], bad=(1, 2)))) == [1, None, None, 1]
    # At 200 pixels a second somebody 300 tall is far away after 0.4 s; only the times of the frames tell.
    times = [0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.6, 0.64, 1.2]
    assert numbers(track_stream(video("a.mp4", times))) == [1] * len(times)


def test_smoothing_follows_the_times():
    raw = [result for _, result in video("a.mp4", [0.0, 0.04, 0.08])]
    smooth = [result for _, result in track_stream(video("a.mp4", [0.0, 0.04, 0.08]), smoother=PoseSmoother())]
    assert raw[2] is not None
    assert smooth[2] is not None
    lag = raw[2].keypoints[0, :, 0] - smooth[2].keypoints[0, :, 0]
    assert 0 < lag.mean() < 20


def test_a_frame_of_other_keypoints_is_an_error():
    from hrnet.data.keypoint_sets import keypoint_set

    def mixed() -> Stream:
        yield from pictures(1)
        yield Frame(PICTURE, "other", 1), result_of(np.ones((1, 14, 2)), names=keypoint_set("lsp"))

    with pytest.raises(ValueError, match="17 keypoints"):
        list(track_stream(mixed()))
