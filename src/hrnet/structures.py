"""The plain data that travels through the toolkit: keypoint sets, person records and results.

NumPy only: nothing here imports torch. Coordinates follow the geometry contract (`hrnet.geometry`):
pixels of the picture as it was given, the centre of the top-left pixel at (0, 0), boxes xyxy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class KeypointSet:
    """Names, mirror pairs and drawing order of K keypoints.

    Attributes:
        name: short name, such as ``"coco"``.
        keypoints: the K keypoint names, in the order of the network's outputs.
        flip_indices: for each keypoint the index of its mirror image (itself where it has none).
        skeleton: pairs of indices to join when drawing.
        sigmas: the K constants of object keypoint similarity (OKS), or None where none are published.
        upper_body: indices that count as upper body in half-body augmentation.
        colors: K RGB colours in 0..255; empty to let the drawing choose.
        joint_weights: K loss weights, or None for equal weights.
    """

    name: str
    keypoints: tuple[str, ...]
    flip_indices: tuple[int, ...]
    skeleton: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...] | None = None
    upper_body: tuple[int, ...] = ()
    colors: tuple[tuple[int, int, int], ...] = ()
    joint_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        if count == 0:
            raise ValueError(f"keypoint set {self.name!r} has no keypoints")
        if len(set(self.keypoints)) != count:
            raise ValueError(f"keypoint set {self.name!r} names a keypoint twice")
        if sorted(self.flip_indices) != list(range(count)):
            raise ValueError(f"flip_indices of {self.name!r} must be a permutation of 0..{count - 1}, got {self.flip_indices}")
        if any(self.flip_indices[self.flip_indices[k]] != k for k in range(count)):
            raise ValueError(f"flip_indices of {self.name!r} must be their own inverse, got {self.flip_indices}")
        indices = [*self.upper_body, *(index for edge in self.skeleton for index in edge)]
        if any(not 0 <= index < count for index in indices):
            raise ValueError(f"skeleton and upper_body of {self.name!r} must hold indices 0..{count - 1}")
        for label, values in (("sigmas", self.sigmas), ("joint_weights", self.joint_weights), ("colors", self.colors or None)):
            if values is not None and len(values) != count:
                raise ValueError(f"{label} of {self.name!r} must have {count} entries, got {len(values)}")

    @property
    def num_keypoints(self) -> int:
        return len(self.keypoints)


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


@dataclass(eq=False)  # arrays have no single truth value to compare results by
class PoseResult:
    """The people found in one picture.

    ``len(result)`` counts them; ``result[i]``, a slice, a mask or an array of indices gives a result with those people, and
    iterating gives results of one person each.

    Attributes:
        keypoints: (N, K, 2) float32 pixels of the given picture.
        keypoint_scores: (N, K) float32 raw heatmap maxima.
        boxes: (N, 4) float32 xyxy pixels: where each person was looked for.
        box_scores: (N,) float32 scores of the boxes (1 where the user gave them without).
        scores: (N,) float32 person scores (box score times the mean of the keypoint scores above 0.2).
        keypoint_set: names and skeleton of the K keypoints.
        image_size: (height, width) of the picture.
        source: path, address or frame name of the picture, where it has one.
        image: (H, W, 3) RGB uint8, where it was kept, so that ``plot()`` needs no argument.
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

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int | slice | np.ndarray | list[int] | list[bool]) -> PoseResult:
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"person {index} of a result with {len(self)} people")
            chosen = np.array([index])
        elif isinstance(index, slice):
            chosen = np.arange(len(self))[index]
        elif isinstance(index, (np.ndarray, list)):
            chosen = np.asarray(index) if len(index) else np.zeros(0, int)
        else:
            raise TypeError(f"index people with an integer, a slice, a mask or an array of indices, not {type(index).__name__}")
        arrays = ("keypoints", "keypoint_scores", "boxes", "box_scores", "scores")
        return replace(self, **{name: getattr(self, name)[chosen] for name in arrays})

    def __iter__(self) -> Iterator[PoseResult]:
        return (self[index] for index in range(len(self)))

    def __str__(self) -> str:
        people = "1 person" if len(self) == 1 else f"{len(self)} people"
        height, width = self.image_size
        where = f" in {self.source}" if self.source else ""
        return f"{people} with {self.keypoint_set.num_keypoints} {self.keypoint_set.name} keypoints{where} ({width}x{height})"

    def plot(self, image: np.ndarray | None = None, threshold: float = 0.3, boxes: bool = False) -> np.ndarray:
        """Draw the people on a copy of ``image``, or of the picture that was kept.

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

        picture = self.image if image is None else image
        if picture is None:
            raise ValueError("this result did not keep its picture: pass it as plot(image)")
        if picture.shape[:2] != tuple(self.image_size):
            raise ValueError(f"the result is for a picture of (height, width) {self.image_size}, got {picture.shape[:2]}")
        shown, shown_scores = (self.boxes, self.box_scores) if boxes else (None, None)
        return draw_poses(
            picture, self.keypoints, self.keypoint_scores, self.keypoint_set, shown, shown_scores, threshold=threshold
        )

    def save(self, path: str | os.PathLike[str], image: np.ndarray | None = None, threshold: float = 0.3) -> Path:
        """Write the annotated picture (.jpg, .png, ...) or the numbers (.json), whole or not at all. Returns the path."""
        from hrnet.atomic_files import write_atomically
        from hrnet.drawing import PICTURE_SUFFIXES, encode_picture

        target = Path(path)
        if target.suffix.lower() == ".json":
            write_atomically(target, self.to_json(indent=1) + "\n")
        elif target.suffix.lower() in PICTURE_SUFFIXES:
            write_atomically(target, encode_picture(self.plot(image, threshold), target.suffix))
        else:
            raise ValueError(f"cannot save as {target.name!r}: use .json or one of {', '.join(PICTURE_SUFFIXES)}")
        return target

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the picture; `from_dict` gives the result back. See `hrnet.result_formats.result_to_dict`."""
        from hrnet.result_formats import result_to_dict

        return result_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PoseResult:
        """Build a result from what `to_dict` (or reading the JSON) gave. Raises ValueError naming a missing field."""
        from hrnet.result_formats import result_from_dict

        return result_from_dict(data)

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_coco(self, image_id: int | str, category_id: int = 1) -> list[dict[str, Any]]:
        """One entry per person in COCO's results format (boxes as x, y, width, height)."""
        from hrnet.result_formats import result_to_coco

        return result_to_coco(self, image_id, category_id)
