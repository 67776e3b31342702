"""Write annotated frames as an H.264 video, or as a folder of JPEG files where PyAV is not installed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from hrnet.inference.video_input import DEFAULT_FPS


class VideoOutput(Protocol):
    """Something that frames are added to, and that then is either finished or thrown away."""

    def add(self, image: np.ndarray) -> None:
        """Append one frame, (H, W, 3) RGB uint8."""
        ...

    def finish(self) -> Path:
        """Complete the output and return its path."""
        ...

    def discard(self) -> None:
        """Remove all that was written."""
        ...


def open_video_output(target: Path, fps: float | None, announce: Callable[[str], None]) -> VideoOutput:
    """Start a video at ``target`` (``.mp4``), or announce the fallback: a folder of JPEG frames beside it.

    Args:
        target: path of the video to be.
        fps: frames per second; 25 where it is not known.
        announce: called with a sentence if PyAV is missing.
    """
    try:
        import av  # noqa: F401
    except ImportError as error:
        folder = target.with_name(f"{target.stem}_frames")
        announce(
            f"{target.name} is written as JPEG frames in {folder}, since PyAV cannot be used ({error}); "
            "for H.264 video: pip install 'hrnet[video]'"
        )
        return FrameFolder(folder)
    return H264Video(target, fps or DEFAULT_FPS)


class H264Video:
    """An MP4 file (H.264, yuv420p: plays everywhere) that appears under its name when it is finished."""

    def __init__(self, target: Path, fps: float) -> None:
        self._target = target
        self._rate = Fraction(fps).limit_denominator(1001)
        self._temporary = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}.tmp{target.suffix}")
        self._container: Any = None
        self._stream: Any = None
        self._size: tuple[int, int] = (0, 0)

    def add(self, image: np.ndarray) -> None:
        import av

        try:
            if self._container is None:
                self._start(image)
            frame = av.VideoFrame.from_ndarray(self._fitted(image), format="rgb24")
            self._encode(frame.reformat(format="yuv420p"))
        except BaseException:
            self.discard()
            raise

    def finish(self) -> Path:
        if self._container is None:
            raise ValueError(f"no frame was added to {self._target}")
        try:
            self._encode(None)  # what the encoder still holds back
            container, self._container = self._container, None
            container.close()
            os.replace(self._temporary, self._target)
        except BaseException:
            self.discard()
            raise
        return self._target

    def discard(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            with suppress(Exception):  # closing writes the index, which a full disk refuses as well
                container.close()
        self._temporary.unlink(missing_ok=True)

    def _start(self, image: np.ndarray) -> None:
        import av

        height, width = image.shape[:2]
        self._size = height + height % 2, width + width % 2  # yuv420p has one colour sample for 2 x 2 pixels
        self._container = av.open(str(self._temporary), mode="w", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("h264", rate=self._rate, options={"crf": "20", "preset": "veryfast"})
        self._stream.height, self._stream.width = self._size
        self._stream.pix_fmt = "yuv420p"

    def _encode(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        missing = self._size[0] - height, self._size[1] - width
        if missing == (0, 0):
            return np.ascontiguousarray(image)
        if min(missing) >= 0 and max(missing) <= 1:
            return cv2.copyMakeBorder(image, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
        return cv2.resize(image, self._size[::-1])  # a stream may change its size midway; a file may not


class FrameFolder:
    """JPEG files ``000000.jpg``, ``000001.jpg``, ... in a folder that appears under its name when it is finished."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.tmp")
        self._count = 0

    def add(self, image: np.ndarray) -> None:
        from hrnet.drawing import encode_picture

        try:
            self._temporary.mkdir(exist_ok=True)
            (self._temporary / f"{self._count:06d}.jpg").write_bytes(encode_picture(image))
        except BaseException:
            self.discard()
            raise
        self._count += 1

    def finish(self) -> Path:
        if self._target.is_dir():  # from an earlier run
            shutil.rmtree(self._target)
        os.replace(self._temporary, self._target)
        return self._target

    def discard(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)
