"""Write results as they come: annotated pictures and videos, and JSON; each task adds its own files."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import numpy as np

from hrnet.atomic_files import write_atomically
from hrnet.drawing import encode_picture
from hrnet.inference.picture_predictor import Result
from hrnet.inference.sources import Frame
from hrnet.inference.video_input import VideoInfo
from hrnet.inference.video_output import VideoOutput, open_video_output

_MAX_STEM = 120  # file systems end at 255 bytes, of which UTF-8 may use four for a character

ResultT = TypeVar("ResultT", bound=Result)
Files = Mapping[str, "bytes | str"]
"""Names of files with their content."""


class ResultWriter(Generic[ResultT]):
    """Writes the results of a run into a folder; use it as a context manager.

    Per picture ``<stem>.jpg`` (annotated) and ``<stem>.json``; per video ``<stem>.mp4`` and one ``<stem>.json`` with all
    frames. Pictures of the same name from different folders get ``-2``, ``-3`` and so on; files of an earlier run are
    replaced. What a task writes beside these it adds in the methods `draw`, `picture_files`, `video_files` and `run_files`.

    Each file is written whole or not at all. If the ``with`` block ends with an exception, finished files stay; an unfinished
    video and the files of the run are not written, and a folder that was made for nothing is removed. To keep what a stopped
    camera gave, catch KeyboardInterrupt inside the block.

    Args:
        output_dir: folder, made if it is missing.
        save_images: write annotated pictures and videos.
        save_json: write JSON per picture or video.
        announce: called with a sentence on fallbacks; by default they are logged as warnings.

    Attributes:
        same_in_all_frames: keys of the JSON that stand in a video's file once.
        reserved_stems: of files of the run, which no picture may take.
        written: the files so far.

    Raises:
        OSError: the folder cannot be made or written to (NotADirectoryError, PermissionError, ...), found out at once.
    """

    same_in_all_frames: tuple[str, ...] = ()
    reserved_stems: tuple[str, ...] = ()

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        save_images: bool = True,
        save_json: bool = True,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self._save_images, self._save_json = save_images, save_json
        self._announce = announce or logging.getLogger(__name__).warning
        self._stems = set(self.reserved_stems)
        self._video: tuple[VideoInfo, str, VideoOutput | None] | None = None
        self._video_frames: list[dict[str, Any]] = []
        self._shared: dict[str, Any] = {}
        self.written: list[Path] = []
        self._made_folder = not self.output_dir.exists()
        _check_writable(self.output_dir)

    def draw(self, frame: Frame, result: ResultT) -> np.ndarray:
        """The annotated picture of a frame."""
        return result.plot(frame.image)

    def picture_files(self, stem: str, frame: Frame, result: ResultT) -> Files:
        """What else is written for a picture; called for frames of videos as well, with their video's stem."""
        return {}

    def video_files(self, stem: str, video: VideoInfo) -> Files:
        """What else is written for a video that has ended."""
        return {}

    def run_files(self) -> Files:
        """What is written at the end."""
        return {}

    def __enter__(self) -> ResultWriter[ResultT]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, frame: Frame, result: ResultT) -> None:
        """Write what was found in one frame. Raises ValueError for a frame without a picture, OSError if it cannot be saved."""
        if frame.image is None:
            raise ValueError(f"{frame.name} has no picture to write: {frame.error}")
        if frame.video is None:
            self._end_video()
            stem = self.new_stem(frame.path.stem if frame.path else frame.name)
            if self._save_images:
                self._write_file(f"{stem}.jpg", encode_picture(self.draw(frame, result)))
            if self._save_json:
                self._write_file(f"{stem}.json", result.to_json(indent=1) + "\n")
        else:
            stem = self._write_video_frame(frame, frame.video, result)
        self._write_files(self.picture_files(stem, frame, result))

    def close(self) -> None:
        """Finish the video and write the files of the run."""
        try:
            self._end_video()
            self._write_files(self.run_files())
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Throw away an unfinished video, and the folder if it is new and nothing is in it."""
        if self._video is not None and self._video[2] is not None:
            self._video[2].discard()
        self._video, self._video_frames = None, []
        if self._made_folder:
            with suppress(OSError):  # something is in it
                self.output_dir.rmdir()

    def new_stem(self, wanted: str) -> str:
        """A file name without suffix that this run has not used, on file systems that ignore case as well."""
        base = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", wanted).strip(" .")
        base = base.encode()[:_MAX_STEM].decode(errors="ignore") or "image"
        stem, number = base, 1
        while stem.casefold() in self._stems:
            number += 1
            stem = f"{base}-{number}"
        self._stems.add(stem.casefold())
        return stem

    def _write_files(self, contents: Files) -> None:
        for name, content in contents.items():
            self._write_file(name, content)

    def _write_file(self, name: str, content: bytes | str) -> None:
        path = self.output_dir / name
        write_atomically(path, content)
        self.written.append(path)

    def _write_video_frame(self, frame: Frame, video: VideoInfo, result: ResultT) -> str:
        if self._video is None or self._video[0] is not video:
            self._end_video()
            stem = self.new_stem(video.path.stem if video.path else video.name)
            target = self.output_dir / f"{stem}.mp4"
            output = open_video_output(target, video.fps, self._announce) if self._save_images else None
            self._video = video, stem, output
        _, stem, output = self._video
        if output is not None:
            output.add(self.draw(frame, result))
        if self._save_json:
            data = result.to_dict()
            self._shared = {key: data.pop(key) for key in self.same_in_all_frames}
            self._video_frames.append({"frame": frame.video_index, "time": frame.time, **data})
        return stem

    def _end_video(self) -> None:
        if self._video is None:
            return
        video, stem, output = self._video
        if output is not None:
            self.written.append(output.finish())
        if self._save_json:
            data = {"video": video.name, "fps": video.fps, **self._shared, "frames": self._video_frames}
            self._write_file(f"{stem}.json", json.dumps(data, allow_nan=False))
        self._write_files(self.video_files(stem, video))
        self._video, self._video_frames = None, []


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".hrnet-write-test-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            message = "cannot write results to the output folder: it, or a part of its path, is a file and no folder"
            raise NotADirectoryError(errno.ENOTDIR, message, str(folder)) from error
        message = f"cannot write results to the output folder: {error.strerror or error}"
        raise OSError(error.errno, message, str(folder)) from error
