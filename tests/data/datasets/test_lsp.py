from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from hrnet.data.datasets import load_lsp
from hrnet.errors import AnnotationError


def people(count: int) -> np.ndarray:
    """(N, 14, 3) with flags 0 but for joint 2."""
    joints = np.zeros((count, 14, 3))
    joints[:, :, 0] = 1 + np.arange(14) * 10
    joints[:, :, 1] = 1 + np.arange(14) * 5
    joints[:, 2, 2] = 1
    return joints


def save(folder, joints):
    savemat(folder / "joints.mat", {"joints": joints})
    return folder / "joints.mat"


def test_lsp_marks_occluded_joints(tmp_path):
    dataset = load_lsp(save(tmp_path, people(3).transpose(2, 1, 0)), tmp_path)
    assert dataset.format == "lsp"
    assert dataset.keypoint_set.name == "lsp"
    assert len(dataset) == 3
    record = dataset.records[1]
    assert record.image == tmp_path / "im0002.jpg"
    assert record.image_id == record.annotation_id == 2
    assert record.visibility.tolist() == [2, 2, 1] + [2] * 11
    assert record.keypoints[3].tolist() == [30, 15]
    np.testing.assert_allclose(record.box, [-0.12 * 130, -0.12 * 65, 130 * 1.12, 65 * 1.12])
    assert record.area == pytest.approx(0.53 * 130 * 1.24 * 65 * 1.24)


def test_lspet_marks_visible_joints(tmp_path):
    joints = people(2).transpose(1, 2, 0)
    joints[5, 2, :] = 1
    joints[7, :, 0] = np.nan
    (tmp_path / "im00001.jpg").touch()
    dataset = load_lsp(save(tmp_path, joints), tmp_path, one_based=False)
    record = dataset.records[0]
    assert record.image.name == "im00001.jpg"
    assert np.flatnonzero(record.visibility).tolist() == [2, 5]
    assert record.keypoints[2].tolist() == [21, 11]
    assert np.isfinite(record.keypoints).all()


def test_single_person_and_said_meaning(tmp_path):
    path = save(tmp_path, people(1)[0].T)
    assert load_lsp(path, tmp_path, third_row="visible").records[0].visibility.tolist() == [0, 0, 2] + [0] * 11
    with pytest.raises(ValueError, match="third_row"):
        load_lsp(path, tmp_path, third_row="hidden")  # pyright: ignore[reportArgumentType]


def test_wrong_shapes_and_sets(tmp_path):
    with pytest.raises(AnnotationError, match=r"shape \(3, 14, N\).*got \(3, 16, 2\)"):
        load_lsp(save(tmp_path, np.zeros((3, 16, 2))), tmp_path)
    with pytest.raises(AnnotationError, match="14 keypoints, but the keypoint set 'coco' has 17"):
        load_lsp(save(tmp_path, people(1).transpose(2, 1, 0)), tmp_path, keypoint_set="coco")
