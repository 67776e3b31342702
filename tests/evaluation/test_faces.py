"""evaluate_faces with a predictor that knows the answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hrnet.data.datasets.face_dataset import FaceDataset, face_record
from hrnet.data.images import read_image
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.evaluation.faces import evaluate_faces
from hrnet.inference.requests import PersonPrediction, PersonRequest

SET = keypoint_set("cofw")


class Oracle:
    """Gives the annotated landmarks, moved to the right by ``errors`` times the distance of the eyes; answers backwards."""

    name = "oracle"
    keypoint_set = SET

    def __init__(self, dataset: FaceDataset, errors: list[float]) -> None:
        self.dataset, self.errors = dataset, errors

    def predict_people(
        self, requests: Iterable[PersonRequest], progress: Callable[[int], None] | None = None
    ) -> Iterator[PersonPrediction]:
        for request in reversed(list(requests)):
            points = self.dataset.records[request.key].keypoints
            shift = np.linalg.norm(points[8] - points[9]) * self.errors[request.key]
            if progress:
                progress(1)
            yield PersonPrediction(request.key, points + np.array([shift, 0.0]), np.ones(29), points.mean(0), np.ones(2))


def dataset(count: int = 4) -> FaceDataset:
    random = np.random.default_rng(0)
    records = [face_record(Path(f"{n}.jpg"), f"{n}.jpg", n, random.uniform(0, 100, (29, 2))) for n in range(count)]
    subsets = {"easy": np.array([0, 1]), "hard": np.array([2, 3]), "none": np.array([], int)}
    return FaceDataset("drawn", SET, records, Path("drawn.csv"), "csv", subsets)


def test_errors_by_subset() -> None:
    data, done = dataset(), []
    result = evaluate_faces(Oracle(data, [0.01, 0.03, 0.05, 0.2]), data, progress=done.append)
    assert done == [1] * 4
    assert list(result.results) == ["all", "easy", "hard", "none"]
    assert result.results["all"].mean == pytest.approx(0.0725)
    assert result.results["easy"].mean == pytest.approx(0.02)
    assert result.results["hard"].failure_rates[0.1] == 0.5
    assert result.results["easy"].auc == pytest.approx(0.8)
    assert np.isnan(result.results["none"].mean)
    assert [face["nme"] for face in result.predictions] == pytest.approx([0.01, 0.03, 0.05, 0.2])
    summary = result.summary()
    assert "oracle on drawn" in summary
    assert "distance of the outer eye corners" in summary
    assert [line.split()[:3] for line in summary.splitlines() if line.startswith("hard")] == [["hard", "2", "12.50"]]
    chosen = evaluate_faces(Oracle(data, [0.0] * 4), data, "box", subsets=["hard"])
    assert list(chosen.results) == ["all", "hard"]


def test_what_is_saved(tmp_path: Path) -> None:
    data = dataset()
    folder = evaluate_faces(Oracle(data, [0.01, 0.03, 0.05, 0.2]), data).save(tmp_path / "evaluation")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["results"]["easy"]["mean"] == pytest.approx(0.02)
    assert metrics["results"]["none"]["mean"] is None
    rows = list(csv.DictReader((folder / "error_curves.csv").open()))
    assert [float(row["all"]) for row in rows[::20]] == pytest.approx([0, 0.25, 0.5, 0.75, 0.75, 0.75])
    assert rows[0]["none"] == ""
    assert read_image(folder / "error_curves.png").shape == (600, 800, 3)
    assert (folder / "faces.csv").read_text().splitlines()[1] == "0.jpg,0,0.01"
    assert len(json.loads((folder / "predictions.json").read_text())[3]["landmarks"]) == 29
    assert "NME" in (folder / "summary.txt").read_text()


def test_faces_whose_eyes_coincide_are_left_out() -> None:
    data = dataset()
    data.records[1].keypoints[8] = data.records[1].keypoints[9]
    result = evaluate_faces(Oracle(data, [0.01] * 4), data)
    assert (result.results["all"].instances, result.results["all"].skipped) == (3, 1)
    assert result.predictions[1]["nme"] is None
    assert "1 left out" in result.summary()


def test_bad_input() -> None:
    data = dataset()
    oracle = Oracle(data, [0.0] * 4)
    with pytest.raises(ValueError, match="no faces to evaluate"):
        evaluate_faces(oracle, dataset(0))
    with pytest.raises(ValueError, match="no subset 'hart'; did you mean 'hard'"):
        evaluate_faces(oracle, data, subsets=["hart"])
    with pytest.raises(ValueError, match="no normalizer 'eyes'"):
        evaluate_faces(oracle, data, "eyes")  # pyright: ignore[reportArgumentType]
    oracle.keypoint_set = keypoint_set("wflw")
    with pytest.raises(ValueError, match=r"98 landmarks .* has 29"):
        evaluate_faces(oracle, data)
