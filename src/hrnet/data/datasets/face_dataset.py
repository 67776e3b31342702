"""Annotated faces: what every parser of facial landmarks produces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.data.keypoint_sets import keypoint_set, sets_of_size
from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures import KeypointSet, PersonRecord, PoseDataset

FACE_LAYOUTS: Mapping[int, str] = {68: "300w", 98: "wflw", 29: "cofw", 19: "aflw", 106: "lapa"}
"""The keypoint set that so many facial landmarks nearly always are."""


@dataclass(frozen=True)
class FaceDataset(PoseDataset):
    """A parsed data set of faces.

    Attributes:
        subsets: the parts that scores are published for: name -> indices of the records.
        others: as of `PoseDataset`; ``format`` is the name of the parser.
    """

    subsets: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def subset(self, name: str) -> FaceDataset:
        """The part called ``name``, as a data set without subsets. Raises ValueError naming the nearest."""
        if name not in self.subsets:
            known = nearest_name(name, self.subsets)
            raise ValueError(f"{self.name} has no subset {name!r}; {known}")
        records = [self.records[index] for index in self.subsets[name]]
        return replace(self, name=f"{self.name}, {name}", records=records, subsets={})


def landmark_box(landmarks: NDArray[np.float64], visibility: NDArray[np.uint8] | None = None) -> NDArray[np.float64]:
    """The square (4,) xyxy around landmarks (K, 2) that published scores are for.

    Its centre is that of the whole pixels which hold the outermost landmarks, its side their longer extent; the margin of a
    quarter is added by whoever crops it.
    """
    points = landmarks if visibility is None else landmarks[visibility > 0]
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    center, half = (low + high) / 2, max((high - low).max(), 1.0) / 2
    return np.concatenate([center - half, center + half])


def face_record(
    image: Path,
    image_id: str | int,
    annotation_id: str | int,
    landmarks: NDArray[np.float64],
    visibility: NDArray[np.uint8] | None = None,
    box: NDArray[np.float64] | None = None,
) -> PersonRecord:
    """A record of a face; visible everywhere, and its box that of the landmarks, where nothing else is known."""
    visibility = np.full(len(landmarks), 2, np.uint8) if visibility is None else visibility
    box = landmark_box(landmarks, visibility) if box is None else box
    area = float(np.prod(box[2:] - box[:2]))
    return PersonRecord(image, image_id, annotation_id, box, landmarks, visibility, area=area)


def landmark_set(file: Path, count: int, wanted: KeypointSet | str | None = None) -> KeypointSet:
    """The keypoint set of ``count`` facial landmarks: the wanted one, checked, or the usual one of that size.

    Raises:
        AnnotationError: the wanted set has another size, or no set is usual for this one.
        ValueError: no keypoint set has the wanted name.
    """
    if wanted is None:
        if count not in FACE_LAYOUTS:
            hint = f" (sets of that size: {', '.join(sets_of_size(count)[:5])})" if sets_of_size(count) else ""
            known = ", ".join(f"{size} ({name})" for size, name in FACE_LAYOUTS.items())
            raise AnnotationError(f"{file}: has {count} landmarks; known are {known}. Give a keypoint set{hint}")
        return keypoint_set(FACE_LAYOUTS[count])
    chosen = keypoint_set(wanted) if isinstance(wanted, str) else wanted
    if chosen.num_keypoints != count:
        raise AnnotationError(f"{file}: has {count} landmarks, but the keypoint set {chosen.name!r} has {chosen.num_keypoints}")
    return chosen
