"""Top-down pose prediction: crops people, runs the network on batches of them, and maps the keypoints back."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrnet.data.images import read_image
from hrnet.geometry import Floats, apply_affine, crop_matrix, grow_to_aspect, invert_affine, region_of_box, warp
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.box_assignment import GivenBoxes, assign_boxes
from hrnet.inference.person_boxes import Boxes
from hrnet.inference.person_detector import PersonDetector
from hrnet.inference.picture_predictor import collect
from hrnet.inference.presets import decoding_codec, find_preset
from hrnet.inference.read_ahead import read_ahead
from hrnet.inference.requests import PersonPrediction, PersonRequest
from hrnet.inference.sources import Frame, Source
from hrnet.inference.suppression import rescore
from hrnet.models import PoseNetwork
from hrnet.structures import KeypointSet, PoseResult
from hrnet.tasks.pose import TopDownPose
from hrnet.weights.pose_card import PoseCard


def build_pose_predictor(
    network: PoseNetwork,
    card: PoseCard,
    *,
    name: str = "pose",
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    detector: str | os.PathLike[str] = "auto",
    announce: Callable[[str], None] | None = None,
) -> PosePredictor:
    """A predictor from a network and its card; arguments and errors are those of `hrnet.load`."""
    announce = announce or warn
    chosen = find_preset(preset)
    place = resolve_device(device)

    def build_detector() -> PersonDetector:
        return PersonDetector(detector, device=str(place), announce=announce)

    found = None if detector == "auto" else build_detector()  # what was asked for by name fails now or never
    prepared = prepare_network(network, place, chosen.reduced_precision, announce)
    task = TopDownPose(prepared, replace(card, codec=decoding_codec(card.codec, chosen))).to(place).eval()
    return PosePredictor(
        task,
        flip_test=chosen.flip_test,
        batch_size=batch_size_for(place, batch_size, on_cpu=8, elsewhere=32),
        detector=found or build_detector,
        name=name,
        announce=announce,
    )


@dataclass(eq=False)
class _Waiting:
    """A frame whose people are on their way through the network."""

    frame: Frame
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    box_scores: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    people: list[PersonPrediction] = field(default_factory=list)


@dataclass(eq=False)
class _Cropped:
    """A request on its way through the network."""

    request: PersonRequest
    pixels: np.ndarray
    center: Floats
    size: Floats
    to_image: Floats


class PosePredictor:
    """Finds the keypoints of people in pictures. Build one with `hrnet.load`.

    Args:
        task: network, codec and keypoint set, on its device.
        flip_test: average with the mirrored crop.
        batch_size: people per pass, of one picture or of several.
        detector: asked for boxes when none are given, or what builds it then; the whole picture is one person without it.
        name: for summaries.
        announce: called with one sentence on what was done in place of what was asked; a warning by default.
    """

    def __init__(
        self,
        task: TopDownPose,
        flip_test: bool = False,
        batch_size: int = 8,
        detector: PersonDetector | Callable[[], PersonDetector] | None = None,
        name: str = "pose",
        announce: Callable[[str], None] | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.task = task
        self.flip_test = flip_test
        self.batch_size = batch_size
        self.name = name
        self._given_detector = detector
        self._announce = announce or warn

    @cached_property
    def detector(self) -> PersonDetector:
        """Who finds people when no boxes are given; built, and its absence announced, when first asked for."""
        given = self._given_detector
        if given is None:
            return PersonDetector("none")
        return given if isinstance(given, PersonDetector) else given()

    @property
    def keypoint_set(self) -> KeypointSet:
        """Names, mirror pairs and skeleton of the K keypoints."""
        return self.task.card.keypoint_set

    def __call__(self, images: Any, boxes: GivenBoxes = None, *, bgr: bool = False) -> PoseResult | list[PoseResult]:
        """Predict the poses in pictures.

        Args:
            images: a path, array (H, W, 3) uint8 RGB, PIL image, video, folder, glob, or a list or batch of these.
            boxes: xyxy pixels (N, 4), or (N, 5) with scores, looked at in every picture; a list with one such array (or None)
                for each picture; a COCO results file; None to ask the detector.
            bgr: arrays are BGR, as OpenCV reads them.

        Returns:
            one result for one picture, otherwise a list, in order. Frames of videos are not kept in their results; for a
            camera, a long video or a very large folder see `stream`, which holds only a few pictures at a time.

        Raises:
            ImageError: a picture cannot be read.
            ValueError: boxes that do not fit, naming row and values; a camera, which has no end.
        """
        return collect(images, bgr, lambda source: self.stream(source, boxes))

    def stream(self, frames: Source | Iterable[Frame], boxes: GivenBoxes = None) -> Iterator[tuple[Frame, PoseResult | None]]:
        """Yield each frame with its result, in order; None for a frame that could not be read.

        People of neighbouring frames share batches, so results may come up to a batch of frames late; those of a camera
        come at once. No more than ``batch_size`` frames wait.

        Raises:
            FileNotFoundError, AnnotationError, ValueError: boxes that are wrong as a whole; while iterating, that do not fit.
        """
        count, patience = None, self.batch_size
        if isinstance(frames, Source):
            count = None if frames.is_video else frames.count  # containers are often a few frames off
            patience = 1 if frames.is_live else patience
        boxes_of = assign_boxes(boxes, lambda: self.detector, count, self._announce)
        return self._stream(frames, boxes_of, patience)

    def _stream(
        self, frames: Iterable[Frame], boxes_of: Callable[[Frame], Boxes], patience: int
    ) -> Iterator[tuple[Frame, PoseResult | None]]:
        waiting: deque[_Waiting] = deque()
        people: list[_Cropped] = []
        for frame in frames:
            entry = _Waiting(frame)
            waiting.append(entry)
            if frame.image is not None:
                entry.boxes, entry.box_scores = boxes_of(frame)
                requests = (PersonRequest(frame.image, box, key=entry) for box in entry.boxes)
                people += [self._crop(request, frame.image) for request in requests]
            while len(people) >= self.batch_size or (people and len(waiting) >= patience):
                batch, people = people[: self.batch_size], people[self.batch_size :]
                _hand_out(self._predict_batch(batch))
            yield from self._finished(waiting)
        for start in range(0, len(people), self.batch_size):
            _hand_out(self._predict_batch(people[start : start + self.batch_size]))
        yield from self._finished(waiting)

    def predict_people(
        self,
        requests: Iterable[PersonRequest],
        progress: Callable[[int], None] | None = None,
        look_ahead: int = 2,
    ) -> Iterator[PersonPrediction]:
        """Predict people one by one, in batches across pictures.

        Args:
            requests: who to look at; ``center`` and ``size`` win over ``box``.
            progress: called with the number of people done since the last call.
            look_ahead: batches that a thread reads and crops while the network works.
        """
        for batch in read_ahead(self._batches(requests), look_ahead):
            yield from self._predict_batch(batch)
            if progress is not None:
                progress(len(batch))

    def _batches(self, requests: Iterable[PersonRequest]) -> Generator[list[_Cropped], None, None]:
        batch: list[_Cropped] = []
        path, image = None, None
        for request in requests:
            if isinstance(request.image, Path):
                if request.image != path:
                    path, image = request.image, read_image(request.image)
            else:
                image = request.image
            assert image is not None
            batch.append(self._crop(request, image))
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _crop(self, request: PersonRequest, image: np.ndarray) -> _Cropped:
        card, codec = self.task.card, self.task.codec
        height, width = card.codec.input_size
        if request.center is not None and request.size is not None:
            center, size = np.asarray(request.center, np.float64), grow_to_aspect(request.size, width / height)
        else:
            center, size = region_of_box(request.box, width / height, card.padding)
        matrix = crop_matrix(center, size, (height, width), convention=codec.convention)
        return _Cropped(request, warp(image, matrix, (height, width)), center, size, invert_affine(matrix))

    @torch.inference_mode()
    def _predict_batch(self, batch: list[_Cropped]) -> list[PersonPrediction]:
        pixels = torch.from_numpy(np.stack([person.pixels for person in batch])).to(self.task.mean.device)
        keypoints, scores = (output.float().cpu().numpy() for output in self.task(pixels, self.flip_test))
        in_image = apply_affine(np.stack([person.to_image for person in batch]), keypoints)
        return [
            PersonPrediction(person.request.key, in_image[row], scores[row], person.center, person.size)
            for row, person in enumerate(batch)
        ]

    def _finished(self, waiting: deque[_Waiting]) -> Iterator[tuple[Frame, PoseResult | None]]:
        """Take the frames off the front whose people are all done."""
        while waiting and len(waiting[0].people) == len(waiting[0].boxes):
            entry = waiting.popleft()
            yield entry.frame, None if entry.frame.image is None else self._result(entry)

    def _result(self, entry: _Waiting) -> PoseResult:
        assert entry.frame.image is not None
        joints = self.keypoint_set.num_keypoints
        scores = np.array([person.scores for person in entry.people], np.float32).reshape(-1, joints)
        return PoseResult(
            keypoints=np.array([person.keypoints for person in entry.people], np.float32).reshape(-1, joints, 2),
            keypoint_scores=scores,
            boxes=entry.boxes,
            box_scores=entry.box_scores,
            scores=rescore(entry.box_scores, scores),
            keypoint_set=self.keypoint_set,
            image_size=entry.frame.image.shape[:2],
            source=entry.frame.name,
            image=entry.frame.image if entry.frame.video is None else None,
        )


def _hand_out(predictions: list[PersonPrediction]) -> None:
    """Give each prediction to the frame that waits for it; people of a frame come in the order of its boxes."""
    for prediction in predictions:
        prediction.key.people.append(prediction)
