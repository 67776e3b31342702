"""Metrics and suppression against reference numbers (tests/golden/topdown_metrics.npz and .json)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hrnet.inference.suppression import box_nms, oks_nms, rescore, soft_oks_nms
from hrnet.metrics import KeypointAveragePrecision, NormalizedMeanError, PCKh, oks
from hrnet.metrics.average_precision import NAMES
from hrnet.metrics.pckh import head_sizes_of_boxes
from hrnet.structures import KeypointSet, PersonRecord

FOLDER = Path(__file__).parent
ARRAYS = dict(np.load(FOLDER / "topdown_metrics.npz"))
VALUES = json.loads((FOLDER / "topdown_metrics.json").read_text())
COCO_SIGMAS = (
    0.026,
    *[0.025] * 2,
    *[0.035] * 2,
    *[0.079] * 2,
    *[0.072] * 2,
    *[0.062] * 2,
    *[0.107] * 2,
    *[0.087] * 2,
    *[0.089] * 2,
)
MPII = KeypointSet(
    "mpii",
    (
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("pelvis", "thorax", "upper_neck", "head_top"),
        *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    ),
    (5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10),
)


def anonymous_set(count: int, sigmas: tuple[float, ...] | None = None) -> KeypointSet:
    return KeypointSet(f"k{count}", tuple(f"p{k}" for k in range(count)), tuple(range(count)), sigmas=sigmas)


def record(keypoints: np.ndarray, visibility: np.ndarray, **changes: object) -> PersonRecord:
    fields = {"image": Path("a.jpg"), "image_id": 1, "annotation_id": 1, "box": np.asarray([0.0, 0, 10, 10]), **changes}
    return PersonRecord(keypoints=keypoints, visibility=visibility, **fields)  # type: ignore[arg-type]


def test_oks_matrices() -> None:
    points, areas = ARRAYS["td_oks_nms/in/keypoints"][..., :2], ARRAYS["td_oks_nms/in/areas"]
    found = oks(points, points, areas, areas, COCO_SIGMAS)
    np.testing.assert_allclose(found, ARRAYS["td_oks_nms/out/oks_matrix"], atol=1e-7, rtol=0)
    fewer = oks(points[:, :14], points[:, :14], areas, areas, ARRAYS["td_oks_nms/in/crowdpose_sigmas"])
    np.testing.assert_allclose(fewer, ARRAYS["td_oks_nms/out/oks_matrix_first14_crowdpose"], atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    ("suppress", "name"),
    [
        (oks_nms, "oks_nms_90"),
        (oks_nms, "oks_nms_50"),
        (oks_nms, "oks_nms_20"),
        (soft_oks_nms, "soft_oks_nms_90"),
        (soft_oks_nms, "soft_oks_nms_50"),
    ],
)
def test_oks_suppression(suppress, name: str) -> None:
    points, areas, scores = (ARRAYS[f"td_oks_nms/in/{key}"] for key in ("keypoints", "areas", "scores"))
    kept = suppress(points[..., :2], scores, areas, COCO_SIGMAS, int(name[-2:]) / 100)
    np.testing.assert_array_equal(kept, ARRAYS[f"td_oks_nms/out/keep_{name}"])


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_box_suppression(threshold: float) -> None:
    boxes = ARRAYS["td_box_nms/in/dets_x1y1x2y2s"]
    kept = box_nms(boxes[:, :4], boxes[:, 4], threshold)
    np.testing.assert_array_equal(kept, ARRAYS[f"td_box_nms/out/keep_0{threshold * 100:.0f}"])


def test_running_accuracy() -> None:
    torch = pytest.importorskip("torch")
    from hrnet.metrics.heatmap_pck import heatmap_pck

    key = "td_pck_accuracy/"
    result = heatmap_pck(
        torch.from_numpy(ARRAYS[key + "in/output"]), torch.from_numpy(ARRAYS[key + "in/target"]), VALUES[key + "in/thr"]
    )
    np.testing.assert_allclose(result.per_keypoint.numpy(), ARRAYS[key + "out/acc"][1:], atol=1e-6)
    assert float(result.mean) == pytest.approx(VALUES[key + "out/avg"], abs=1e-6)
    assert float(result.mean) == pytest.approx(ARRAYS[key + "out/acc"][0], abs=1e-6)
    assert int(result.count) == VALUES[key + "out/count"]
    np.testing.assert_allclose(result.keypoints.numpy(), ARRAYS[key + "out/pred"], atol=1e-6)


@pytest.mark.parametrize(("suppress", "prefix"), [(oks_nms, ""), (soft_oks_nms, "soft_")])
@pytest.mark.parametrize("source", ["file", "records"])
def test_coco_evaluation(suppress, prefix: str, source: str, tmp_path: Path) -> None:
    pytest.importorskip("faster_coco_eval")
    case = {key.split("/", 1)[1]: value for key, value in ARRAYS.items() if key.startswith("td_coco_evaluate/")}
    threshold, oks_threshold = VALUES["td_coco_evaluate/in/in_vis_thre"], VALUES["td_coco_evaluate/in/oks_thre"]
    predictions, images, boxes = case["in/preds"], case["in/pred_image_id"], case["in/boxes_cx_cy_sx_sy_area_score"]
    scores = rescore(boxes[:, 5], predictions[..., 2], threshold)
    kept = np.concatenate(
        [
            group[suppress(predictions[group, :, :2], scores[group], boxes[group, 4], COCO_SIGMAS, oks_threshold)]
            for group in (np.flatnonzero(images == image) for image in np.unique(images))
        ]
    )
    np.testing.assert_array_equal(kept, case[f"out/{prefix}kept_index"])
    np.testing.assert_allclose(scores[kept], case[f"out/{prefix}kept_score"], atol=1e-6)

    labels = case["in/gt_keypoints"].reshape(-1, 17, 3)
    if source == "file":
        people = [
            {
                "id": int(case["in/gt_id"][n]),
                "image_id": int(case["in/gt_image_id"][n]),
                "category_id": 1,
                "keypoints": case["in/gt_keypoints"][n].tolist(),
                "bbox": case["in/gt_bbox"][n].tolist(),
                "area": float(case["in/gt_area"][n]),
                "iscrowd": int(case["in/gt_iscrowd"][n]),
                "num_keypoints": int(case["in/gt_num_keypoints"][n]),
            }
            for n in range(len(labels))
        ]
        truth = tmp_path / "truth.json"
        truth.write_text(json.dumps({"images": [{"id": int(i)} for i in np.unique(images)], "annotations": people}))
    else:
        truth = [
            record(
                labels[n, :, :2],
                labels[n, :, 2].astype(np.uint8),
                image_id=int(case["in/gt_image_id"][n]),
                area=float(case["in/gt_area"][n]),
                box=np.concatenate([case["in/gt_bbox"][n, :2], case["in/gt_bbox"][n, :2] + case["in/gt_bbox"][n, 2:]]),
            )
            for n in range(len(labels))
        ]
    metric = KeypointAveragePrecision(anonymous_set(17, COCO_SIGMAS), truth)
    for part in np.array_split(kept, 3):  # the order of updates must not matter beyond ties
        metric.update(predictions[part, :, :2], scores=scores[part], image_ids=images[part].tolist())
    result = metric.compute()
    np.testing.assert_allclose([result.values[name] for name in NAMES], case[f"out/{prefix}stats"], atol=1e-6)


def test_mpii_pckh() -> None:
    key = "td_mpii_pckh/"
    truth = ARRAYS[key + "in/gt_one_based"].transpose(2, 0, 1) - 1
    missing = ARRAYS[key + "in/jnt_missing"].T
    corners = ARRAYS[key + "in/head_boxes"].transpose(2, 0, 1).reshape(-1, 4)
    sizes = head_sizes_of_boxes(corners)
    records = [record(truth[n], 1 - missing[n], head_size=float(sizes[n])) for n in range(len(truth))]
    metric = PCKh(MPII)
    metric.update(ARRAYS[key + "in/preds_zero_based"], records)
    result = metric.compute()
    assert [*result.groups, "Mean", "Mean@0.1"] == VALUES[key + "out/names"]
    values = [*result.groups.values(), result.mean, result.mean_at_01_official]
    np.testing.assert_allclose(100 * np.asarray(values), ARRAYS[key + "out/values"], atol=1e-6)
    np.testing.assert_allclose(100 * result.per_keypoint, ARRAYS[key + "out/per_joint"], atol=1e-6)
    np.testing.assert_array_equal(result.counts, ARRAYS[key + "out/joint_count"])


@pytest.mark.parametrize("name", ["aflw", "cofw", "300w", "wflw"])
def test_face_nme(name: str) -> None:
    key = f"face_nme_{name}/"
    found, truth = ARRAYS[key + "in/pred"], ARRAYS[key + "in/gt"]
    normalizer = {"aflw": "box", "cofw": (8, 9), "300w": (36, 45), "wflw": (60, 72)}[name]
    sides = ARRAYS.get(key + "in/box_size", np.ones(len(truth)))
    records = [
        record(points, np.ones(len(points), np.uint8), box=np.asarray([5.0, 5, 5 + side, 5 + side]))
        for points, side in zip(truth, sides, strict=True)
    ]
    metric = NormalizedMeanError(anonymous_set(truth.shape[1]), normalizer)
    metric.update(found[:5], records[:5])
    metric.update(found[5:], records[5:])
    result = metric.compute()
    np.testing.assert_allclose(result.per_instance, ARRAYS[key + "out/nme"], atol=1e-6, rtol=1e-5)
    assert result.mean == pytest.approx(VALUES[key + "out/mean_nme"], rel=1e-5)
    assert result.failure_rates[0.08] == pytest.approx(VALUES[key + "out/failure_rate_0p08"])
    assert result.failure_rates[0.10] == pytest.approx(VALUES[key + "out/failure_rate_0p10"])
    assert result.auc == pytest.approx(VALUES[key + "out/auc_0p10"], rel=1e-5, abs=1e-6)


def test_face_nme_over_all_visible_landmarks() -> None:
    found, truth = ARRAYS["face_nme_wflw/in/pred"], ARRAYS["face_nme_wflw/in/gt"]
    visible = ARRAYS["face_nme_mmpose/in/mask"]
    metric = NormalizedMeanError(anonymous_set(98), "explicit")
    eyes = np.linalg.norm(truth[:, 60] - truth[:, 72], axis=-1)
    metric.update(found, [record(p, v.astype(np.uint8)) for p, v in zip(truth, visible, strict=True)], normalizers=eyes)
    assert metric.compute().pooled == pytest.approx(VALUES["face_nme_mmpose/out/nme"], abs=1e-6)
