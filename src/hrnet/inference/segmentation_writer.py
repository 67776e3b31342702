"""Write segmentations: annotated pictures, JSON, and class maps as PNG files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import numpy as np

from hrnet.data.label_encodings import LabelEncoding, label_encoding
from hrnet.inference.result_writer import Files, ResultWriter
from hrnet.inference.sources import Frame
from hrnet.structures.class_set import ClassSet
from hrnet.structures.segmentation_result import SegmentationResult


class SegmentationWriter(ResultWriter[SegmentationResult]):
    """A `ResultWriter` for segmentations.

    Writes besides ``<stem>_labels.png``, whose pixel values are class indices (or the ids of the data set's own label files),
    and ``<stem>_colors.png``, every class in its colour. Frames of videos get them with ``_000012`` before the ending.

    Args:
        output_dir, save_images, save_json, announce: see `ResultWriter`.
        labels: write class maps.
        colors: write colour pictures.
        encoding: of the label files, one of `hrnet.data.label_encodings.list_encodings`, such as ``label_ids`` of Cityscapes.
        opacity: of the colours in annotated pictures, 0..1.
    """

    same_in_all_frames = ("class_set",)

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        save_images: bool = True,
        save_json: bool = True,
        labels: bool = True,
        colors: bool = False,
        encoding: str = "classes",
        opacity: float = 0.6,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        if not 0 <= opacity <= 1:
            raise ValueError(f"opacity must lie in 0..1, got {opacity}")
        super().__init__(output_dir, save_images, save_json, announce)
        self._labels, self._colors, self._encoding, self._opacity = labels, colors, encoding, opacity

    def draw(self, frame: Frame, result: SegmentationResult) -> np.ndarray:
        return result.plot(frame.image, self._opacity)

    def picture_files(self, stem: str, frame: Frame, result: SegmentationResult) -> Files:
        base = stem if frame.video is None else f"{stem}_{frame.video_index:06d}"
        files: dict[str, bytes | str] = {}
        if self._labels:
            values = None if self._encoding == "classes" else label_values(result.class_set, self._encoding)
            files[f"{base}_labels.png"] = result.label_png(values)
        if self._colors:
            files[f"{base}_colors.png"] = result.color_png()
        return files


def label_values(class_set: ClassSet, encoding: str) -> Mapping[int, int]:
    """The value of each class in label files of an encoding.

    Raises:
        ValueError: the class set has no such encoding (the message names the nearest), or it is by colour.
    """
    found = label_encoding(class_set, encoding)
    if not isinstance(found, LabelEncoding):
        raise ValueError(f"{encoding!r} has no value per class; write colour pictures instead (colors=True)")
    # The first value of several that mean one class.
    return {index: value for value, index in reversed(list(found.values.items())) if index is not None}
