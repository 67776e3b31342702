"""Write results as they come: annotated pictures and videos, JSON, and COCO's results format."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hrnet.atomic_files import write_atomically
from hrnet.drawing import encode_picture
from hrnet.inference.sources import Frame
from hrnet.inference.video_input import VideoInfo
from hrnet.inference.video_output import VideoOutput, open_video_output
from hrnet.structures import PoseResult
from hrnet.structures.pose_formats import results_to_posetrack

COCO_RESULTS, COCO_IMAGES = "coco_results.json", "coco_images.json"
_MAX_STEM = 120  # file systems end at 255 bytes, of which UTF-8 may use four for a character


class PoseWriter:
    """Writes the results of a run into a folder; use it as a context manager.

    Per picture ``<stem>.jpg`` (annotated) and ``<stem>.json``; per video ``<stem>.mp4`` and one ``<stem>.json`` with all
    frames, and ``<stem>_posetrack.json`` where people were tracked; at the end ``coco_results.json`` and ``coco_images.json``,
    which says which picture each image id is: the stem where it is a number (``000000000139.jpg`` is 139, as in COCO), running
    numbers otherwise. Pictures of the same name from different folders get ``-2``, ``-3`` and so on; files of an earlier run
    are replaced.

    Each file is written whole or not at all. If the ``with`` block ends with an exception, finished files stay; an unfinished
    video and the COCO files are not written, and a folder that was made for nothing is removed. To keep what a stopped camera
    gave, catch KeyboardInterrupt inside the block.

    Args:
        output_dir: folder, made if it is missing.
        save_images: write annotated pictures and videos.
        save_json: write JSON per picture or video.
        coco: write the COCO files.
        threshold: smallest keypoint score that is drawn.
        boxes: draw the boxes as well.
        announce: called with a sentence on fallbacks; by default they are logged as warnings.

    Raises:
        OSError: the folder cannot be made or written to (NotADirectoryError, PermissionError, ...), found out at once.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        save_images: bool = True,
        save_json: bool = True,
        coco: bool = True,
        threshold: float = 0.3,
        boxes: bool = False,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self._save_images, self._save_json, self._coco = save_images, save_json, coco
        self._threshold, self._boxes = threshold, boxes
        self._announce = announce or logging.getLogger(__name__).warning
        self._stems = {Path(COCO_RESULTS).stem, Path(COCO_IMAGES).stem}
        self._images: list[dict[str, Any]] = []
        self._rows: list[list[dict[str, Any]]] = []
        self._video: tuple[VideoInfo, str, VideoOutput | None] | None = None
        self._video_frames: list[dict[str, Any]] = []
        self._keypoint_set: dict[str, Any] = {}
        self._tracked: list[tuple[int, PoseResult]] = []
        self.written: list[Path] = []
        self._made_folder = not self.output_dir.exists()
        _check_writable(self.output_dir)

    def __enter__(self) -> PoseWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, frame: Frame, result: PoseResult) -> None:
        """Write what was found in one frame. Raises ValueError for a frame without a picture, OSError if it cannot be saved."""
        if frame.image is None:
            raise ValueError(f"{frame.name} has no picture to write: {frame.error}")
        if frame.video is None:
            self._end_video()
            stem = self._new_stem(frame.path.stem if frame.path else frame.name)
            if self._save_images:
                self._write_file(f"{stem}.jpg", encode_picture(self._drawn(frame, result)))
            if self._save_json:
                self._write_file(f"{stem}.json", result.to_json(indent=1) + "\n")
        else:
            self._write_video_frame(frame, frame.video, result)
        if self._coco:
            number = frame.path.stem if frame.path and frame.video is None else ""
            height, width = result.image_size
            image = {"id": number, "file_name": frame.name, "width": int(width), "height": int(height)}
            self._images.append(image)
            self._rows.append(result.to_coco(0))

    def close(self) -> None:
        """Finish the video and write the COCO files."""
        try:
            self._end_video()
            if self._coco:
                ids = _image_ids([image["id"] for image in self._images])
                images = [{**image, "id": number} for image, number in zip(self._images, ids, strict=True)]
                rows = [{**row, "image_id": number} for people, number in zip(self._rows, ids, strict=True) for row in people]
                self._write_file(COCO_RESULTS, json.dumps(rows, allow_nan=False))
                self._write_file(COCO_IMAGES, json.dumps({"images": images}, allow_nan=False))
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Throw away an unfinished video, and the folder if it is new and nothing is in it."""
        if self._video is not None and self._video[2] is not None:
            self._video[2].discard()
        self._video, self._video_frames, self._tracked = None, [], []
        if self._made_folder:
            with suppress(OSError):  # something is in it
                self.output_dir.rmdir()

    def _drawn(self, frame: Frame, result: PoseResult) -> np.ndarray:
        return result.plot(frame.image, self._threshold, self._boxes)

    def _write_file(self, name: str, content: bytes | str) -> None:
        path = self.output_dir / name
        write_atomically(path, content)
        self.written.append(path)

    def _write_video_frame(self, frame: Frame, video: VideoInfo, result: PoseResult) -> None:
        if self._video is None or self._video[0] is not video:
            self._end_video()
            stem = self._new_stem(video.path.stem if video.path else video.name)
            target = self.output_dir / f"{stem}.mp4"
            output = open_video_output(target, video.fps, self._announce) if self._save_images else None
            self._video = video, stem, output
        output = self._video[2]
        if output is not None:
            output.add(self._drawn(frame, result))
        if self._save_json:
            data = result.to_dict()
            self._keypoint_set = data.pop("keypoint_set")  # the same for every frame: once in the file is enough
            self._video_frames.append({"frame": frame.video_index, "time": frame.time, **data})
            if result.track_ids is not None:
                self._tracked.append((frame.video_index, replace(result, image=None)))

    def _end_video(self) -> None:
        if self._video is None:
            return
        video, stem, output = self._video
        if output is not None:
            self.written.append(output.finish())
        if self._save_json:
            data = {"video": video.name, "fps": video.fps, "keypoint_set": self._keypoint_set, "frames": self._video_frames}
            self._write_file(f"{stem}.json", json.dumps(data, allow_nan=False))
        if self._tracked:
            data = results_to_posetrack(self._tracked, video.name)
            self._write_file(f"{self._new_stem(f'{stem}_posetrack')}.json", json.dumps(data, allow_nan=False))
        self._video, self._video_frames, self._tracked = None, [], []

    def _new_stem(self, wanted: str) -> str:
        """A file name without suffix that this run has not used, on file systems that ignore case as well."""
        base = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", wanted).strip(" .")
        base = base.encode()[:_MAX_STEM].decode(errors="ignore") or "image"
        stem, number = base, 1
        while stem.casefold() in self._stems:
            number += 1
            stem = f"{base}-{number}"
        self._stems.add(stem.casefold())
        return stem


def _image_ids(stems: list[str]) -> list[int]:
    """COCO image ids: the number where a stem is one and is not taken yet, otherwise the next free running number."""
    numbers = [int(stem) if stem.isascii() and stem.isdigit() and len(stem) <= 18 else None for stem in stems]
    reserved = {number for number in numbers if number is not None}
    taken: set[int] = set()
    running, ids = 1, []
    for number in numbers:
        if number is None or number in taken:
            while running in reserved:
                running += 1
            number = running
            reserved.add(number)
        taken.add(number)
        ids.append(number)
    return ids


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
