"""Evaluate a predictor of facial landmarks on a data set, as a whole and on its subsets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.atomic_files import write_atomically
from hrnet.data.datasets.face_dataset import FaceDataset
from hrnet.drawing import encode_picture
from hrnet.errors import nearest_name
from hrnet.evaluation.person_requests import annotated_requests
from hrnet.evaluation.result_folder import save_numbers
from hrnet.inference.requests import PeoplePredictor
from hrnet.metrics.error_curve import ErrorCurve, curves_to_csv, draw_error_curves, error_curve
from hrnet.metrics.face_alignment import FaceNormalizer, face_alignment, usual_normalizer
from hrnet.metrics.nme import NMEResult
from hrnet.metrics.tables import csv_text, plural, text_table
from hrnet.structures import KeypointSet, PoseDataset

ALL_FACES = "all"


@dataclass(frozen=True)
class FaceEvaluation:
    """Errors on a data set of faces and on its subsets.

    Attributes:
        dataset, model: names.
        results: subset -> its numbers; the first is ``"all"``.
        faces, images: how many faces were predicted, in how many pictures.
        predictions: for each face its picture and id, its error (None where it cannot be normalised), and its landmarks.
        notes: remarks that belong to the numbers.
    """

    dataset: str
    model: str
    results: dict[str, NMEResult]
    faces: int
    images: int
    predictions: list[dict[str, Any]] = field(default_factory=list, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def curves(self) -> dict[str, ErrorCurve]:
        """The cumulative error curve of each subset, up to the limit of the AUC."""
        return {name: error_curve(result.per_instance, result.auc_limit) for name, result in self.results.items()}

    def summary(self) -> str:
        """Plain text: what was evaluated, a table with a row for each subset, and the landmarks with the largest errors."""
        first = self.results[ALL_FACES]
        head = [
            f"{self.model} on {self.dataset}",
            f"{plural(self.faces, 'face', 'faces')} in {plural(self.images, 'picture', 'pictures')}, annotated boxes",
            *(f"note: {note}" for note in self.notes),
        ]
        rates = [f"FR > {100 * threshold:g} %" for threshold in first.failure_rates]
        rows = []
        for name, result in self.results.items():
            failures = (100 * rate for rate in result.failure_rates.values())
            rows.append([name, result.instances, 100 * result.mean, *failures, 100 * result.auc])
        table = text_table(["subset", "faces", "NME %", *rates, f"AUC to {100 * first.auc_limit:g} %"], rows, digits=2)
        skipped = f"; {first.skipped} left out, their normaliser is 0 or not labelled" if first.skipped else ""
        worst = np.argsort(-np.nan_to_num(first.per_keypoint, nan=-1.0), kind="stable")[:5]
        landmarks = ", ".join(f"{first.keypoints[k]} {100 * first.per_keypoint[k]:.2f}" for k in worst)
        return "\n\n".join(
            ["\n".join(head), f"{table}\nnormaliser: {first.normalizer}{skipped}\nlargest errors (%): {landmarks}"]
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "model": self.model,
            "faces": self.faces,
            "images": self.images,
            "notes": list(self.notes),
            "results": {name: result.to_dict() for name, result in self.results.items()},
        }

    def save(self, folder: Path | str) -> Path:
        """Write the numbers, the curves, and what was predicted.

        These are ``metrics.json``, ``summary.txt``, ``error_curves.csv``, ``error_curves.png``, ``faces.csv`` (the error of
        each face) and ``predictions.json``. Each file appears whole or not at all.

        Raises:
            OSError: the folder cannot be written.
        """
        folder = save_numbers(self, folder)
        curves = self.curves
        write_atomically(folder / "error_curves.csv", curves_to_csv(curves))
        picture = draw_error_curves(curves, f"{self.model} on {self.dataset}")
        write_atomically(folder / "error_curves.png", encode_picture(picture, ".png"))
        write_atomically(folder / "faces.csv", self._faces_csv())
        write_atomically(folder / "predictions.json", json.dumps(self.predictions, allow_nan=False) + "\n")
        return folder

    def _faces_csv(self) -> str:
        rows = (
            [face["image_id"], face["annotation_id"], "" if face["nme"] is None else f"{face['nme']:.6g}"]
            for face in self.predictions
        )
        return csv_text(["image_id", "annotation_id", "nme"], rows)


def evaluate_faces(
    predictor: PeoplePredictor,
    dataset: PoseDataset,
    normalizer: FaceNormalizer | None = None,
    *,
    subsets: Sequence[str] | None = None,
    failure_thresholds: Sequence[float] = (0.08, 0.10),
    auc_limit: float = 0.10,
    progress: Callable[[int], None] | None = None,
) -> FaceEvaluation:
    """Predict the landmarks of every annotated face in its annotated box, and measure.

    Args:
        predictor: answers person requests; the code that users run.
        dataset: faces; with subsets where it is a `FaceDataset`.
        normalizer: what errors are divided by, see `hrnet.metrics.face_alignment.face_lengths`; None for that of published
            scores.
        subsets: names of those to report; None for all.
        failure_thresholds, auc_limit: of the failure rates, and where the error curve ends.
        progress: called with the number of faces done since the last call.

    Raises:
        ValueError: the data set is empty or has no such subset, or the predictor has other landmarks.
    """
    if not len(dataset):
        raise ValueError(f"{dataset.name} has no faces to evaluate on")
    parts = dict(dataset.subsets) if isinstance(dataset, FaceDataset) else {}
    if subsets is not None:
        for name in subsets:
            if name not in parts:
                known = nearest_name(name, parts)
                raise ValueError(f"{dataset.name} has no subset {name!r}; {known}")
        parts = {name: parts[name] for name in subsets}
    keypoint_set = dataset.keypoint_set
    _check_landmarks(getattr(predictor, "keypoint_set", None), dataset)
    answers = {answer.key: answer for answer in predictor.predict_people(annotated_requests(dataset), progress)}
    if len(answers) != len(dataset):
        raise ValueError(f"the predictor gave {len(answers)} answers for {len(dataset)} faces")
    landmarks = np.stack([answers[index].keypoints for index in range(len(dataset))])
    chosen = normalizer or usual_normalizer(keypoint_set)

    def measured(indices: np.ndarray) -> NMEResult:
        records = [dataset.records[index] for index in indices]
        return face_alignment(landmarks[indices], records, keypoint_set, chosen, failure_thresholds, auc_limit)

    # One face at a time for the list, since faces without a length are left out of what is measured together.
    single = [measured(np.array([index])) for index in range(len(dataset))]
    return FaceEvaluation(
        dataset=dataset.name,
        model=str(getattr(predictor, "name", type(predictor).__name__)),
        results={ALL_FACES: measured(np.arange(len(dataset))), **{name: measured(part) for name, part in parts.items()}},
        faces=len(dataset),
        images=len({str(record.image_id) for record in dataset.records}),
        predictions=[
            {
                "image_id": record.image_id,
                "annotation_id": record.annotation_id,
                "nme": float(result.mean) if result.instances else None,
                "landmarks": points.round(3).tolist(),
            }
            for record, result, points in zip(dataset.records, single, landmarks, strict=True)
        ],
    )


def _check_landmarks(known: KeypointSet | None, dataset: PoseDataset) -> None:
    wanted = dataset.keypoint_set
    if known is not None and known.num_keypoints != wanted.num_keypoints:
        raise ValueError(
            f"the model gives {known.num_keypoints} landmarks ({known.name}) and {dataset.name} has {wanted.num_keypoints} "
            f"({wanted.name}): they must have the same landmarks"
        )
