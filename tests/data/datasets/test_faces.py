"""Every format of facial landmarks: positions, boxes, subsets, and what is said of broken files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data.face_files import draw_face, landmarks, write_coco, write_csv, write_lapa, write_pts, write_wflw
from scipy.io import savemat

from hrnet.data.datasets.cofw import load_cofw, unpack_cofw
from hrnet.data.datasets.face_dataset import FACE_LAYOUTS, landmark_box
from hrnet.data.datasets.face_points_file import read_points
from hrnet.data.datasets.faces import load_face_dataset
from hrnet.data.datasets.wflw import ATTRIBUTES, load_wflw
from hrnet.data.images import read_image
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import AnnotationError, MissingExtraError
from hrnet.geometry import mirror_keypoints

POINTS = landmarks(68)


def same(got: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(got, wanted, atol=1e-3)


@pytest.mark.parametrize("name", FACE_LAYOUTS.values())
def test_mirroring_twice_changes_nothing(name: str) -> None:
    layout = keypoint_set(name)
    points = landmarks(layout.num_keypoints)
    once = mirror_keypoints(points, 64, layout.flip_indices)
    same(mirror_keypoints(once, 64, layout.flip_indices), points)
    pairs = sum(flip != k for k, flip in enumerate(layout.flip_indices)) // 2
    assert pairs >= layout.num_keypoints * 0.35  # most landmarks have a partner


def test_box_of_landmarks_is_made_of_whole_pixels() -> None:
    same(landmark_box(np.array([[10.2, 20.0], [30.9, 44.1]])), np.array([8.0, 20.0, 33.0, 45.0]))
    same(landmark_box(np.array([[5.0, 5.0]])), np.array([4.5, 4.5, 5.5, 5.5]))


# .pts


def test_points_files_count_from_1(tmp_path: Path) -> None:
    write_pts(tmp_path / "points/a/1.pts", POINTS)
    draw_face(tmp_path / "images/a/1.png", POINTS)
    data = load_face_dataset(tmp_path / "points", tmp_path / "images")
    assert data.format == "pts"
    assert data.keypoint_set.name == "300w"
    record = data.records[0]
    same(record.keypoints, POINTS)
    same(record.box, landmark_box(POINTS))
    assert record.image == tmp_path / "images/a/1.png"
    # What the file says lies where the picture shows it.
    assert all(read_image(record.image)[round(y), round(x), 0] == 250 for x, y in record.keypoints)
    same(load_face_dataset(tmp_path / "points", tmp_path / "images", one_based=False).records[0].keypoints, POINTS + 1)


def test_subsets_of_300w_are_told_by_folders(tmp_path: Path) -> None:
    for name in ("afw/1", "helen/trainset/1", "lfpw/trainset/1", "helen/testset/1", "lfpw/testset/1", "ibug/1", "ibug/2"):
        write_pts(tmp_path / f"{name}.pts", POINTS)
        draw_face(tmp_path / f"{name}.jpg", POINTS)
    data = load_face_dataset(tmp_path, tmp_path, "pts")
    counts = {name: len(data.subset(name)) for name in data.subsets}
    assert counts == {"common": 2, "challenging": 2, "full": 4, "train": 3}
    assert {record.image_id for record in data.subset("challenging").records} == {"ibug/1", "ibug/2"}
    with pytest.raises(ValueError, match="no subset 'chalenging'; did you mean 'challenging'"):
        data.subset("chalenging")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("version: 1\n1 2\n", "curly brackets"),
        ("n_points: 3\n{\n1 2\n}\n", "says n_points: 3, but holds 1"),
        ("{\n1 2 3\n}\n", "line 2: expected x and y"),
        ("{\n1 two\n}\n", "line 2: expected x and y of a point, got 'two'"),
        ("{\n1 nan\n}\n", "line 2"),
        ("{\n}\n", "no points"),
        ("\x00\x01", "zero bytes"),
    ],
)
def test_broken_points_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.pts").write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_points(tmp_path / "a.pts")


def test_points_without_a_picture_or_of_another_number(tmp_path: Path) -> None:
    write_pts(tmp_path / "1.pts", POINTS)
    with pytest.raises(AnnotationError, match=r"1\.pts: there is no picture .*\.jpg"):
        load_face_dataset(tmp_path, tmp_path)
    draw_face(tmp_path / "1.png", POINTS)
    draw_face(tmp_path / "2.png", POINTS)
    write_pts(tmp_path / "2.pts", POINTS[:5])
    with pytest.raises(AnnotationError, match=r"2\.pts: has 5 landmarks, .* has 68"):
        load_face_dataset(tmp_path, tmp_path)


# CSV


def test_lists_of_the_published_code(tmp_path: Path) -> None:
    write_csv(tmp_path / "list.csv", ["ibug/1.jpg", "lfpw/testset/2.png"], [POINTS, POINTS + 2], scale=0.2)
    data = load_face_dataset(tmp_path / "list.csv", tmp_path / "images")
    same(data.records[1].keypoints, POINTS + 2)
    same(data.records[0].box, np.array([10.0, 8.0, 50.0, 48.0]))
    assert data.records[0].image == tmp_path / "images/ibug/1.jpg"
    assert {name: list(part) for name, part in data.subsets.items()} == {"common": [1], "challenging": [0], "full": [0, 1]}
    shifted = load_face_dataset(tmp_path / "list.csv", tmp_path / "images", one_based=True)
    same(shifted.records[1].keypoints, POINTS + 1)
    same(shifted.records[0].box, np.array([9.0, 7.0, 49.0, 47.0]))


def test_landmarks_above_the_first_row_are_not_labelled_in_lists_that_count_from_1(tmp_path: Path) -> None:
    points = POINTS.copy()
    points[3] = (0, 0)
    write_csv(tmp_path / "list.csv", ["1.jpg"], [points])
    assert (load_face_dataset(tmp_path / "list.csv", tmp_path).records[0].visibility == 2).all()
    visibility = load_face_dataset(tmp_path / "list.csv", tmp_path, one_based=True).records[0].visibility
    assert np.flatnonzero(visibility == 0).tolist() == [3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("scale", "size", 1), "missing: scale"),
        (lambda text: text.replace("original_5_y", "original_5_z", 1), "original_0_x, original_0_y"),
        (lambda text: text.replace(",0.2,", ",zero,", 1), "line 2: expected a number .*'zero'"),
        (lambda text: text.replace(",0.2,", ",-1,", 1), "line 2: scale must be above 0"),
        (lambda text: text.rstrip()[:-4], "line 2"),
        (lambda text: text.rstrip().rsplit(",", 1)[0], "line 2: expected 140 fields, got 139"),
        (lambda text: text.replace("1.jpg", "", 1), "image_name is empty"),
        (lambda text: "a\n", "expected the columns"),
    ],
)
def test_broken_lists(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    write_csv(tmp_path / "list.csv", ["1.jpg"], [POINTS])
    text = change((tmp_path / "list.csv").read_text())
    (tmp_path / "list.csv").write_text(text)
    if message == "line 2":  # a number cut short may still be one
        (tmp_path / "list.csv").write_text(text + "e")
    with pytest.raises(AnnotationError, match=message):
        load_face_dataset(tmp_path / "list.csv", tmp_path)


def test_unusual_numbers_of_landmarks_need_a_set(tmp_path: Path) -> None:
    write_csv(tmp_path / "list.csv", ["1.jpg"], [landmarks(21)])
    with pytest.raises(AnnotationError, match=r"has 21 landmarks; known are 68 \(300w\).*onehand10k"):
        load_face_dataset(tmp_path / "list.csv", tmp_path)
    assert load_face_dataset(tmp_path / "list.csv", tmp_path, keypoint_set="onehand10k").keypoint_set.num_keypoints == 21
    with pytest.raises(AnnotationError, match="has 21 landmarks, but the keypoint set 'wflw' has 98"):
        load_face_dataset(tmp_path / "list.csv", tmp_path, keypoint_set="wflw")


# WFLW


def test_wflw_with_its_seven_subsets(tmp_path: Path) -> None:
    faces = [landmarks(98, seed) for seed in range(3)]
    attributes = [[1, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1]]
    write_wflw(tmp_path / "list.txt", ["a/1.jpg", "a b/2.jpg", "3.jpg"], faces, attributes)
    data = load_face_dataset(tmp_path / "list.txt", tmp_path)
    assert data.keypoint_set.name == "wflw"
    same(data.records[1].keypoints, faces[1])
    assert data.records[1].image == tmp_path / "a b/2.jpg"
    counts = {name: len(part) for name, part in data.subsets.items()}
    assert counts == {"full": 3, "pose": 1, "expression": 1, "illumination": 1, "makeup": 1, "occlusion": 1, "blur": 2}
    assert list(counts)[1:] == list(ATTRIBUTES)
    same(data.records[0].box, landmark_box(faces[0]))
    same(load_wflw(tmp_path / "list.txt", tmp_path, boxes="annotated").records[0].box, np.array([10.0, 12, 50, 48]))
    with pytest.raises(ValueError, match="boxes must be"):
        load_wflw(tmp_path / "list.txt", tmp_path, boxes="rect")  # pyright: ignore[reportArgumentType]


def test_broken_wflw(tmp_path: Path) -> None:
    write_wflw(tmp_path / "list.txt", ["1.jpg"], [landmarks(98)], [[0, 0, 0, 0, 0, 2]])
    with pytest.raises(AnnotationError, match="line 1: the six attributes must be 0 or 1"):
        load_face_dataset(tmp_path / "list.txt", tmp_path)
    (tmp_path / "list.txt").write_text("1 2 3 a.jpg\n")
    with pytest.raises(AnnotationError, match=r"line 1: expected 206 numbers .* got 4 fields"):
        load_face_dataset(tmp_path / "list.txt", tmp_path)


# LaPa


def test_lapa(tmp_path: Path) -> None:
    points = landmarks(106)
    write_lapa(tmp_path / "landmarks/7_0.txt", points)
    data = load_face_dataset(tmp_path / "landmarks", tmp_path / "images")
    assert (data.format, data.keypoint_set.name) == ("lapa", "lapa")
    same(data.records[0].keypoints, points)
    assert data.records[0].image == tmp_path / "images/7_0.jpg"
    (tmp_path / "landmarks/7_0.txt").write_text("106\n1 2\n")
    with pytest.raises(AnnotationError, match=r"says 106 landmarks, .* holds 1 line"):
        load_face_dataset(tmp_path / "landmarks", tmp_path)


# MATLAB files


def test_aflw(tmp_path: Path) -> None:
    count = 4
    points = np.stack([landmarks(19, seed) for seed in range(count)]) + 1
    mask = np.ones((count, 19))
    mask[2, 5] = 0
    names = np.empty((count, 1), object)
    names[:, 0] = [f"0/image{n}.jpg" for n in range(count)]
    savemat(
        tmp_path / "AFLWinfo_release.mat",
        {
            "data": np.concatenate([points[..., 0], points[..., 1]], axis=1),
            "mask_new": mask,
            "bbox": np.tile([11.0, 51.0, 6.0, 36.0], (count, 1)),
            "nameList": names,
            "ra": np.array([[3, 1, 4, 2]]),
        },
    )
    data = load_face_dataset(tmp_path / "AFLWinfo_release.mat", tmp_path)
    assert (data.format, len(data)) == ("aflw", count)
    same(data.records[1].keypoints, points[1] - 1)
    assert data.records[2].visibility.tolist() == [2] * 5 + [1] + [2] * 13
    same(data.records[0].box, np.array([10.0, 0.0, 50.0, 40.0]))  # left, right, top, bottom grown to a square
    assert data.records[3].image == tmp_path / "0/image3.jpg"
    assert {name: part.tolist() for name, part in data.subsets.items()} == {"train": [2, 0, 3, 1]}


def cofw_variables(count: int = 2) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    points = np.stack([landmarks(29, seed) for seed in range(count)]) + 1
    hidden = np.zeros((count, 29))
    hidden[1, 4] = 1
    pictures = np.empty((count, 1), object)
    pictures[0, 0], pictures[1, 0] = np.full((40, 50, 3), 7, np.uint8), np.full((30, 20), 9, np.uint8)
    return points, {"phisTr": np.concatenate([points[..., 0], points[..., 1], hidden], axis=1), "IsTr": pictures}


def test_cofw(tmp_path: Path) -> None:
    points, variables = cofw_variables()
    savemat(tmp_path / "COFW_train_color.mat", variables)
    assert unpack_cofw(tmp_path / "COFW_train_color.mat", tmp_path / "images") == 2
    data = load_face_dataset(tmp_path / "COFW_train_color.mat", tmp_path / "images")
    assert (data.format, data.keypoint_set.name) == ("cofw", "cofw")
    same(data.records[1].keypoints, points[1] - 1)
    assert data.records[1].visibility.tolist() == [2] * 4 + [1] + [2] * 24
    assert read_image(data.records[0].image).shape == (40, 50, 3)
    assert (read_image(data.records[1].image) == 9).all()


def test_cofw_of_matlab_73(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    points, variables = cofw_variables()
    file = tmp_path / "COFW_train_color.mat"
    with h5py.File(file, "w", userblock_size=512) as store:
        store["phisTr"] = variables["phisTr"].T
        cells = store.create_dataset("IsTr", (1, 2), h5py.ref_dtype)
        for index, picture in enumerate(variables["IsTr"].ravel()):
            store[f"picture{index}"] = picture.T
            cells[0, index] = store[f"picture{index}"].ref
    with file.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file")
    assert unpack_cofw(file, tmp_path) == 2
    data = load_face_dataset(file, tmp_path)
    same(data.records[0].keypoints, points[0] - 1)
    assert read_image(data.records[0].image).shape == (40, 50, 3)


def test_matlab_73_needs_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    file = tmp_path / "COFW_test_color.mat"
    file.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(MissingExtraError, match="pip install h5py"):
        load_face_dataset(file, tmp_path)


def test_other_matlab_files(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", {"joints": np.zeros((3, 14, 2))})
    with pytest.raises(AnnotationError, match=r"neither COFW's nor AFLW's.*joints"):
        load_face_dataset(tmp_path / "x.mat", tmp_path)
    with pytest.raises(AnnotationError, match=r"expected the variable 'phisTr' or 'phisT'.*joints"):
        load_cofw(tmp_path / "x.mat", tmp_path)
    savemat(tmp_path / "x.mat", {"phisT": np.zeros((3, 80))})
    with pytest.raises(AnnotationError, match=r"shape \(N, 87\), got \(3, 80\)"):
        load_face_dataset(tmp_path / "x.mat", tmp_path)


# COCO


@pytest.mark.parametrize("names", [None, [str(k) for k in range(68)], [f"kpt-{k}" for k in range(68)]])
def test_coco_files_without_names_are_the_usual_set(tmp_path: Path, names: list[str] | None) -> None:
    write_coco(tmp_path / "faces.json", ["ibug/1.jpg"], [POINTS], names)
    data = load_face_dataset(tmp_path / "faces.json", tmp_path)
    assert (data.format, data.keypoint_set.name) == ("coco", "300w")
    same(data.records[0].keypoints, POINTS)
    assert list(data.subsets) == ["challenging"]


def test_coco_files_with_names_of_their_own_keep_them(tmp_path: Path) -> None:
    write_coco(tmp_path / "faces.json", ["1.jpg"], [landmarks(3)], ["left_eye", "right_eye", "chin"])
    data = load_face_dataset(tmp_path / "faces.json", tmp_path)
    assert data.keypoint_set.flip_indices == (1, 0, 2)
    with pytest.raises(ValueError, match="count from 0"):
        load_face_dataset(tmp_path / "faces.json", tmp_path, one_based=True)


def test_centre_and_scale_of_coco_files_are_the_box(tmp_path: Path) -> None:
    write_coco(tmp_path / "faces.json", ["1.jpg", "2.jpg"], [POINTS, POINTS])
    content = json.loads((tmp_path / "faces.json").read_text())
    content["annotations"][1] |= {"center": [30.5, 28.0], "scale": 0.2}
    (tmp_path / "faces.json").write_text(json.dumps(content))
    records = load_face_dataset(tmp_path / "faces.json", tmp_path).records
    same(records[0].box, np.array([12.0, 12, 47, 45]))  # clipped as COCO's people are, a pixel narrower
    same(records[1].box, np.array([10.5, 8, 50.5, 48]))
    content["annotations"][1]["scale"] = 0
    (tmp_path / "faces.json").write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=r"annotation 1: field 'scale' must be above 0"):
        load_face_dataset(tmp_path / "faces.json", tmp_path)


# What is no set of faces


def test_what_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'300w'"):
        load_face_dataset(tmp_path, tmp_path, "300w")  # pyright: ignore[reportArgumentType]
    with pytest.raises(AnnotationError, match="there is no such"):
        load_face_dataset(tmp_path / "none.json", tmp_path)
    with pytest.raises(AnnotationError, match=r"without \.pts or \.txt"):
        load_face_dataset(tmp_path, tmp_path)
    (tmp_path / "x.xml").write_text("<a/>")
    with pytest.raises(AnnotationError, match=r"\.xml ending"):
        load_face_dataset(tmp_path / "x.xml", tmp_path)
    (tmp_path / "one.pts").write_text("{\n1 2\n}\n")
    with pytest.raises(AnnotationError, match="give the folder"):
        load_face_dataset(tmp_path / "one.pts", tmp_path)
    for name in ("wflw.txt", "list.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00broken")
        with pytest.raises(AnnotationError, match="expected text"):
            load_face_dataset(tmp_path / name, tmp_path)
