"""``hrnet.load``: the predictor that fits the weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from hrnet.data.keypoint_sets import known_sets_with
from hrnet.errors import CheckpointError, nearest_name
from hrnet.inference.acceleration import resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.bottom_up import build_bottom_up_predictor
from hrnet.inference.classification import build_classification_predictor
from hrnet.inference.faces import build_face_predictor, finds_faces
from hrnet.inference.instances import build_instance_predictor
from hrnet.inference.picture_predictor import Result
from hrnet.inference.presets import find_preset
from hrnet.inference.segmentation import build_segmentation_predictor
from hrnet.inference.sources import Frame, Source
from hrnet.inference.top_down import build_pose_predictor
from hrnet.weights.bottom_up_card import BottomUpCard
from hrnet.weights.bundle import DEFAULT_MODEL
from hrnet.weights.classification_card import ClassificationCard
from hrnet.weights.described import load_described
from hrnet.weights.instance_card import InstanceEmbeddingCard
from hrnet.weights.parts import parts_of_file
from hrnet.weights.pose_card import PoseCard
from hrnet.weights.segmentation_card import SegmentationCard


class Predictor(Protocol):
    """Finds things in pictures. What comes out depends on the task: `hrnet.PoseResult`, for example."""

    name: str

    def __call__(self, images: Any, *, bgr: bool = False) -> Any: ...

    def stream(self, frames: Source | Iterable[Frame]) -> Iterator[tuple[Frame, Result | None]]: ...


class PredictorKind(NamedTuple):
    """How weights with a certain card become a predictor.

    Attributes:
        build: called with the network and its card, and the keywords ``name``, ``device``, ``preset``, ``batch_size`` and
            ``announce``.
        task: as the verb of ``hrnet predict`` that it is for.
        finds: in words.
        options: further keywords that it takes.
    """

    build: Callable[..., Any]
    task: str
    finds: str
    options: tuple[str, ...] = ()


_PEOPLE = ("pose", "keypoints of people")

PREDICTORS: Mapping[type, PredictorKind] = {
    PoseCard: PredictorKind(build_pose_predictor, *_PEOPLE, ("detector",)),
    BottomUpCard: PredictorKind(build_bottom_up_predictor, *_PEOPLE, ("scales", "min_score", "max_people")),
    ClassificationCard: PredictorKind(build_classification_predictor, "classify", "what pictures show"),
    InstanceEmbeddingCard: PredictorKind(build_instance_predictor, "instances", "a mask for each thing", ("min_score",)),
    SegmentationCard: PredictorKind(
        build_segmentation_predictor, "segment", "a class for every pixel", ("scales", "resolution", "scores")
    ),
}
"""By the class of the card."""

_FACES = PredictorKind(build_face_predictor, "face", "landmarks of faces", ("detector",))

_FINDS = {kind.task: kind.finds for kind in (*PREDICTORS.values(), _FACES)}


def predictor_kind(card: Any) -> PredictorKind:
    """How weights with this card become a predictor; those for faces have a pose card too."""
    return _FACES if isinstance(card, PoseCard) and finds_faces(card) else PREDICTORS[type(card)]


def load(
    name_or_path: str | os.PathLike[str] | None = None,
    *,
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    announce: Callable[[str], None] | None = None,
    part: str | None = None,
    task: str | None = None,
    **options: Any,
) -> Any:
    """Load a predictor: for poses, faces, or whatever the weights are for.

    Args:
        name_or_path: bundled or published weights by name, or a checkpoint file; the bundled pose model where it is not given.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        preset: ``fast``, ``balanced``, ``accurate``, or ``published`` (flip test, float32, the checkpoint's own decoder).
        batch_size: people, or pictures, per pass; by the device where it is not given.
        announce: called with one sentence per fallback; a warning by default.
        part: of a file with several heads: the name of the one that is meant; all of them where none is named.
        task: what the weights have to be for, as a verb of ``hrnet predict``: ``pose``, ``face``, ``segment``, ``instances`` or
            ``classify``. Not asked where it is not given.
        options: of the task's predictor, such as ``detector`` for top-down poses (who finds people when no boxes are given:
            ``auto``, ``none`` for the whole picture, or a file of detector weights) or ``scales`` for bottom-up ones; and of
            loading, such as ``keypoint_set`` or ``architecture`` (see `hrnet.weights.described.load_described`).

    Returns:
        a `Predictor`: `hrnet.inference.top_down.PosePredictor` for top-down poses and faces, or one of
        `hrnet.inference.picture_predictor.PicturePredictor` for tasks that look at whole pictures.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: see `hrnet.weights.described.load_described`; an unknown preset, device,
            task or option; weights for another task.
    """
    find_preset(preset)
    resolve_device(device)
    if task is not None and task not in _FINDS:
        raise ValueError(f"there is no task {task!r}; {nearest_name(task, _FINDS)}")
    announce = announce or warn
    known = {option for kind in PREDICTORS.values() for option in kind.options}
    for_predictor = {name: options.pop(name) for name in known & options.keys()}
    name = name_or_path or DEFAULT_MODEL
    if part is None and len(parts := parts_of_file(name)) > 1:
        if task is not None:
            raise CheckpointError(
                f"{name} has several heads: hrnet predict --model {name} --tasks {parts[0]} takes one of {', '.join(parts)}, "
                "as does part=NAME in Python"
            )
        from hrnet.inference.multi_task import load_multi_task  # which imports this module

        return load_multi_task(
            name, device=device, preset=preset, batch_size=batch_size, announce=announce, **for_predictor, **options
        )
    network, card = load_described(name, part=part, announce=announce, **options)
    kind = predictor_kind(card)
    if task is not None:
        _check_task(task, kind, card, name)
    for option in for_predictor:
        if option not in kind.options:
            raise ValueError(f"{name} does not take {option!r}; {nearest_name(option, kind.options)}")
    return kind.build(
        network,
        card,
        name=str(name),
        device=device,
        preset=preset,
        batch_size=batch_size,
        announce=announce,
        **for_predictor,
    )


def _check_task(task: str, kind: PredictorKind, card: Any, name: str | os.PathLike[str]) -> None:
    # Somebody's own keypoints may be those of a face or of a body.
    own_keypoints = isinstance(card, PoseCard) and not known_sets_with(card.keypoint_set.keypoints)
    if kind.task != task and not (own_keypoints and task in ("pose", "face")):
        raise CheckpointError(f"{name} finds {kind.finds}, not {_FINDS[task]}: it is for {kind.task!r}, not for {task!r}")
