"""Average precision on CrowdPose: of all pictures, and of those that are little, fairly and very crowded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrnet.errors import AnnotationError
from hrnet.metrics.coco_ground_truth import CocoGroundTruth, ground_truth_from_file
from hrnet.metrics.multi_person_average_precision import AbsentJoints, MultiPersonAveragePrecision
from hrnet.metrics.tables import json_number, plural, text_table
from hrnet.structures import KeypointSet

SPLITS = ("easy", "medium", "hard")
NAMES = ("AP", "AP50", "AP75", "AR", "AR50", "AR75", *(f"AP_{split}" for split in SPLITS))
_AREA_OF_BOX = 0.53


@dataclass(frozen=True)
class CrowdAveragePrecisionResult:
    """CrowdPose's nine numbers, in 0..1; NaN where nobody is annotated.

    Attributes:
        values: the numbers by name: `NAMES`.
        images, people, detections: what they rest on; people without those that are ignored.
        images_of_split: pictures of each of `SPLITS`.
        max_detections: best detections per picture that counted.
        ground_truth: where the people came from.
    """

    values: dict[str, float]
    images: int
    people: int
    detections: int
    images_of_split: dict[str, int]
    max_detections: int
    ground_truth: str

    @property
    def ap(self) -> float:
        return self.values["AP"]

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": "crowd_ap",
            **{name: json_number(value) for name, value in self.values.items()},
            "images": self.images,
            "images_of_split": dict(self.images_of_split),
            "people": self.people,
            "detections": self.detections,
            "max_detections": self.max_detections,
            "ground_truth": self.ground_truth,
        }

    def summary(self) -> str:
        table = text_table(["CrowdPose (%)", *NAMES], [["", *(100 * self.values[name] for name in NAMES)]])
        splits = ", ".join(f"{count} {split}" for split, count in self.images_of_split.items())
        return (
            f"{table}\n{plural(self.detections, 'detection', 'detections')} (at most {self.max_detections} a picture), "
            f"{plural(self.people, 'person', 'people')} in {plural(self.images, 'picture', 'pictures')} ({splits}); "
            f"areas are 0.53 x box; ground truth: {self.ground_truth}"
        )


class CrowdAveragePrecision:
    """AP and AR as CrowdPose defines them (Li et al., CVPR 2019, section 5.1).

    COCO's metric with four differences: the area of an annotated person is always 0.53 times the box; there are no medium and
    large people; AP is also given for the pictures of each split alone; the sigmas are those of 14 joints. CrowdPose's own tool
    rounds the numbers of the splits to four decimals, which is not done here.

    Args:
        keypoint_set: the K keypoints, whose sigmas are used.
        ground_truth: annotation file, or what was read of one.
        splits: id of a picture, as text -> its split, one of `SPLITS`, which `hrnet.data.datasets.crowdpose.crowding` gives for
            a crowd index. Every picture of the ground truth must have one.
        absent, sigmas, max_detections: as of `MultiPersonAveragePrecision`.

    Raises:
        AnnotationError: a picture has no split, or the file is broken.
        ValueError: an unknown split, or as `MultiPersonAveragePrecision`.
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        ground_truth: CocoGroundTruth | Path | str,
        splits: Mapping[str, str],
        *,
        absent: AbsentJoints = "nowhere",
        sigmas: float | Sequence[float] | np.ndarray | None = None,
        max_detections: int = 20,
    ) -> None:
        truth = ground_truth
        if not isinstance(truth, CocoGroundTruth):
            truth = ground_truth_from_file(truth, keypoint_set.num_keypoints)
        without = [name for name in truth.image_ids if name not in splits]
        if without:
            raise AnnotationError(
                f"{len(without)} of the {len(truth.image_ids)} pictures of {truth.source} have no crowd index, "
                f"such as {without[0]}: measure COCO's AP instead"
            )
        if unknown := set(splits.values()) - set(SPLITS):
            raise ValueError(f"a split is one of {', '.join(SPLITS)}, got {', '.join(map(repr, sorted(unknown)))}")
        annotations = [{**a, "area": _AREA_OF_BOX * a["bbox"][2] * a["bbox"][3]} for a in truth.annotations]
        truth = replace(truth, annotations=annotations, estimated_areas=len(annotations))
        self.splits = {name: splits[name] for name in truth.image_ids}
        options: dict[str, Any] = {"absent": absent, "sigmas": sigmas, "max_detections": max_detections}
        self._all = MultiPersonAveragePrecision(keypoint_set, truth, **options)
        self._parts = {
            split: MultiPersonAveragePrecision(keypoint_set, _part(truth, self.splits, split), **options) for split in SPLITS
        }

    def update(
        self,
        predictions: ArrayLike,
        *,
        image_ids: Sequence[int | str],
        scores: ArrayLike | None = None,
        found: ArrayLike | None = None,
    ) -> None:
        """Add M detections; arguments as of `MultiPersonAveragePrecision.update`."""
        self._all.update(predictions, image_ids=image_ids, scores=scores, found=found)
        for split, metric in self._parts.items():
            rows = [row for row, identity in enumerate(image_ids) if self.splits.get(str(identity)) == split]
            if rows:
                metric.update(
                    np.asarray(predictions)[rows],
                    image_ids=[image_ids[row] for row in rows],
                    scores=None if scores is None else np.asarray(scores)[rows],
                    found=None if found is None else np.asarray(found)[rows],
                )

    def compute(self) -> CrowdAveragePrecisionResult:
        """Return CrowdPose's nine numbers over everything added."""
        whole = self._all.compute()
        values = {name: whole.values[name] for name in NAMES[:6]}
        values |= {f"AP_{split}": metric.compute().ap for split, metric in self._parts.items()}
        return CrowdAveragePrecisionResult(
            values=values,
            images=whole.images,
            people=whole.people,
            detections=whole.detections,
            images_of_split={split: list(self.splits.values()).count(split) for split in SPLITS},
            max_detections=whole.max_detections,
            ground_truth=whole.ground_truth,
        )


def _part(truth: CocoGroundTruth, splits: Mapping[str, str], split: str) -> CocoGroundTruth:
    """The ground truth of the pictures of one split."""
    numbers = {name: number for name, number in truth.image_ids.items() if splits[name] == split}
    kept = set(numbers.values())
    return replace(truth, image_ids=numbers, annotations=[a for a in truth.annotations if a["image_id"] in kept])
