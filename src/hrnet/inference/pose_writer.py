"""Write poses: annotated pictures, JSON, COCO's results format, and PoseTrack's for people tracked in videos."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.inference.result_writer import Files, ResultWriter
from hrnet.inference.sources import Frame
from hrnet.inference.video_input import VideoInfo
from hrnet.structures import PoseResult
from hrnet.structures.pose_formats import results_to_posetrack

COCO_RESULTS, COCO_IMAGES = "coco_results.json", "coco_images.json"


class PoseWriter(ResultWriter[PoseResult]):
    """A `ResultWriter` for poses.

    Writes besides ``<stem>_posetrack.json`` for videos where people were tracked, and at the end ``coco_results.json`` and
    ``coco_images.json``, which says which picture each image id is: the stem where it is a number (``000000000139.jpg`` is
    139, as in COCO), running numbers otherwise.

    Args:
        output_dir, save_images, save_json, announce: see `ResultWriter`.
        coco: write the COCO files.
        threshold: smallest keypoint score that is drawn.
        boxes: draw the boxes as well.
    """

    same_in_all_frames = ("keypoint_set",)
    reserved_stems = (Path(COCO_RESULTS).stem, Path(COCO_IMAGES).stem)

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
        super().__init__(output_dir, save_images, save_json, announce)
        self._coco, self._threshold, self._boxes = coco, threshold, boxes
        self._images: list[dict[str, Any]] = []
        self._rows: list[list[dict[str, Any]]] = []
        self._tracked: list[tuple[int, PoseResult]] = []

    def draw(self, frame: Frame, result: PoseResult) -> np.ndarray:
        return result.plot(frame.image, self._threshold, self._boxes)

    def picture_files(self, stem: str, frame: Frame, result: PoseResult) -> Files:
        if self._coco:
            number = frame.path.stem if frame.path and frame.video is None else ""
            height, width = result.image_size
            self._images.append({"id": number, "file_name": frame.name, "width": int(width), "height": int(height)})
            self._rows.append(result.to_coco(0))
        if self._save_json and frame.video is not None and result.track_ids is not None:
            self._tracked.append((frame.video_index, replace(result, image=None)))
        return {}

    def video_files(self, stem: str, video: VideoInfo) -> Files:
        if not self._tracked:
            return {}
        data = results_to_posetrack(self._tracked, video.name)
        self._tracked = []
        return {f"{self.new_stem(f'{stem}_posetrack')}.json": json.dumps(data, allow_nan=False)}

    def run_files(self) -> Files:
        if not self._coco:
            return {}
        ids = _image_ids([image["id"] for image in self._images])
        images = [{**image, "id": number} for image, number in zip(self._images, ids, strict=True)]
        rows = [{**row, "image_id": number} for people, number in zip(self._rows, ids, strict=True) for row in people]
        return {
            COCO_RESULTS: json.dumps(rows, allow_nan=False),
            COCO_IMAGES: json.dumps({"images": images}, allow_nan=False),
        }


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
