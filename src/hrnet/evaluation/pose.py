"""Evaluate a top-down pose predictor on a data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.errors import nearest_name
from hrnet.evaluation.keypoint_agreement import compare_keypoints
from hrnet.evaluation.person_requests import EvaluationImages, annotated_requests, detected_requests, evaluation_images
from hrnet.evaluation.result import PoseEvaluation
from hrnet.inference.requests import PeoplePredictor, PersonPrediction, PersonRequest
from hrnet.inference.suppression import oks_nms, rescore, soft_oks_nms
from hrnet.metrics.average_precision import KeypointAveragePrecision
from hrnet.metrics.interface import Metric
from hrnet.metrics.nme import NormalizedMeanError
from hrnet.metrics.oks import resolve_sigmas
from hrnet.metrics.pck import PCK, TORSO
from hrnet.metrics.pckh import PCKh
from hrnet.metrics.tables import plural
from hrnet.structures import PoseDataset

METRICS = ("ap", "pck", "pckh", "nme")
GROUND_TRUTH = "ground_truth"


def evaluate_pose(
    predictor: PeoplePredictor,
    dataset: PoseDataset,
    boxes: str | Path = GROUND_TRUTH,
    metrics: Sequence[str | Metric] | None = None,
    *,
    nms: str | None = "oks",
    nms_threshold: float = 0.9,
    keypoint_threshold: float = 0.2,
    min_box_score: float = 0.0,
    sigmas: float | Sequence[float] | None = None,
    progress: Callable[[int], None] | None = None,
) -> PoseEvaluation:
    """Predict everybody and measure.

    Args:
        predictor: answers person requests; the code that users run.
        dataset: people with annotated keypoints.
        boxes: ``"ground_truth"`` or the path of a COCO results file of detected boxes (which are not clipped).
        metrics: names (``"ap"``, ``"pck"``, ``"pckh"``, ``"nme"``) or metrics made by hand; None for those of the data set:
            AP for COCO files, PCKh where people have head sizes, and PCK always. PCK is at 0.1 and 0.2 of the torso (right
            shoulder to left hip) where the keypoint set has these, else at 0.05 and 0.1 of the box. Everything but AP
            compares each annotated person with its own prediction and needs ground-truth boxes.
        nms: for AP, ``"oks"``, ``"soft"`` or None.
        nms_threshold: OKS above which a weaker detection goes (``"oks"``), or the width of the decay (``"soft"``).
        keypoint_threshold: keypoints that score above it make the person score (`rescore`).
        min_box_score: detected boxes that score less are left out.
        sigmas: for AP on keypoint sets without sigmas, K numbers or one.
        progress: called with the number of people done since the last call.

    Raises:
        ValueError: for unknown names, metrics that do not go with detected boxes, or a predictor that answers wrongly.
        AnnotationError: when a file does not hold what it should.
    """
    if nms not in ("oks", "soft", None):
        raise ValueError(f"nms must be 'oks', 'soft' or None, got {nms!r}")
    annotated = str(boxes) == GROUND_TRUTH
    different_names = compare_keypoints(getattr(predictor, "keypoint_set", None), dataset)
    images = evaluation_images(dataset)
    chosen = _metrics(metrics, dataset, images, annotated, sigmas)
    notes = (
        [f"only the {plural(len(images.paths), 'picture', 'pictures')} of the records count, not the whole file"]
        if images.partial
        else []
    ) + different_names
    if annotated:
        requests = annotated_requests(dataset)
        identities = [str(record.image_id) for record in dataset.records]
        description = f"ground truth ({plural(len(requests), 'annotated person', 'annotated people')})"
    else:
        requests, identities, left_out = detected_requests(Path(boxes), images, min_box_score)
        description = f"detections of {boxes} ({plural(len(requests), 'box', 'boxes')}, not clipped)"
        notes.extend(f"{plural(count, 'box', 'boxes')} left out: {reason}" for reason, count in left_out.items())
    answers = _answers(predictor, requests, dataset.keypoint_set.num_keypoints, progress)
    keypoints = np.asarray([a.keypoints for a in answers], np.float64).reshape(-1, dataset.keypoint_set.num_keypoints, 2)
    keypoint_scores = np.asarray([a.scores for a in answers], np.float64).reshape(-1, dataset.keypoint_set.num_keypoints)
    scores = rescore([request.box_score for request in requests], keypoint_scores, keypoint_threshold)
    areas = np.asarray([np.prod(np.asarray(a.size, np.float64)) for a in answers], np.float64)

    metric_of_ap = next((metric for metric in chosen.values() if isinstance(metric, KeypointAveragePrecision)), None)
    kept = np.arange(len(answers))
    if nms is not None and metric_of_ap is not None:
        kept = _suppress(nms, keypoints, scores, areas, identities, metric_of_ap.sigmas, nms_threshold)
        name = {"oks": "OKS suppression", "soft": "soft OKS suppression"}[nms]
        notes.append(f"{name} at {nms_threshold:g} kept {len(kept)} of {len(answers)} people for AP")
    for metric in chosen.values():
        if isinstance(metric, KeypointAveragePrecision):
            metric.update(keypoints[kept], scores=scores[kept], image_ids=[identities[index] for index in kept])
        else:
            metric.update(keypoints, dataset.records)
    return PoseEvaluation(
        dataset=dataset.name,
        model=str(getattr(predictor, "name", type(predictor).__name__)),
        boxes=description,
        metrics={name: metric.compute() for name, metric in chosen.items()},
        people=len(answers),
        images=len(set(identities)),
        detections=_coco_results(images, dataset, keypoints, keypoint_scores, scores, identities, kept),
        notes=tuple(notes),
    )


def _metrics(
    wanted: Sequence[str | Metric] | None,
    dataset: PoseDataset,
    images: EvaluationImages,
    annotated: bool,
    sigmas: float | Sequence[float] | None,
) -> dict[str, Metric]:
    if isinstance(wanted, str):
        wanted = (wanted,)
    if wanted is None:
        wanted = _default_metrics(dataset, annotated, sigmas)
    chosen: dict[str, Metric] = {}
    for entry in wanted:
        metric = _build(entry, dataset, images, sigmas) if isinstance(entry, str) else entry
        name = (
            entry
            if isinstance(entry, str)
            else next((n for n, kind in _KINDS.items() if isinstance(entry, kind)), type(entry).__name__)
        )
        if not annotated and not isinstance(metric, KeypointAveragePrecision):
            raise ValueError(
                f"{name} compares each annotated person with its own prediction: use boxes='ground_truth', or metrics=('ap',)"
            )
        while name in chosen:
            name = f"{name}_{len(chosen) + 1}"
        chosen[name] = metric
    if not chosen:
        raise ValueError(f"no metric to compute; known names: {', '.join(METRICS)}")
    return chosen


def _default_metrics(dataset: PoseDataset, annotated: bool, sigmas: float | Sequence[float] | None) -> list[str]:
    has_sigmas = sigmas is not None or dataset.keypoint_set.sigmas is not None
    if not annotated:
        return ["ap"]
    names = ["ap"] if dataset.format == "coco" and has_sigmas else []
    if any(record.head_size for record in dataset.records):
        names.append("pckh")
    return [*names, "pck"]


def _build(name: str, dataset: PoseDataset, images: EvaluationImages, sigmas: float | Sequence[float] | None) -> Metric:
    keypoint_set = dataset.keypoint_set
    if name == "ap":
        values = resolve_sigmas(sigmas, keypoint_set.sigmas, keypoint_set.num_keypoints, keypoint_set.name)
        if dataset.format != "coco":
            return KeypointAveragePrecision(keypoint_set, dataset.records, sigmas=values)
        return KeypointAveragePrecision(keypoint_set, dataset.annotation_file, sigmas=values, image_ids=list(images.paths))
    if name == "pck":
        torso = all(joint in keypoint_set.keypoints for joint in TORSO)
        return PCK(keypoint_set, "torso", (0.1, 0.2)) if torso else PCK(keypoint_set, "bbox", (0.05, 0.1))
    if name == "pckh":
        return PCKh(keypoint_set)
    if name == "nme":
        return NormalizedMeanError(keypoint_set, "box")
    raise ValueError(f"unknown metric {name!r}; {nearest_name(name, METRICS)}")


_KINDS: dict[str, type] = {"ap": KeypointAveragePrecision, "pck": PCK, "pckh": PCKh, "nme": NormalizedMeanError}


def _answers(
    predictor: PeoplePredictor, requests: list[PersonRequest], num_keypoints: int, progress: Callable[[int], None] | None
) -> list[PersonPrediction]:
    """Ask the predictor; put its answers in the order of the requests."""
    by_key: dict[int, PersonPrediction] = {}
    for answer in predictor.predict_people(requests, progress):
        shape = np.shape(answer.keypoints)
        if shape != (num_keypoints, 2):
            raise ValueError(
                f"the model gives keypoints of shape {shape} and the data set has ({num_keypoints}, 2): "
                "they must have the same keypoints"
            )
        by_key[answer.key] = answer
    missing = [request.key for request in requests if request.key not in by_key]
    if missing:
        raise ValueError(
            f"the predictor gave no answer for {len(missing)} of {len(requests)} people, the first being {missing[0]}"
        )
    return [by_key[request.key] for request in requests]


def _suppress(
    kind: str,
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    identities: list[str],
    sigmas: np.ndarray,
    threshold: float,
) -> np.ndarray:
    suppress = oks_nms if kind == "oks" else soft_oks_nms
    members: dict[str, list[int]] = defaultdict(list)
    for index, identity in enumerate(identities):
        members[identity].append(index)
    kept = [
        np.asarray(group)[suppress(keypoints[group], scores[group], areas[group], sigmas, threshold)]
        for group in members.values()
    ]
    return np.concatenate(kept) if kept else np.zeros(0, np.int64)


def _coco_results(
    images: EvaluationImages,
    dataset: PoseDataset,
    keypoints: np.ndarray,
    keypoint_scores: np.ndarray,
    scores: np.ndarray,
    identities: list[str],
    kept: np.ndarray,
) -> list[dict[str, Any]]:
    category = min(images.categories, key=str, default=1)
    ids = {str(record.image_id): record.image_id for record in dataset.records} | {
        key: value[0] for key, value in images.paths.items()
    }
    triples = np.concatenate([keypoints, keypoint_scores[..., None]], axis=2)
    return [
        {
            "image_id": ids[identities[i]],
            "category_id": category,
            "keypoints": triples[i].ravel().round(3).tolist(),
            "score": float(scores[i]),
        }
        for i in kept
    ]
