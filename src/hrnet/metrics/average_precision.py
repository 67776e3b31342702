"""Average precision of keypoints: COCO's metric, for any keypoint set that has sigmas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrnet.errors import MissingExtraError
from hrnet.metrics.coco_ground_truth import CATEGORY, CocoGroundTruth, ground_truth_from_file, ground_truth_from_records
from hrnet.metrics.inputs import prediction_array, score_array, truth_arrays
from hrnet.metrics.oks import resolve_sigmas
from hrnet.metrics.tables import json_number, plural, text_table
from hrnet.structures import KeypointSet, PersonRecord

NAMES = ("AP", "AP50", "AP75", "AP_medium", "AP_large", "AR", "AR50", "AR75", "AR_medium", "AR_large")


@dataclass(frozen=True)
class AveragePrecisionResult:
    """COCO's ten numbers, in 0..1; NaN where no annotated person falls into the range.

    Attributes:
        values: the numbers by name: `NAMES`.
        images, people, detections: what they rest on; people without those that COCO ignores.
        max_detections: best detections per picture that counted.
        ground_truth: where the people came from.
        estimated_areas: people whose area is 0.53 times their box, for want of an annotated one.
    """

    values: dict[str, float]
    images: int
    people: int
    detections: int
    max_detections: int
    ground_truth: str
    estimated_areas: int = 0

    @property
    def ap(self) -> float:
        return self.values["AP"]

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": "ap",
            **{name: json_number(value) for name, value in self.values.items()},
            "images": self.images,
            "people": self.people,
            "detections": self.detections,
            "max_detections": self.max_detections,
            "ground_truth": self.ground_truth,
            "estimated_areas": self.estimated_areas,
        }

    def summary(self) -> str:
        table = text_table(["OKS (%)", *NAMES], [["", *(100 * self.values[name] for name in NAMES)]])
        areas = f"; {self.estimated_areas} areas estimated as 0.53 x box" if self.estimated_areas else ""
        return (
            f"{table}\n{plural(self.detections, 'detection', 'detections')} (at most {self.max_detections} a picture), "
            f"{plural(self.people, 'person', 'people')} in {plural(self.images, 'picture', 'pictures')}; "
            f"ground truth: {self.ground_truth}{areas}"
        )


class KeypointAveragePrecision:
    """AP and AR over object keypoint similarity (OKS).

    COCO keypoint challenge, evaluation page: mean over OKS thresholds 0.50, 0.55, ..., 0.95 of the precision at 101 recall
    points; OKS as in `hrnet.metrics.oks.oks_to_ground_truth`; at most 20 detections per picture; medium people 32^2 to 96^2
    square pixels of annotated area, large ones above. Crowds and people without labelled keypoints are neither found nor
    missed, and a detection's own area, where it matters, is that of the box around all its keypoints. Equal scores keep
    the order added.

    Args:
        keypoint_set: the K keypoints, whose sigmas are used.
        ground_truth: a COCO annotation file (the way of published numbers), a list of records, or None to take the records
            that ``update`` brings (crowds and unlabelled people are then unknown, so a detection of one counts as wrong).
        sigmas: K numbers, or one for all; only needed where the keypoint set has none, or to replace them.
        max_detections: best detections per picture that count.
        image_ids: with a file: evaluate these pictures only.

    Raises:
        ValueError: when there are no sigmas. MissingExtraError: without faster-coco-eval (at ``compute``).
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        ground_truth: Path | str | Sequence[PersonRecord] | None = None,
        *,
        sigmas: float | Sequence[float] | np.ndarray | None = None,
        max_detections: int = 20,
        image_ids: Collection[int | str] | None = None,
    ) -> None:
        if max_detections < 1:
            raise ValueError(f"max_detections must be at least 1, got {max_detections}")
        self.keypoint_set = keypoint_set
        self.sigmas = resolve_sigmas(sigmas, keypoint_set.sigmas, keypoint_set.num_keypoints, keypoint_set.name)
        self.max_detections = max_detections
        self._truth: CocoGroundTruth | None = None
        if isinstance(ground_truth, (str, Path)):
            self._truth = ground_truth_from_file(ground_truth, keypoint_set.num_keypoints, image_ids)
        elif ground_truth is not None:
            truth_arrays(ground_truth, keypoint_set.num_keypoints)
            self._truth = ground_truth_from_records(ground_truth, keypoint_set.num_keypoints)
        self._records: list[PersonRecord] = []
        self._keypoints: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []
        self._images: list[str] = []

    def update(
        self,
        predictions: ArrayLike,
        records: Sequence[PersonRecord] | None = None,
        *,
        scores: ArrayLike | None = None,
        image_ids: Sequence[int | str] | None = None,
    ) -> None:
        """Add M detections.

        Args:
            predictions: (M, K, 2) pixels of the picture.
            records: annotated people. Without ``image_ids`` there must be M of them, and detection m lies in the picture of
                record m. They become ground truth unless that was given at the start.
            scores: (M,) person scores that rank the detections; all equal if None.
            image_ids: for each detection its picture; needed when detections do not stand beside records.
        """
        if records is None and image_ids is None:
            raise ValueError("update() needs records, or image_ids to say in which picture each detection lies")
        identities = [record.image_id for record in records or ()] if image_ids is None else list(image_ids)
        found = prediction_array(predictions, self.keypoint_set.num_keypoints, len(identities) if image_ids is None else None)
        if len(found) != len(identities):
            raise ValueError(f"{len(found)} detections came with {len(identities)} image_ids")
        ranks = np.ones(len(found)) if scores is None else score_array("scores", scores, len(found))
        if records is not None and self._truth is None:
            truth_arrays(records, self.keypoint_set.num_keypoints)
            self._records.extend(records)
        self._keypoints.append(found)
        self._scores.append(ranks)
        self._images.extend(str(identity) for identity in identities)

    def compute(self) -> AveragePrecisionResult:
        """Return COCO's ten numbers over everything added."""
        count = self.keypoint_set.num_keypoints
        truth = self._truth or ground_truth_from_records(self._records, count)
        unknown = sorted(set(self._images) - set(truth.image_ids))
        if unknown:
            raise ValueError(
                f"{len(unknown)} pictures with detections are not in the ground truth ({truth.source}), "
                f"such as {', '.join(unknown[:3])}"
            )
        keypoints = np.concatenate(self._keypoints) if self._keypoints else np.zeros((0, count, 2))
        scores = np.concatenate(self._scores) if self._scores else np.zeros(0)
        if truth.people:
            values = self._evaluate(truth, _results(keypoints, scores, [truth.image_ids[name] for name in self._images]))
        else:
            values = {name: float("nan") for name in NAMES}
        return AveragePrecisionResult(
            values=values,
            images=len(truth.image_ids),
            people=truth.people,
            detections=len(keypoints),
            max_detections=self.max_detections,
            ground_truth=truth.source,
            estimated_areas=truth.estimated_areas,
        )

    def _evaluate(self, truth: CocoGroundTruth, results: list[dict[str, Any]]) -> dict[str, float]:
        try:
            from faster_coco_eval.core.coco import COCO
            from faster_coco_eval.core.faster_eval_api import COCOeval_faster
        except ImportError as error:
            raise MissingExtraError("average precision needs faster-coco-eval: pip install 'hrnet[eval]'") from error
        annotated = COCO(truth.to_coco())
        evaluation = COCOeval_faster(
            annotated,
            annotated.loadRes(results),
            iouType="keypoints",
            kpt_oks_sigmas=self.sigmas.tolist(),
            print_function=_silent,
        )
        evaluation.params.maxDets = [self.max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
        # precision: (threshold, recall point, category, area, limit), recall: (threshold, category, area, limit);
        # -1 stands for "no person".
        precision, recall = np.asarray(evaluation.eval["precision"]), np.asarray(evaluation.eval["recall"])
        values = {}
        for name, table in (("AP", precision), ("AR", recall)):
            values[name] = _mean(table[..., 0, 0])
            values[f"{name}50"], values[f"{name}75"] = _mean(table[0, ..., 0, 0]), _mean(table[5, ..., 0, 0])
            values[f"{name}_medium"], values[f"{name}_large"] = _mean(table[..., 1, 0]), _mean(table[..., 2, 0])
        return {name: values[name] for name in NAMES}


def _results(keypoints: np.ndarray, scores: np.ndarray, images: list[int]) -> list[dict[str, Any]]:
    triples = np.concatenate([keypoints, np.ones((*keypoints.shape[:2], 1))], axis=2)
    return [
        {"image_id": image, "category_id": CATEGORY, "keypoints": points.ravel().tolist(), "score": float(score)}
        for image, points, score in zip(images, triples, scores, strict=True)
    ]


def _mean(table: np.ndarray) -> float:
    valid = table[table > -1]
    return float(valid.mean()) if valid.size else float("nan")


def _silent(*_: object) -> None:
    """The evaluator reports its progress through a function; the caller's terminal is not its place."""
