"""Average precision of instance masks: COCO's metric, for any classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrnet.errors import MissingExtraError
from hrnet.metrics.tables import json_number, plural, text_table
from hrnet.structures.instance_result import InstanceResult
from hrnet.structures.labelled_instances import LabelledInstances
from hrnet.structures.run_lengths import area_of_runs, box_of_runs, compress_runs

NAMES = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR")


@dataclass(frozen=True)
class MaskAveragePrecisionResult:
    """COCO's numbers for masks, in 0..1; NaN where no labelled instance falls into the range.

    Attributes:
        values: the numbers by name: `NAMES`.
        per_class: AP of each class, by name.
        images, instances, detections: what they rest on; instances without crowds.
        max_detections: best detections of a picture and class that counted.
    """

    values: dict[str, float]
    per_class: dict[str, float]
    images: int
    instances: int
    detections: int
    max_detections: int

    @property
    def ap(self) -> float:
        return self.values["AP"]

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": "mask_ap",
            **{name: json_number(value) for name, value in self.values.items()},
            "per_class": {name: json_number(value) for name, value in self.per_class.items()},
            "images": self.images,
            "instances": self.instances,
            "detections": self.detections,
            "max_detections": self.max_detections,
        }

    def summary(self) -> str:
        rows: list[list[str | float]] = [["", *(100 * self.values[name] for name in NAMES)]]
        table = text_table(["mask IoU (%)", *NAMES], rows)
        if len(self.per_class) > 1:
            table += "\n\n" + text_table(["class", "AP"], [[name, 100 * value] for name, value in self.per_class.items()])
        return (
            f"{table}\n{plural(self.detections, 'detection', 'detections')} "
            f"(at most {self.max_detections} of a class in a picture), "
            f"{plural(self.instances, 'instance', 'instances')} in {plural(self.images, 'picture', 'pictures')}"
        )


class MaskAveragePrecision:
    """AP and AR over the intersection over union of masks.

    COCO detection challenge, evaluation page: mean over IoU thresholds 0.50, 0.55, ..., 0.95 and classes of the precision at
    101 recall points; at most 100 detections of a picture and class; small instances up to 32^2 pixels of their mask, medium
    ones up to 96^2. What is found in a crowd is neither right nor wrong.

    Args:
        class_names: of the C classes.
        max_detections: best detections of a picture and class that count.

    Raises:
        MissingExtraError: without faster-coco-eval (at ``compute``).
    """

    def __init__(self, class_names: Sequence[str], max_detections: int = 100) -> None:
        if max_detections < 1:
            raise ValueError(f"max_detections must be at least 1, got {max_detections}")
        self.class_names = tuple(class_names)
        self.max_detections = max_detections
        self._truth: list[LabelledInstances] = []
        self._detections: list[dict[str, Any]] = []

    def update(self, result: InstanceResult, truth: LabelledInstances) -> None:
        """Add one picture: what was found, and what is there.

        Raises:
            ValueError: they are of pictures of different sizes, or of other classes than the metric's.
        """
        if tuple(result.image_size) != tuple(truth.image_size):
            raise ValueError(f"the result is for a picture of {result.image_size}, the labels for one of {truth.image_size}")
        if result.class_names != self.class_names:
            raise ValueError(f"expected results with the classes {self.class_names}, got {result.class_names}")
        if len(truth) and not (truth.class_ids.min() >= 0 and truth.class_ids.max() < len(self.class_names)):
            raise ValueError(f"labels of class {int(truth.class_ids.max())}, there are {len(self.class_names)} classes")
        self._truth.append(truth)
        self._detections += result.to_coco(len(self._truth))

    def compute(self) -> MaskAveragePrecisionResult:
        """Return COCO's numbers over everything added."""
        annotations = self._annotations()
        instances = sum(not annotation["iscrowd"] for annotation in annotations)
        if instances:
            values, per_class = self._evaluate(annotations)
        else:
            values, per_class = ({name: float("nan") for name in names} for names in (NAMES, self.class_names))
        return MaskAveragePrecisionResult(
            values, per_class, len(self._truth), instances, len(self._detections), self.max_detections
        )

    def _annotations(self) -> list[dict[str, Any]]:
        annotations = []
        for image_id, truth in enumerate(self._truth, start=1):
            size = [int(side) for side in truth.image_size]
            for runs, class_id, crowd in zip(truth.runs, truth.class_ids, truth.crowd, strict=True):
                left, top, right, bottom = box_of_runs(runs, size[0]).tolist()
                annotations.append(
                    {
                        "id": len(annotations) + 1,  # 0 would read as "unmatched"
                        "image_id": image_id,
                        "category_id": int(class_id) + 1,
                        "segmentation": {"size": size, "counts": compress_runs(runs)},
                        "area": float(area_of_runs(runs)),
                        "bbox": [left, top, right - left + 1, bottom - top + 1],
                        "iscrowd": int(crowd),
                    }
                )
        return annotations

    def _evaluate(self, annotations: list[dict[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
        try:
            from faster_coco_eval.core.coco import COCO
            from faster_coco_eval.core.faster_eval_api import COCOeval_faster
        except ImportError as error:
            raise MissingExtraError("average precision needs faster-coco-eval: pip install 'hrnet[eval]'") from error
        images = [
            {"id": number, "height": int(truth.image_size[0]), "width": int(truth.image_size[1])}
            for number, truth in enumerate(self._truth, start=1)
        ]
        categories = [{"id": number, "name": name} for number, name in enumerate(self.class_names, start=1)]
        annotated = COCO({"images": images, "annotations": annotations, "categories": categories})
        found = annotated.loadRes(self._detections)
        evaluation = COCOeval_faster(annotated, found, iouType="segm", print_function=_silent)
        evaluation.params.maxDets = [self.max_detections]
        evaluation.evaluate()
        evaluation.accumulate()
        # precision: (threshold, recall point, category, area, limit), recall: (threshold, category, area, limit); areas: all,
        # small, medium, large; -1 stands for "no instance".
        precision, recall = np.asarray(evaluation.eval["precision"]), np.asarray(evaluation.eval["recall"])
        values = {"AP": _mean(precision[..., 0, 0]), "AR": _mean(recall[..., 0, 0])}
        values |= {"AP50": _mean(precision[0, ..., 0, 0]), "AP75": _mean(precision[5, ..., 0, 0])}
        values |= {f"AP_{name}": _mean(precision[..., 1 + place, 0]) for place, name in enumerate(("small", "medium", "large"))}
        per_class = {name: _mean(precision[:, :, place, 0, 0]) for place, name in enumerate(self.class_names)}
        return {name: values[name] for name in NAMES}, per_class


def _mean(table: np.ndarray) -> float:
    valid = table[table > -1]
    return float(valid.mean()) if valid.size else float("nan")


def _silent(*_: object) -> None:
    """The evaluator reports its progress through a function; the caller's terminal is not its place."""
