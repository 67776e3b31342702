"""Track the people of a stream of frames, each video on its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hrnet.inference.sources import Frame
from hrnet.inference.tracking.smoothing import PoseSmoother
from hrnet.inference.tracking.tracker import PoseTracker
from hrnet.inference.video_input import DEFAULT_FPS, VideoInfo
from hrnet.structures import PoseResult


def track_stream(
    stream: Iterable[tuple[Frame, PoseResult | None]], tracker: PoseTracker | None = None, smoother: PoseSmoother | None = None
) -> Iterator[tuple[Frame, PoseResult | None]]:
    """Yield frames and results as they come, with ``track_ids``, and smooth where a smoother is given.

    Every video and camera has its own numbers, from 1; pictures between them count as one video of 25 frames per second.
    Times are those of the frames, so frames that were dropped or could not be read only leave a gap.

    Args:
        stream: as `hrnet.inference.top_down.PosePredictor.stream` gives it.
        tracker: with settings of its own; it is reset at the start of each video, as the smoother is.
    """
    tracker = tracker or PoseTracker()
    video: VideoInfo | None = None
    first = True
    for frame, result in stream:
        if first or frame.video is not video:
            tracker.reset()
            if smoother is not None:
                smoother.reset()
            video, first = frame.video, False
        if result is not None:
            time = frame.index / DEFAULT_FPS if frame.time is None else frame.time
            result = tracker.update(result, time)
            if smoother is not None:
                result = smoother.update(result, time)
        yield frame, result
