"""The people found in one picture."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.structures.choosing import chosen_places
from hrnet.structures.keypoint_set import KeypointSet
from hrnet.structures.pose_formats import fields_from_dict, result_to_coco, result_to_dict
from hrnet.structures.saving import picture_to_draw_on, save_result


@dataclass(eq=False)  # arrays have no single truth value to compare results by
class PoseResult:
    """The people found in one picture.

    ``len(result)`` counts them; ``result[i]``, a slice, a mask or an array of indices gives a result with those people, and
    iterating gives results of one person each.

    Attributes:
        keypoints: (N, K, 2) float32 pixels of the given picture.
        keypoint_scores: (N, K) float32 raw heatmap maxima.
        boxes: (N, 4) float32 xyxy pixels: where each person was looked for; of networks that look at whole pictures, around
            the joints that were found.
        box_scores: (N,) float32 scores of the boxes (1 where the user gave them without; the person's score where the box comes
            from the joints).
        scores: (N,) float32 person scores: top-down, box score times the mean of the keypoint scores above 0.2; bottom-up, the
            mean of all keypoint scores.
        keypoint_set: names and skeleton of the K keypoints.
        image_size: (height, width) of the picture.
        source: path, address or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
        track_ids: (N,) int64 numbers of the people over the frames of a video, from 1; -1 for somebody who belongs to no
            track. None where nobody was tracked. See `hrnet.inference.tracking`.
    """

    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray
    scores: np.ndarray
    keypoint_set: KeypointSet
    image_size: tuple[int, int]
    source: str | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    track_ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        people, joints = len(self.boxes), self.keypoint_set.num_keypoints
        expected = {
            "keypoints": (people, joints, 2),
            "keypoint_scores": (people, joints),
            "boxes": (people, 4),
            "box_scores": (people,),
            "scores": (people,),
        }
        for name, shape in expected.items():
            array = np.asarray(getattr(self, name), np.float32)
            if people == 0 and array.size == 0:
                array = array.reshape(shape)
            if array.shape != shape:
                count = f"{people} people and {joints} keypoints"
                raise ValueError(f"{name} must have shape {shape} for {count}, got {array.shape}")
            setattr(self, name, array)
        if self.track_ids is not None:
            self.track_ids = _checked_ids(self.track_ids, people)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int | slice | np.ndarray | list[int] | list[bool]) -> PoseResult:
        chosen = chosen_places(index, len(self), "person", "people")
        arrays = ("keypoints", "keypoint_scores", "boxes", "box_scores", "scores")
        ids = None if self.track_ids is None else self.track_ids[chosen]
        return replace(self, track_ids=ids, **{name: getattr(self, name)[chosen] for name in arrays})

    def __iter__(self) -> Iterator[PoseResult]:
        return (self[index] for index in range(len(self)))

    def __str__(self) -> str:
        people = "1 person" if len(self) == 1 else f"{len(self)} people"
        height, width = self.image_size
        where = f" in {self.source}" if self.source else ""
        return f"{people} with {self.keypoint_set.num_keypoints} {self.keypoint_set.name} keypoints{where} ({width}x{height})"

    def plot(self, image: np.ndarray | None = None, threshold: float = 0.3, boxes: bool = False) -> np.ndarray:
        """Draw the people on a copy of ``image``, or of the picture that was kept.

        People with a track are drawn in the colour of their number, with the number beside them.

        Args:
            image: (H, W, 3) RGB uint8 of ``image_size``.
            threshold: smallest keypoint score that is drawn.
            boxes: draw the boxes as well.

        Returns:
            (H, W, 3) RGB uint8.

        Raises:
            ValueError: no picture at hand, or one of another size.
        """
        from hrnet.drawing import draw_poses

        picture = picture_to_draw_on(image, self.image, self.image_size)
        shown, shown_scores = (self.boxes, self.box_scores) if boxes else (None, None)
        return draw_poses(
            picture,
            self.keypoints,
            self.keypoint_scores,
            self.keypoint_set,
            shown,
            shown_scores,
            threshold=threshold,
            track_ids=self.track_ids,
        )

    def save(self, path: str | os.PathLike[str], image: np.ndarray | None = None, threshold: float = 0.3) -> Path:
        """Write the annotated picture (.jpg, .png, ...) or the numbers (.json), whole or not at all. Returns the path."""
        return save_result(path, lambda: self.to_json(indent=1), lambda: self.plot(image, threshold))

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the picture; `from_dict` gives the result back. See `hrnet.structures.pose_formats`."""
        return result_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PoseResult:
        """Build a result from what `to_dict` (or reading the JSON) gave. Raises ValueError naming a missing field."""
        return cls(**fields_from_dict(data))

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_coco(self, image_id: int | str, category_id: int = 1) -> list[dict[str, Any]]:
        """One entry per person in COCO's results format (boxes as x, y, width, height)."""
        return result_to_coco(self, image_id, category_id)


def _checked_ids(track_ids: np.ndarray, people: int) -> np.ndarray:
    given = np.asarray(track_ids)
    if given.size == 0 and people == 0:
        return np.zeros(0, np.int64)
    if given.shape != (people,):
        raise ValueError(f"track_ids must have shape ({people},) for {people} people, got {given.shape}")
    if given.dtype.kind not in "iu":
        raise ValueError(f"track_ids must be whole numbers (-1 for no track), got {given.dtype}")
    return given.astype(np.int64)
