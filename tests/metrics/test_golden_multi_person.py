"""Evaluation of bottom-up pose against recorded numbers, on COCO and on CrowdPose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden.multi_person_evaluation import COCO_STATS, CROWD_STATS, annotation_file, recorded

from hrnet.data.datasets.crowdpose import crowding
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.metrics.crowd_average_precision import NAMES, CrowdAveragePrecision
from hrnet.metrics.multi_person_average_precision import MultiPersonAveragePrecision, place_absent

pytest.importorskip("faster_coco_eval")


def test_coco(tmp_path: Path) -> None:
    arrays = recorded("bu_coco_evaluate")
    points = arrays["in/pred_keypoints"]
    metric = MultiPersonAveragePrecision(
        keypoint_set("coco"), annotation_file("bu_coco_evaluate", tmp_path), absent="published"
    )
    metric.update(points[..., :2], scores=arrays["in/pred_score"], image_ids=arrays["in/pred_image_id"].tolist())
    values = metric.compute().values
    np.testing.assert_allclose([values[name] for name in COCO_STATS], arrays["out/stats"], atol=1e-6)


def test_result_boxes() -> None:
    arrays = recorded("bu_coco_evaluate")
    points, found = arrays["in/pred_keypoints"][..., :2].astype(float), arrays["in/pred_keypoints"][..., 2] > 0
    assert not found.all()
    _, boxes = place_absent(points, found, "published")
    np.testing.assert_allclose(boxes, arrays["out/result_bbox_xywh"], atol=1e-4)
    _, tight = place_absent(points, found, "nowhere")
    np.testing.assert_allclose(tight[found.all(axis=1)], boxes[found.all(axis=1)])
    assert (tight[~found.all(axis=1), 2:] < boxes[~found.all(axis=1), 2:]).all()


@pytest.mark.parametrize("absent", ["nowhere", "published"])
def test_crowdpose(absent, tmp_path: Path) -> None:
    arrays = recorded("bu_crowdpose_evaluate")
    points = arrays["in/pred_keypoints"]
    splits = {str(name): crowding(index) for name, index in zip(arrays["in/image_id"], arrays["in/crowd_index"], strict=True)}
    path = annotation_file("bu_crowdpose_evaluate", tmp_path)
    metric = CrowdAveragePrecision(keypoint_set("crowdpose"), path, splits, absent=absent)
    for rows in np.array_split(np.arange(len(points)), 4):
        metric.update(
            points[rows, :, :2],
            scores=arrays["in/pred_score"][rows],
            image_ids=arrays["in/pred_image_id"][rows].tolist(),
            found=points[rows, :, 2] > 0,
        )
    result = metric.compute()
    assert NAMES == CROWD_STATS
    values = np.array([result.values[name] for name in NAMES])
    values[6:] = values[6:].round(4)  # as the recorded ones
    np.testing.assert_allclose(values, arrays["out/stats"], atol=1e-6)
    assert result.images_of_split == {"easy": 4, "medium": 6, "hard": 4}
    assert result.people == int((arrays["in/gt_num_keypoints"] > 0).sum())
