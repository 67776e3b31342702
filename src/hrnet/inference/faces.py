"""Facial landmarks in pictures: the top-down predictor with boxes of faces; published networks read as they were trained."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from hrnet.codecs import CodecSpec
from hrnet.codecs.face_heatmap import FaceHeatmapCodec
from hrnet.data.datasets.face_dataset import FACE_LAYOUTS
from hrnet.data.face_crop import crop_face, face_to_picture, published_center, published_offset
from hrnet.data.keypoint_sets import known_sets_with
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.face_detector import FaceDetector
from hrnet.inference.presets import Preset, decoding_codec, find_preset
from hrnet.inference.requests import PersonPrediction, PersonRequest
from hrnet.inference.top_down import PosePredictor
from hrnet.models import PoseNetwork
from hrnet.tasks.face import FaceLandmarks, landmarks_of_picture
from hrnet.weights.pose_card import PoseCard

_FACE_SETS = {*FACE_LAYOUTS.values(), "coco_wholebody_face"}


def build_face_predictor(
    network: PoseNetwork,
    card: PoseCard,
    *,
    name: str = "face",
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    detector: str | os.PathLike[str] = "auto",
    announce: Callable[[str], None] | None = None,
) -> FacePredictor:
    """A predictor from a network for faces and its card.

    Args:
        detector: who finds faces when no boxes are given, see `FaceDetector`. A detector of people is not asked.
        others: as of `hrnet.load`. The preset ``published`` gives what the published code gives, for networks trained with its
            codec: whole pixels, no mirrored pass, crops with their contrast stretched.

    Raises:
        ValueError, FileNotFoundError, CheckpointError, MissingExtraError: an unknown preset or device; see `FaceDetector`.
    """
    announce = announce or warn
    chosen = find_preset(preset)
    place = resolve_device(device)

    def build_detector() -> FaceDetector:
        return FaceDetector(detector, announce=announce)

    found = None if detector == "auto" else build_detector()  # what was asked for by name fails now or never
    prepared = prepare_network(network, place, chosen.reduced_precision, announce)
    task = FaceLandmarks(prepared, replace(card, codec=_decoding_codec(card.codec, chosen))).to(place).eval()
    return FacePredictor(
        task,
        flip_test=card.flip_test if preset == "published" else chosen.flip_test,
        batch_size=batch_size_for(place, batch_size, on_cpu=8, elsewhere=32),
        detector=(lambda: found) if found is not None else build_detector,
        name=name,
        announce=announce,
    )


def finds_faces(card: PoseCard) -> bool:
    """Whether weights with this card are for faces: by their landmarks, else by the architecture, which serves hands too."""
    known = set(known_sets_with(card.keypoint_set.keypoints))
    return bool(known & _FACE_SETS) or (not known and card.architecture.startswith("face_"))


class FacePredictor(PosePredictor):
    """Finds the landmarks of faces in pictures. Build one with `hrnet.load`.

    Args:
        task: network, codec and landmarks, on its device.
        detector: builds who is asked for boxes when none are given.
        others: as of `PosePredictor`.
    """

    def __init__(
        self, task: FaceLandmarks, flip_test: bool = False, batch_size: int = 8, detector: Any = None, **options: Any
    ) -> None:
        super().__init__(task, flip_test, batch_size, detector, **options)
        codec = task.codec
        self._as_published = isinstance(codec, FaceHeatmapCodec) and codec.whole_pixels

    def _crop(self, request: PersonRequest, image: np.ndarray) -> Any:
        cropped = super()._crop(request, image)
        if not self._as_published:
            return cropped
        center, side = published_center(cropped.center), float(cropped.size[0])
        output = self.task.card.codec.input_size[0]
        pixels = crop_face(image, center, side, output)
        return replace(cropped, pixels=pixels, to_image=face_to_picture(center, side, output))

    def _predict_batch(self, batch: list[Any]) -> list[PersonPrediction]:
        faces = super()._predict_batch(batch)
        codec = self.task.codec
        if not isinstance(codec, FaceHeatmapCodec):
            return faces
        if codec.whole_pixels:
            return [replace(face, keypoints=landmarks_of_picture(codec, face.keypoints)) for face in faces]
        # These crops are plain ones, which lie a little otherwise than those the network was trained on.
        offsets = [published_offset(float(face.size[0]), codec.input_size[0]) for face in faces]
        return [replace(face, keypoints=face.keypoints - offset) for face, offset in zip(faces, offsets, strict=True)]


def _decoding_codec(stated: CodecSpec, preset: Preset) -> CodecSpec:
    """The codec to decode with: DARK has a form of its own for networks that were trained on whole pixels."""
    if preset.decoder == "dark" and stated.name.startswith("face_landmarks"):
        return replace(stated, name="face_landmarks_dark")
    return decoding_codec(stated, preset)
