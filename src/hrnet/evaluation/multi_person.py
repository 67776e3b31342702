"""Evaluate a predictor that finds the people of whole pictures: bottom-up pose, or top-down pose behind a detector."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hrnet.data.images import read_image
from hrnet.errors import nearest_name
from hrnet.evaluation.keypoint_agreement import compare_keypoints
from hrnet.evaluation.multi_person_result import MultiPersonEvaluation
from hrnet.evaluation.person_requests import EvaluationImages, evaluation_images
from hrnet.evaluation.picture_people import crowd_splits, ground_truth, people_by_picture
from hrnet.inference.read_ahead import read_ahead
from hrnet.inference.sources import Frame
from hrnet.inference.suppression import oks_nms, soft_oks_nms
from hrnet.metrics.crowd_average_precision import CrowdAveragePrecision
from hrnet.metrics.interface import MetricResult
from hrnet.metrics.multi_person_average_precision import (
    AbsentJoints,
    MultiPersonAveragePrecision,
    place_absent,
    present_joints,
)
from hrnet.metrics.oks import resolve_sigmas
from hrnet.metrics.pose_errors import PoseErrors
from hrnet.metrics.tables import plural
from hrnet.structures import PoseDataset, PoseResult

METRICS = ("ap", "crowd_ap", "errors")
MAX_DETECTIONS = 20
_OF_GIVEN_PEOPLE = ("pck", "pckh", "nme")
_AHEAD = 8  # pictures that are read while the network works
_ABSENT: dict[AbsentJoints, str] = {
    "nowhere": "absent joints resemble none, and boxes of detections span the joints that were found",
    "published": "absent joints are at (0, 0), and boxes of detections span that too, as in published results",
}


class PictureStream(Protocol):
    """Anything that finds people in pictures: every predictor that `hrnet.load` gives for poses."""

    def stream(self, frames: Iterable[Frame], /) -> Iterator[tuple[Frame, PoseResult | None]]: ...


class FoundPeople(NamedTuple):
    """N people found in one picture, the best first.

    Attributes:
        keypoints, keypoint_scores, present: (N, K, 2) pixels, (N, K) and (N, K) booleans, False for absent joints.
        scores: (N,).
    """

    keypoints: NDArray[np.float64]
    keypoint_scores: NDArray[np.float64]
    present: NDArray[np.bool_]
    scores: NDArray[np.float64]

    def chosen(self, rows: NDArray[np.int64]) -> FoundPeople:
        return FoundPeople(self.keypoints[rows], self.keypoint_scores[rows], self.present[rows], self.scores[rows])


def is_top_down(predictor: Any) -> bool:
    """Whether a predictor looks at people one by one, so that it can be asked about given boxes as well."""
    return hasattr(predictor, "predict_people")


def evaluate_multi_person(
    predictor: PictureStream,
    dataset: PoseDataset,
    metrics: Sequence[str] | str | None = None,
    *,
    absent: AbsentJoints = "nowhere",
    nms: Literal["auto", "oks", "soft"] | None = "auto",
    nms_threshold: float = 0.9,
    error_score: float = 0.0,
    sigmas: float | Sequence[float] | None = None,
    progress: Callable[[int], None] | None = None,
) -> MultiPersonEvaluation:
    """Find the people of all pictures and measure.

    Every picture of a COCO file is looked at, also those without people, where whatever is found is wrong. The 20 best people
    of a picture count. Crowds and people without labelled keypoints are neither found nor missed.

    Args:
        predictor: finds people in pictures; the code that users run. A top-down one asks its detector.
        dataset: with the keypoints that the predictor gives; see `hrnet.evaluation.picture_people.load_people`.
        metrics: ``"ap"`` (COCO's), ``"crowd_ap"`` (CrowdPose's, by the ``crowdIndex`` of the file's images) and ``"errors"``
            (`hrnet.metrics.pose_errors`); None for the AP that the file asks for, and the errors.
        absent: what is done about joints that a detection lacks, which are those that score exactly 0 or are not finite; see
            `MultiPersonAveragePrecision`. Results published for bottom-up networks are ``"published"``, which changes AP of
            medium and large people.
        nms: ``"oks"``, ``"soft"`` or None for suppression of repeated people; ``"auto"`` for ``"oks"`` with a top-down
            predictor and none with a bottom-up one, as published. The area of a person is that of the box around the joints.
        nms_threshold: OKS above which a weaker detection goes (``"oks"``), or the width of the decay (``"soft"``).
        error_score: people who score less are not among the errors; AP needs all of them.
        sigmas: for keypoint sets without sigmas, K numbers or one.
        progress: called with the number of pictures done since the last call.

    Raises:
        ValueError: for unknown names, other keypoints than the data set's, or keypoints without sigmas.
        AnnotationError: the file does not hold what it should. ImageError: a picture cannot be read.
        MissingExtraError: without faster-coco-eval.
    """
    if nms not in ("auto", "oks", "soft", None):
        raise ValueError(f"nms must be 'auto', 'oks', 'soft' or None, got {nms!r}")
    if absent not in _ABSENT:
        raise ValueError(f"absent must be 'nowhere' or 'published', got {absent!r}")
    notes = compare_keypoints(getattr(predictor, "keypoint_set", None), dataset)
    images = evaluation_images(dataset)
    keypoint_set = dataset.keypoint_set
    constants = resolve_sigmas(sigmas, keypoint_set.sigmas, keypoint_set.num_keypoints, keypoint_set.name)
    measures = _Measures(_metric_names(metrics, dataset), dataset, images, absent, constants, error_score)
    if images.partial:
        notes.append(f"only the {plural(len(images.paths), 'picture', 'pictures')} of the records count, not the whole file")
    if nms == "auto":
        nms = "oks" if is_top_down(predictor) else None
    detections: list[dict[str, Any]] = []
    category = min(images.categories, key=str, default=1)
    found_people = kept_people = 0
    for identity, people in _found(predictor, dataset, images, progress):
        found_people += len(people.scores)
        if nms is not None:
            people = _suppressed(people, nms, constants, nms_threshold)
        kept_people += len(people.scores)
        measures.update(identity, people)
        detections += _coco_results(people, images.paths[identity][0], category, absent)
    if nms is not None:
        name = {"oks": "OKS suppression", "soft": "soft OKS suppression"}[nms]
        notes.append(f"{name} at {nms_threshold:g} kept {kept_people} of {found_people} people")
    return MultiPersonEvaluation(
        dataset=dataset.name,
        model=str(getattr(predictor, "name", type(predictor).__name__)),
        boxes="found by the model in whole pictures" + (", with boxes of its own" if is_top_down(predictor) else ""),
        metrics=measures.compute(),
        people=found_people,
        images=len(images.paths),
        detections=detections,
        notes=(*notes, _ABSENT[absent]),
    )


class _Measures:
    """The metrics of an evaluation, fed picture by picture."""

    def __init__(
        self,
        names: Sequence[str],
        dataset: PoseDataset,
        images: EvaluationImages,
        absent: AbsentJoints,
        sigmas: NDArray[np.float64],
        error_score: float,
    ) -> None:
        keypoint_set, truth = dataset.keypoint_set, ground_truth(dataset, images)
        self.precision: dict[str, MultiPersonAveragePrecision | CrowdAveragePrecision] = {}
        options: dict[str, Any] = {"absent": absent, "sigmas": sigmas, "max_detections": MAX_DETECTIONS}
        if "ap" in names:
            self.precision["ap"] = MultiPersonAveragePrecision(keypoint_set, truth, **options)
        if "crowd_ap" in names:
            splits = (crowd_splits(dataset.annotation_file) if dataset.format == "coco" else None) or {}
            self.precision["crowd_ap"] = CrowdAveragePrecision(keypoint_set, truth, splits, **options)
        self.errors: PoseErrors | None = None
        if "errors" in names:
            self.errors = PoseErrors(keypoint_set, sigmas=sigmas, min_score=error_score, max_detections=MAX_DETECTIONS)
        self.people = people_by_picture(truth, keypoint_set.num_keypoints)

    def update(self, identity: str, found: FoundPeople) -> None:
        for metric in self.precision.values():
            metric.update(found.keypoints, scores=found.scores, image_ids=[identity] * len(found.scores), found=found.present)
        if self.errors is not None:
            truth = self.people[identity]
            self.errors.update(
                found.keypoints,
                truth.keypoints,
                truth.areas,
                visibility=truth.visibility,
                scores=found.scores,
                found=found.present,
                ignored_boxes=truth.ignored_boxes,
            )

    def compute(self) -> dict[str, MetricResult]:
        results: dict[str, MetricResult] = {name: metric.compute() for name, metric in self.precision.items()}
        return results if self.errors is None else {**results, "errors": self.errors.compute()}


def _metric_names(wanted: Sequence[str] | str | None, dataset: PoseDataset) -> Sequence[str]:
    if wanted is None:
        crowded = dataset.format == "coco" and crowd_splits(dataset.annotation_file) is not None
        return ("crowd_ap" if crowded else "ap", "errors")
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for name in names:
        if name in _OF_GIVEN_PEOPLE:
            raise ValueError(
                f"{name} compares each annotated person with its own prediction, which takes a top-down model and no "
                f"detector; whole pictures are measured by {', '.join(METRICS)}"
            )
        if name not in METRICS:
            raise ValueError(f"unknown metric {name!r} of whole pictures; {nearest_name(name, METRICS)}")
    if not names:
        raise ValueError(f"no metric to compute; known names: {', '.join(METRICS)}")
    return names


def _found(
    predictor: PictureStream, dataset: PoseDataset, images: EvaluationImages, progress: Callable[[int], None] | None
) -> Iterator[tuple[str, FoundPeople]]:
    """Ids of the pictures, as text, with the people found in them, in the order of the file."""
    identities = list(images.paths)
    frames = _frames([path for _, path in images.paths.values()])
    done = 0
    for frame, result in predictor.stream(read_ahead(frames, _AHEAD)):
        if frame.index != done or result is None:
            raise ValueError(f"the predictor gave {frame.name} without a result or out of order: expected picture {done}")
        compare_keypoints(result.keypoint_set, dataset)
        yield identities[frame.index], _best_first(result)
        done += 1
        if progress is not None:
            progress(1)
    if done != len(identities):
        raise ValueError(f"the predictor gave no answer for {len(identities) - done} of {len(identities)} pictures")


def _frames(paths: Sequence[Path]) -> Generator[Frame, None, None]:
    for index, path in enumerate(paths):
        yield Frame(read_image(path), str(path), index, path=path)


def _best_first(result: PoseResult) -> FoundPeople:
    points, point_scores = result.keypoints.astype(np.float64), result.keypoint_scores.astype(np.float64)
    present = present_joints(points, np.isfinite(point_scores) & (point_scores != 0))
    found = FoundPeople(points, np.where(present, point_scores, 0.0), present, result.scores.astype(np.float64))
    return found.chosen(np.argsort(-found.scores, kind="stable"))


def _suppressed(
    people: FoundPeople, kind: Literal["oks", "soft"], sigmas: NDArray[np.float64], threshold: float
) -> FoundPeople:
    placed, boxes = place_absent(people.keypoints, people.present, "nowhere")
    suppress = oks_nms if kind == "oks" else soft_oks_nms
    return people.chosen(suppress(placed, people.scores, boxes[:, 2:].prod(axis=1), sigmas, threshold))


def _coco_results(people: FoundPeople, image_id: int | str, category: int | str, absent: AbsentJoints) -> list[dict[str, Any]]:
    _, boxes = place_absent(people.keypoints, people.present, absent)
    triples = np.concatenate([people.keypoints, people.keypoint_scores[..., None]], axis=2)
    triples = np.where(people.present[..., None], triples, 0.0)
    return [
        {
            "image_id": image_id,
            "category_id": category,
            "keypoints": triples[row].ravel().round(3).tolist(),
            "bbox": boxes[row].round(3).tolist(),
            "score": float(people.scores[row]),
        }
        for row in range(len(people.scores))
    ]
