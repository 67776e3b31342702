"""PoseResult: checks, choosing people, pictures, JSON and COCO."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hrnet.structures import KeypointSet, PoseResult
from hrnet.structures.pose_formats import results_to_posetrack

SET = KeypointSet("three", ("nose", "left_hand", "right_hand"), (0, 2, 1), ((0, 1), (0, 2)), sigmas=(0.1, 0.2, 0.3))
ARRAYS = ("keypoints", "keypoint_scores", "boxes", "box_scores", "scores")


def make_result(people: int = 3, **changes) -> PoseResult:
    rng = np.random.default_rng(people)
    fields = {
        "keypoints": rng.uniform(5, 60, (people, 3, 2)),
        "keypoint_scores": rng.uniform(0.5, 1, (people, 3)),
        "boxes": np.tile([2.0, 3.0, 40.0, 53.0], (people, 1)),
        "box_scores": np.ones(people),
        "scores": rng.uniform(0, 1, people),
        "keypoint_set": SET,
        "image_size": (64, 80),
        "source": "a.jpg",
    }
    return PoseResult(**{**fields, **changes})


def assert_equal(one: PoseResult, other: PoseResult) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.keypoint_set, one.image_size, one.source) == (other.keypoint_set, other.image_size, other.source)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="keypoint_scores must have shape"):
        make_result(2, keypoint_scores=np.ones((2, 4)))
    with pytest.raises(ValueError, match="keypoints must have shape"):
        make_result(0, keypoints=np.ones((2, 3, 2)))
    assert len(make_result(0, keypoints=[], keypoint_scores=[], boxes=[])) == 0


def test_choosing_people():
    result = make_result(3)
    np.testing.assert_array_equal(result[1].scores, result.scores[1:2])
    np.testing.assert_array_equal(result[-1].keypoints, result.keypoints[2:])
    np.testing.assert_array_equal(result[1:].boxes, result.boxes[1:])
    np.testing.assert_array_equal(result[np.array([True, False, True])].scores, result.scores[[0, 2]])
    np.testing.assert_array_equal(result[[2, 0]].scores, result.scores[[2, 0]])
    assert len(result[[]]) == 0
    assert [len(person) for person in result] == [1, 1, 1]
    assert list(make_result(0)) == []
    for bad, error in ((3, IndexError), (-4, IndexError), (np.array([True]), IndexError), ("a", TypeError)):
        with pytest.raises(error):
            result[bad]  # pyright: ignore[reportArgumentType]


def test_str_is_short():
    assert str(make_result(1)) == "1 person with 3 three keypoints in a.jpg (80x64)"
    assert str(make_result(0, source=None)) == "0 people with 3 three keypoints (80x64)"


def test_plot_needs_a_picture_of_the_right_size():
    image = np.full((64, 80, 3), 90, np.uint8)
    assert (make_result(image=image).plot() != 90).any()
    assert (make_result().plot(image, boxes=True) != 90).any()
    assert (make_result(0).plot(image) == 90).all()
    with pytest.raises(ValueError, match="did not keep"):
        make_result().plot()
    with pytest.raises(ValueError, match="64, 80"):
        make_result().plot(image[:60])


def test_save_by_suffix(tmp_path):
    result = make_result(image=np.full((64, 80, 3), 90, np.uint8))
    read = cv2.imread(str(result.save(tmp_path / "out.PNG")))
    assert read is not None
    np.testing.assert_array_equal(read[..., ::-1], result.plot())
    assert_equal(PoseResult.from_dict(json.loads(result.save(tmp_path / "out.json").read_text())), result)
    with pytest.raises(ValueError, match=r"\.json or one of"):
        result.save(tmp_path / "out.xyz")
    with pytest.raises(FileNotFoundError, match="missing"):
        result.save(tmp_path / "missing" / "out.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.PNG", "out.json"]


def test_coco_format():
    keypoints = np.array([[[1, 2], [3, 4], [np.nan, 6]]])
    result = make_result(1, keypoints=keypoints, keypoint_scores=[[0.5, 0.25, 1]], scores=[0.75])
    assert result.to_coco(139) == [
        {
            "image_id": 139,
            "category_id": 1,
            "keypoints": [1.0, 2.0, 0.5, 3.0, 4.0, 0.25, 0.0, 0.0, 0.0],
            "score": 0.75,
            "bbox": [2.0, 3.0, 38.0, 50.0],
        }
    ]
    assert make_result(0).to_coco(1) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data(), people=st.integers(0, 3))
def test_dict_and_json_give_the_result_back(data, people):
    floats = st.floats(width=32, allow_infinity=False)
    shapes = {"keypoints": (people, 3, 2), "keypoint_scores": (people, 3), "boxes": (people, 4)}
    shapes |= {"box_scores": (people,), "scores": (people,)}
    result = make_result(
        people, **{name: data.draw(arrays(np.float32, shape, elements=floats)) for name, shape in shapes.items()}
    )
    assert_equal(PoseResult.from_dict(result.to_dict()), result)
    assert_equal(PoseResult.from_dict(json.loads(result.to_json())), result)
    json.dumps(result.to_coco(1), allow_nan=False)


@pytest.mark.parametrize("missing", ["people", "keypoint_set", "image_size"])
def test_a_missing_field_is_named(missing):
    data = make_result().to_dict()
    del data[missing]
    with pytest.raises(ValueError, match=missing):
        PoseResult.from_dict(data)


def test_damaged_people_are_named():
    data = make_result().to_dict()
    del data["people"][1]["box"]
    with pytest.raises(ValueError, match=r"person 1 .*'box'"):
        PoseResult.from_dict(data)
    data = make_result().to_dict()
    data["people"][0]["keypoints"].pop()
    with pytest.raises(ValueError, match="keypoints"):
        PoseResult.from_dict(data)


def test_track_ids_stay_with_their_people():
    result = make_result(3, track_ids=[5, -1, 2])
    assert result.track_ids is not None
    assert result.track_ids.dtype == np.int64
    chosen = result[[2, 0]].track_ids
    assert chosen is not None
    assert chosen.tolist() == [2, 5]
    loaded = PoseResult.from_dict(json.loads(result.to_json()))
    assert_equal(loaded, result)
    assert loaded.track_ids is not None
    assert loaded.track_ids.tolist() == [5, -1, 2]
    assert [row["track_id"] for row in result.to_coco(1)] == [5, -1, 2]
    image = np.full((64, 80, 3), 128, np.uint8)
    assert (result.plot(image) != make_result(3).plot(image)).any()


def test_without_tracks_nothing_is_said_of_them():
    result = make_result(2)
    assert result[0].track_ids is None
    assert "track_id" not in result.to_json()
    assert PoseResult.from_dict(result.to_dict()).track_ids is None
    assert all("track_id" not in row for row in result.to_coco(1))
    assert make_result(0, track_ids=[]).track_ids is not None


@pytest.mark.parametrize("ids", [[1, 2], [[1], [2], [3]], [1.0, 2.0, 3.0], ["a", "b", "c"]])
def test_wrong_track_ids_are_refused(ids):
    with pytest.raises(ValueError, match="track_ids must"):
        make_result(3, track_ids=ids)


def test_saved_track_ids_must_be_whole_numbers():
    data = make_result(2, track_ids=[1, 2]).to_dict()
    data["people"][0]["track_id"] = "one"
    with pytest.raises(ValueError, match="'track_id' of a saved result"):
        PoseResult.from_dict(data)


def test_posetrack_files():
    frames = [(0, make_result(2, track_ids=[3, -1])), (4, make_result(0)), (5, make_result(1, track_ids=[3], source=None))]
    data = json.loads(json.dumps(results_to_posetrack(frames, "clip.mp4"), allow_nan=False))
    assert [image["id"] for image in data["images"]] == [0, 4, 5]
    assert data["images"][2]["file_name"] == "clip.mp4#5"
    assert [(row["image_id"], row["track_id"], row["id"]) for row in data["annotations"]] == [(0, 3, 1), (5, 3, 2)]
    first = data["annotations"][0]
    assert first["scores"] == first["keypoints"][2::3]
    assert len(first["scores"]) == 3
    assert data["categories"][0]["keypoints"] == list(SET.keypoints)
    assert data["categories"][0]["skeleton"] == [[1, 2], [1, 3]]
    with pytest.raises(ValueError, match=r"frame 1 of clip\.mp4 was not tracked"):
        results_to_posetrack([(1, make_result(1))], "clip.mp4")
    other = KeypointSet("one", ("nose",), (0,))
    empty = np.zeros(0)
    nobody = PoseResult(empty, empty, empty, empty, empty, other, (64, 80))
    with pytest.raises(ValueError, match="keypoint set 'one'"):
        results_to_posetrack([frames[0], (1, nobody)], "clip.mp4")
