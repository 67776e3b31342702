"""Segmentation results: what they hold, say, draw and write."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from hrnet.data.class_sets import class_set
from hrnet.structures.class_outlines import Outline, outlines
from hrnet.structures.class_set import ClassSet
from hrnet.structures.run_lengths import decode_mask
from hrnet.structures.segmentation_result import SegmentationResult

THREE = ClassSet("three", ("sky", "sea", "ship"), ((0, 0, 250), (0, 250, 0), (250, 0, 0)))
MAP = np.array([[0, 0, 0, 0], [1, 2, 2, 1], [1, 1, 255, 1]])


def result(classes: np.ndarray = MAP, names: ClassSet = THREE, **fields: object) -> SegmentationResult:
    return SegmentationResult(classes, names, classes.shape, **fields)  # pyright: ignore[reportArgumentType]


def test_areas_and_legend() -> None:
    found = result(source="boat.jpg")
    np.testing.assert_allclose(found.areas, [4 / 12, 5 / 12, 2 / 12])
    assert [name for name, _ in found.legend] == ["sea", "sky", "ship"]
    assert str(found) == "sea 41.7 %, sky 33.3 %, ship 16.7 % in boat.jpg (4x3)"
    assert found.mask("ship").sum() == found.mask(2).sum() == 2
    with pytest.raises(ValueError, match="no class 'shop'; did you mean 'ship'"):
        found.mask("shop")
    with pytest.raises(ValueError, match=r"class 3 is not one of 0\.\.2"):
        found.rle(3)


def fill_outlines(regions: list[Outline], size: tuple[int, int]) -> np.ndarray:
    """The mask (H, W) of regions, the reverse of `outlines`."""
    mask = np.zeros(size, np.uint8)
    for region in regions:
        own = cv2.fillPoly(np.zeros(size, np.uint8), [region.points.round().astype(np.int32)], [1])
        for hole in region.holes:
            own = cv2.fillPoly(own, [hole.round().astype(np.int32)], [0])
        mask |= own.astype(np.uint8)
    return mask.astype(bool)


@pytest.mark.parametrize(
    ("names", "dtype"),
    [
        (THREE, np.uint8),
        (ClassSet("many", tuple(map(str, range(300))), ignore_label=-1), np.int16),
        (ClassSet("odd", ("a", "b", "c"), ignore_label=-1), np.int16),
        (class_set("cocostuff"), np.uint8),
    ],
)
def test_types(names: ClassSet, dtype: type) -> None:
    classes = np.array([[0, names.num_classes - 1, names.ignore_label]])
    found = result(classes, names)
    assert found.class_map.dtype == dtype
    again = SegmentationResult.from_dict(json.loads(found.to_json()))
    np.testing.assert_array_equal(again.class_map, classes)
    values = np.asarray(Image.open(io.BytesIO(found.label_png())))
    expected = [0, names.num_classes - 1, names.num_classes if names.ignore_label < 0 else 255]
    assert values.tolist() == [expected]


@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.sampled_from([0, 1, 2, 255]))
)
def test_round_trips(classes: np.ndarray) -> None:
    found = result(classes, source="a.png")
    again = SegmentationResult.from_dict(json.loads(found.to_json(indent=1)))
    np.testing.assert_array_equal(again.class_map, classes)
    assert (again.class_set, again.source) == (THREE, "a.png")
    runs = found.rle("sea")
    np.testing.assert_array_equal(decode_mask(np.array(runs["counts"]), tuple(runs["size"])), classes == 1)
    np.testing.assert_array_equal(fill_outlines(found.polygons("sea"), classes.shape), classes == 1)


def test_outlines_of_what_is_known() -> None:
    mask = np.zeros((12, 12), bool)
    mask[1:9, 2:10] = True
    mask[3:6, 4:7] = False
    mask[11, 0] = True
    big, dot = outlines(mask)
    assert (big.area, dot.area) == (55, 1)
    assert {tuple(point) for point in big.points.tolist()} == {(2, 1), (9, 1), (9, 8), (2, 8)}
    assert [{tuple(point) for point in hole.tolist()} for hole in big.holes] == [{(4, 3), (6, 3), (6, 5), (4, 5)}]
    assert dot.points.tolist() == [[0, 11]]
    assert len(outlines(mask, min_area=2)) == 1
    assert not outlines(mask, min_area=10)[0].holes
    circle = cv2.circle(np.zeros((99, 99), np.uint8), (49, 49), 40, 1, -1).astype(bool)
    rough = outlines(circle, tolerance=2.0)[0]
    assert len(rough.points) < 20
    assert np.abs(np.linalg.norm(rough.points - 49, axis=1) - 40).max() < 2.5


def test_drawing() -> None:
    classes = np.zeros((200, 300), np.uint8)
    classes[:, 150:] = 2
    classes[:50] = 255
    found = result(classes)
    picture = np.full((200, 300, 3), 100, np.uint8)
    drawn = found.plot(picture, opacity=0.5, legend=False)
    assert drawn.shape == picture.shape
    assert drawn[20, 20].tolist() == [100, 100, 100]
    np.testing.assert_allclose(drawn[100, 50], [50, 50, 175], atol=1)
    with_legend = found.plot(picture, opacity=0.5)
    assert (with_legend[150:, :60] != drawn[150:, :60]).any()
    np.testing.assert_array_equal(with_legend[:100], drawn[:100])
    np.testing.assert_array_equal(found.plot(legend=False)[100, 200], [250, 0, 0])
    assert result().plot(np.zeros((3, 4, 3), np.uint8)).shape == (3, 4, 3)  # too small for a legend
    with pytest.raises(ValueError, match=r"picture of \(height, width\) \(200, 300\), got \(9, 9\)"):
        found.plot(np.zeros((9, 9, 3), np.uint8))


def test_files(tmp_path: Path) -> None:
    found = result(image=np.zeros((3, 4, 3), np.uint8))
    assert found.save(tmp_path / "a.jpg").is_file()
    with Image.open(found.save(tmp_path / "labels.png", kind="labels")) as labels:
        assert labels.mode == "P"
        np.testing.assert_array_equal(np.asarray(labels), MAP)
        assert labels.convert("RGB").getpixel((1, 1)) == (250, 0, 0)
    with Image.open(found.save(tmp_path / "colors.png", kind="colors")) as colors:
        assert np.asarray(colors)[:, :, 0].tolist() == [[0] * 4, [0, 250, 250, 0], [0, 0, 0, 0]]
    saved = SegmentationResult.from_dict(json.loads(found.save(tmp_path / "a.json").read_text()))
    np.testing.assert_array_equal(saved.class_map, MAP)
    with Image.open(found.save(tmp_path / "ids.png", kind="labels", label_values={0: 7, 1: 300, 2: 11})) as ids:
        assert np.asarray(ids).tolist() == [[7] * 4, [300, 11, 11, 300], [300, 300, 255, 300]]
    with pytest.raises(ValueError, match="label_values have none for class 1, 'sea'"):
        found.label_png({0: 7})
    with pytest.raises(ValueError, match=r"labels are saved as \.png"):
        found.save(tmp_path / "a.jpg", kind="labels")
    with pytest.raises(ValueError, match=r"cannot save as 'a\.txt'"):
        found.save(tmp_path / "a.txt")


def test_scores() -> None:
    assert result(scores=np.ones((3, 4))).scores is not None
    assert result(scores=np.ones((3, 3, 4))).scores is not None
    with pytest.raises(ValueError, match=r"scores must have shape \(3, 4\) or \(3, 3, 4\), got \(4, 3\)"):
        result(scores=np.ones((4, 3)))


def test_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"class_map must be whole numbers of shape \(3, 5\), got int64 \(3, 4\)"):
        SegmentationResult(MAP, THREE, (3, 5))
    with pytest.raises(ValueError, match="whole numbers"):
        result(MAP.astype(float))
    with pytest.raises(ValueError, match=r"must hold the classes 0\.\.2 of 'three' or 255, got 3"):
        result(np.array([[3]]))
    data = result().to_dict()
    with pytest.raises(ValueError, match="must have 'runs'"):
        SegmentationResult.from_dict({key: value for key, value in data.items() if key != "runs"})
    with pytest.raises(ValueError, match=r"add up to 3 x 4 pixels, got 1 values and 1 lengths of 1 pixels"):
        SegmentationResult.from_dict(data | {"runs": {"values": [0], "lengths": [1]}})
    with pytest.raises(ValueError, match="got 2 values and 1 lengths of 12 pixels"):
        SegmentationResult.from_dict(data | {"runs": {"values": [0, 1], "lengths": [12]}})
    with pytest.raises(ValueError, match="a saved segmentation does not fit"):
        SegmentationResult.from_dict(data | {"runs": {"values": ["sky"], "lengths": [12]}})
