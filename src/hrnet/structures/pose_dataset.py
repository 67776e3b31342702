"""Annotated people: what every pose parser produces, and what training and evaluation read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hrnet.structures.keypoint_set import KeypointSet


@dataclass(frozen=True)
class PersonRecord:
    """One annotated person of a data set: what every pose parser produces and training and evaluation read.

    Attributes:
        image: path of the picture.
        image_id: identity of the picture in its annotation file.
        annotation_id: identity of the person in its annotation file.
        box: (4,) float64 xyxy pixels, as the data set's rules give it.
        keypoints: (K, 2) float64 pixels; meaningless where visibility is 0.
        visibility: (K,) uint8: 0 not labelled, 1 labelled but hidden, 2 visible.
        center, size: (2,) float64 pixels, centre and (width, height) of the region that is cropped, before the aspect
            ratio is fixed, with the data set's own padding included; None to derive it from ``box``.
        area: area in square pixels that OKS is normalised with.
        head_size: length that PCKh is normalised with, in pixels, where the data set has one.
    """

    image: Path
    image_id: int | str
    annotation_id: int | str
    box: np.ndarray
    keypoints: np.ndarray
    visibility: np.ndarray
    center: np.ndarray | None = None
    size: np.ndarray | None = None
    area: float = 0.0
    head_size: float | None = None


@dataclass(frozen=True)
class PoseDataset:
    """A parsed pose data set: its people and the keypoint set they are labelled with.

    Attributes:
        name: for messages, usually the annotation file's name.
        keypoint_set: order and names of the keypoints.
        records: the people, in file order.
        annotation_file: the file it came from; COCO evaluation reads its ground truth again from here.
        format: ``"coco"``, ``"mpii"`` or ``"lsp"``.
    """

    name: str
    keypoint_set: KeypointSet
    records: list[PersonRecord]
    annotation_file: Path
    format: str = "coco"

    def __len__(self) -> int:
        return len(self.records)
