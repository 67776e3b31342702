"""Read video files and cameras frame by frame with OpenCV, as RGB pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hrnet.errors import ImageError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".ts")
DEFAULT_FPS = 25.0


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video or a camera.

    Attributes:
        name: name for messages and outputs, such as ``"clip.mp4"`` or ``"camera_0"``.
        path: the file, None for a camera.
        fps: frames per second, None where the container or the camera does not say.
        frame_count: number of frames as the container states it, None where it does not (always for a camera).
    """

    name: str
    path: Path | None
    fps: float | None
    frame_count: int | None


def probe_video(path: Path, name: str | None = None) -> VideoInfo:
    """Open a video file for a moment and return what it says of itself. Raises ImageError if it cannot be opened."""
    with _capture(path) as capture:
        return _info(capture, name or path.name, path)


def read_video(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the frames of a video file: the time in seconds, which always grows, and (H, W, 3) RGB uint8, turned upright.

    Raises:
        ImageError: it cannot be opened, holds no frame that can be decoded, or ends well before its stated length (then
            after the frames that could be read).
    """
    with _capture(path) as capture:
        info = _info(capture, path.name, path)
        stated, count, last = info.frame_count, 0, -np.inf
        step = 1 / (info.fps or DEFAULT_FPS)
        for frame in _frames(capture):
            shown = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000  # frames are not always evenly spaced
            last = shown if np.isfinite(shown) and shown > last else max(0.0, last + step)
            yield last, frame
            count += 1
    if count == 0:
        raise ImageError(f"{path}: the video holds no frame that can be decoded")
    # Containers often state a few frames more than there are.
    if stated is not None and count < stated - max(3, 0.05 * stated):
        raise ImageError(f"{path}: the video breaks off after {count} of {stated} frames; it is damaged or incomplete")


@contextmanager
def open_camera(index: int) -> Iterator[tuple[VideoInfo, Iterator[tuple[float, np.ndarray]]]]:
    """Give a camera's description and its endless frames: seconds since it was opened, and (H, W, 3) RGB uint8.

    Raises:
        ImageError: there is no such camera.
    """
    with _capture(index) as capture:
        opened = time.perf_counter()
        yield _info(capture, f"camera_{index}", None), ((time.perf_counter() - opened, image) for image in _frames(capture))


@contextmanager
def _capture(source: Path | int) -> Iterator[cv2.VideoCapture]:
    if isinstance(source, Path) and source.stat().st_size == 0:
        raise ImageError(f"{source}: the video file is empty (0 bytes)")
    capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
    try:
        if not capture.isOpened():
            if isinstance(source, int):
                raise ImageError(f"camera {source} cannot be opened: is it connected, free, and allowed for this program?")
            raise ImageError(f"{source}: cannot be opened as a video: broken, incomplete, or of a kind OpenCV does not know")
        yield capture
    finally:
        capture.release()


def _frames(capture: cv2.VideoCapture) -> Iterator[np.ndarray]:
    while True:
        done, frame = capture.read()
        if not done or frame is None:
            return
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _info(capture: cv2.VideoCapture, name: str, path: Path | None) -> VideoInfo:
    fps, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    usable_fps = float(fps) if np.isfinite(fps) and 0 < fps <= 1000 else None
    usable_count = int(count) if path is not None and np.isfinite(count) and 0 < count < 2**31 else None
    return VideoInfo(name, path, usable_fps, usable_count)
