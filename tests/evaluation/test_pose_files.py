"""Which way of evaluating a predictor gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hrnet.evaluation.multi_person_result import MultiPersonEvaluation
from hrnet.evaluation.pose_files import evaluate_pose_files
from hrnet.inference.requests import PersonPrediction, PersonRequest
from hrnet.inference.sources import Frame
from hrnet.structures import KeypointSet, PoseResult

pytest.importorskip("faster_coco_eval")

BODY = KeypointSet("crowdpose", tuple(f"k{k}" for k in range(14)), tuple(range(14)))
POINTS = np.stack([np.arange(14.0) * 5, (np.arange(14.0) * 37) % 90], axis=1)


class BottomUp:
    name = "bottom-up"

    def stream(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, PoseResult | None]]:
        for frame in frames:
            found = POINTS[None], np.ones((1, 14)), np.zeros((1, 4)), [0.5], [0.5]
            yield frame, PoseResult(*found, BODY, (100, 100))  # pyright: ignore[reportArgumentType]


class TopDown(BottomUp):
    name = "top-down"

    def predict_people(
        self, requests: Iterable[PersonRequest], progress: Callable[[int], None] | None = None
    ) -> Iterator[PersonPrediction]:
        for request in requests:
            yield PersonPrediction(request.key, POINTS, np.ones(14), np.array([50, 50]), np.array([100, 100]))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    triples = np.concatenate([POINTS, np.full((14, 1), 2)], axis=1).ravel().tolist()
    person = {"id": 1, "image_id": 1, "category_id": 1, "keypoints": triples, "num_keypoints": 14, "bbox": [0, 0, 70, 90]}
    images = [{"id": n, "file_name": f"{n}.png", "width": 100, "height": 100, "crowdIndex": 0.5} for n in (1, 2)]
    # As in CrowdPose's files, the skeleton is that of another set.
    category = {"id": 1, "name": "person", "keypoints": list(BODY.keypoints), "skeleton": [[16, 14]]}
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({"images": images, "annotations": [person], "categories": [category]}))
    for n in (1, 2):
        Image.new("RGB", (100, 100)).save(tmp_path / f"{n}.png")
    return path, tmp_path


def test_bottom_up_models_and_detectors_look_at_whole_pictures(files: tuple[Path, Path]) -> None:
    totals: list[int | None] = []

    def begin(total: int | None) -> Callable[[int], None]:
        totals.append(total)
        return lambda _: None

    for predictor, options in [(BottomUp(), {}), (TopDown(), {"whole_pictures": True})]:
        result = evaluate_pose_files(predictor, *files, **options, begin=begin)
        assert isinstance(result, MultiPersonEvaluation)
        assert list(result.metrics) == ["crowd_ap", "errors"]
        assert result.images == 2
    assert totals == [2, 2]
    assert list(evaluate_pose_files(BottomUp(), *files, crowdpose=False, keypoint_set="crowdpose").metrics) == ["ap", "errors"]


def test_top_down_models_are_asked_about_annotated_people(files: tuple[Path, Path]) -> None:
    result = evaluate_pose_files(TopDown(), *files, metrics=("ap", "pck"))
    assert not isinstance(result, MultiPersonEvaluation)
    assert result.boxes.startswith("ground truth")
    assert list(result.metrics) == ["ap", "pck"]


@pytest.mark.parametrize(
    ("predictor", "options", "message"),
    [
        (BottomUp(), {"boxes": "boxes.json"}, "boxes are for top-down models.*by itself"),
        (TopDown(), {"boxes": "boxes.json", "whole_pictures": True}, "the detector is asked"),
        (TopDown(), {"crowdpose": True}, "needs a detector"),
        (BottomUp(), {"metrics": ("pck",)}, "pck compares each annotated person"),
    ],
)
def test_options_that_do_not_go_together(
    predictor: Any, options: dict[str, Any], message: str, files: tuple[Path, Path]
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_pose_files(predictor, *files, **options)
