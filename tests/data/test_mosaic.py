"""Mosaics: keypoints land where their pixels land, who is hidden is hidden, and the seed decides everything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from training.drawn_people import COLORS, write_people

from hrnet.data.datasets import load_coco_keypoints
from hrnet.data.datasets.multi_person import MultiPersonDataset, load_multi_person
from hrnet.data.mosaic import MosaicLayout, MosaicScenes
from hrnet.data.mosaic_files import write_scenes
from hrnet.data.mosaic_tiles import Tile, paste
from hrnet.data.multi_person_samples import MultiPersonSamples, SceneAugmentation
from hrnet.data.region_masks import Region
from hrnet.data.scenes import Scene, read_scene

FLIPS = (0, 2, 1, 4, 3)
LAYOUT = MosaicLayout(size=(192, 256), people=(1, 5), person_size=(0.25, 0.6))
CANVAS = np.full((60, 80, 3), 7, np.uint8)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> MultiPersonDataset:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, "drawn", 5)
    return load_multi_person(folder / "drawn.json", folder / "drawn")


def mosaics(dataset: MultiPersonDataset, layout: MosaicLayout = LAYOUT, length: int = 10, **options) -> MosaicScenes:
    return MosaicScenes(dataset.pictures, dataset.keypoint_set, length, layout, **options)


def dot_errors(scene: Scene) -> list[int]:
    """How far each labelled keypoint's pixel is from the colour of its dot, or of its mirror partner's in mirrored tiles."""
    errors = []
    for points, flags in zip(scene.keypoints, scene.visibility, strict=True):
        cells = np.round(points).astype(int)
        found = np.array([scene.image[y, x] for x, y in cells], int)
        both = [np.abs(found - np.array(COLORS)[list(order)]).max(axis=1) for order in (range(5), FLIPS)]
        best = min(both, key=lambda error: error[flags > 0].sum())
        errors += best[flags > 0].tolist()
    return errors


@given(st.integers(0, 10_000))
def test_keypoints_land_where_their_pixels_land(dataset: MultiPersonDataset, seed: int) -> None:
    scene = mosaics(dataset, seed=seed).scene(0, 0)
    height, width = LAYOUT.size
    assert scene.image.shape == (height, width, 3)
    assert 1 <= len(scene) <= 5
    errors = np.array(dot_errors(scene))
    assert len(errors) >= 3 * len(scene)
    # A dot that a soft edge crosses is tinted; most are whole.
    assert (errors < 60).mean() > 0.8
    labelled = scene.visibility > 0
    assert (scene.keypoints[labelled] >= -0.5).all()
    assert (scene.keypoints[labelled] <= np.array([width, height]) - 0.5).all()
    assert (scene.boxes[:, :2] <= scene.boxes[:, 2:]).all()
    for points, flags, box in zip(scene.keypoints, labelled, scene.boxes, strict=True):
        assert (points[flags] >= box[:2] - 2).all()
        assert (points[flags] <= box[2:] + 2).all()


def test_many_keypoints_are_exact(dataset: MultiPersonDataset) -> None:
    plain = replace(LAYOUT, people=(2, 4), overlap=0.0, feather=0.0)
    found = mosaics(dataset, plain, 30)
    errors = np.array([error for index in range(30) for error in dot_errors(found.scene(0, index))])
    assert len(errors) > 300
    assert (errors < 60).mean() > 0.98


def test_the_seed_decides(dataset: MultiPersonDataset) -> None:
    first, second = mosaics(dataset, seed=5), mosaics(dataset, seed=5)
    _ = second.scene(3, 1)
    for name in ("image", "keypoints", "visibility", "boxes", "counted"):
        assert np.array_equal(getattr(first.scene(1, 2), name), getattr(second.scene(1, 2), name))
    pictures = {
        mosaics(dataset, seed=seed).scene(epoch, i).image.tobytes() for seed in (0, 1) for epoch in (0, 1) for i in (0, 1)
    }
    assert len(pictures) == 8
    fixed = mosaics(dataset, fixed=True)
    assert np.array_equal(fixed.scene(0, 3).image, fixed.scene(9, 3).image)


def tile(left: float, top: float, color: int, scene_size: tuple[int, int] = (20, 20), scale: float = 1.0, **changes) -> Tile:
    """A tile of one colour with four keypoints near its corners, its top-left pixel at (left, top)."""
    height, width = scene_size
    points = np.array([[[2, 2], [width - 3, 2], [2, height - 3], [width - 3, height - 3]]], np.float64)
    scene = Scene(
        np.full((height, width, 3), color, np.uint8),
        points,
        np.full((1, 4), 2, np.uint8),
        np.array([[1.0, 1.0, width - 2.0, height - 2.0]]),
        np.ones(scene_size, bool),
    )
    scene = replace(scene, **changes)
    matrix = np.array([[scale, 0, left], [0, scale, top]])
    return Tile(scene, np.array([0, 0, width, height]), matrix, np.zeros(4))


def test_who_is_covered_loses_keypoints() -> None:
    scene = paste(CANVAS.copy(), [tile(10, 10, 100), tile(22, 8, 200)], 4, 0.0, 2)
    assert scene.visibility.tolist() == [[2, 0, 2, 0], [2, 2, 2, 2]]
    assert scene.keypoints[0].tolist() == [[12, 12], [0, 0], [12, 27], [0, 0]]
    assert scene.boxes.tolist() == [[11, 11, 28, 28], [23, 9, 40, 26]]
    assert scene.counted.all()
    assert (scene.image[8:28, 22:42] == 200).all()
    assert (scene.image[10:30, 10:22] == 100).all()
    assert (scene.image[40:] == 7).all()


def test_who_is_nearly_hidden_is_not_counted() -> None:
    scene = paste(CANVAS.copy(), [tile(10, 10, 100), tile(22, 8, 200)], 4, 0.0, 3)
    assert len(scene) == 1
    assert not scene.counted[11:29, 11:22].any()
    assert scene.counted.sum() == 60 * 80 - 18 * 11 - 1 * 7  # the last row reaches below the second tile


def test_entirely_hidden() -> None:
    scene = paste(CANVAS.copy(), [tile(10, 10, 100), tile(8, 8, 200, (30, 30))], 4, 0.0, 3)
    assert len(scene) == 1
    assert scene.counted.all()


def test_few_labelled_keypoints_are_enough_when_all_are_seen() -> None:
    flags = np.array([[0, 2, 0, 0]], np.uint8)
    scene = paste(CANVAS.copy(), [tile(10, 10, 100, visibility=flags)], 4, 0.0, 3)
    assert scene.visibility.tolist() == [[0, 2, 0, 0]]
    assert scene.counted.all()


def test_tiles_beyond_the_border() -> None:
    scene = paste(CANVAS.copy(), [tile(-10, 50, 100), tile(500, 500, 50)], 4, 0.0, 1)
    assert scene.visibility.tolist() == [[0, 2, 0, 0]]
    assert scene.boxes.tolist() == [[0, 51, 8, 59]]
    assert len(scene) == 1


def test_ignored_regions_go_along() -> None:
    counted = np.ones((20, 20), bool)
    counted[5:10, 5:15] = False
    scene = paste(CANVAS.copy(), [tile(30, 20, 100, counted=counted)], 4, 0.0, 3)
    expected = np.ones((60, 80), bool)
    expected[25:30, 35:45] = False
    assert np.array_equal(scene.counted, expected)
    covered = paste(CANVAS.copy(), [tile(30, 20, 100, counted=counted), tile(30, 20, 200)], 4, 0.0, 3)
    assert covered.counted.all()


def test_strong_reduction_averages() -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (200, 200, 3), np.uint8)
    scene = paste(CANVAS.copy(), [tile(20, 10, 0, (200, 200), 0.1, image=noise)], 4, 0.0, 3)
    assert scene.image[12:28, 22:38].std() < 20
    assert scene.visibility.all()


def test_ignored_people_of_the_source(dataset: MultiPersonDataset) -> None:
    """Somebody beside the labelled person who is not labelled: not counted in the mosaic either."""
    picture = dataset.pictures[0]
    box = picture.boxes[0]
    strange = Region("", np.array([box[0], box[1], box[2], (box[1] + box[3]) / 2]))
    found = MosaicScenes([replace(picture, ignored=(strange,))], dataset.keypoint_set, 1, replace(LAYOUT, people=(1, 1)))
    ignored = (~found.scene(0, 0).counted).sum()
    assert 0.3 < ignored / np.prod(found.scene(0, 0).boxes[0, 2:] - found.scene(0, 0).boxes[0, :2]) < 0.7


def test_nobody(dataset: MultiPersonDataset) -> None:
    empty = MosaicScenes([], dataset.keypoint_set, 2, replace(LAYOUT, people=(0, 0)))
    scene = empty.scene(0, 1)
    assert len(scene) == 0
    assert scene.keypoints.shape == (0, 5, 2)
    assert scene.counted.all()
    sample = MultiPersonSamples(empty, dataset.keypoint_set, (64, 64), [(16, 16)], SceneAugmentation())[0]
    assert sample["people"] == 0
    with pytest.raises(ValueError, match="nobody to paste: 1 pictures"):
        MosaicScenes([replace_people(dataset)], dataset.keypoint_set, 2)
    with pytest.raises(ValueError, match="length must be at least 1"):
        mosaics(dataset, length=0)


def replace_people(dataset: MultiPersonDataset):
    nobody = np.zeros((0, 5, 2)), np.zeros((0, 5), np.uint8), np.zeros((0, 4))
    return replace(dataset.pictures[0], keypoints=nobody[0], visibility=nobody[1], boxes=nobody[2])


def test_bad_layouts() -> None:
    for changes, message in (
        ({"size": (16, 512)}, "size is"),
        ({"people": (3, 2)}, "people is"),
        ({"people": (-1, 2)}, "people is"),
        ({"person_size": (0.5, 1.5)}, "person_size is"),
        ({"feather": 0.5}, "feather must"),
    ):
        with pytest.raises(ValueError, match=message):
            MosaicLayout(**changes)  # pyright: ignore[reportArgumentType]


def test_backgrounds(dataset: MultiPersonDataset, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    Image.new("RGB", (5, 3), (10, 200, 30)).save(small)
    sharp = replace(LAYOUT, people=(0, 0), plain_probability=0.0, blur_probability=0.0)
    for source in (small, np.full((900, 40, 3), (10, 200, 30), np.uint8)):
        scene = mosaics(dataset, sharp, backgrounds=[source]).scene(0, 0)
        assert (scene.image == (10, 200, 30)).all()
    plain = mosaics(dataset, replace(sharp, plain_probability=1.0), backgrounds=[small]).scene(0, 0)
    assert len(np.unique(plain.image.reshape(-1, 3), axis=0)) == 1


def test_written_mosaics_read_back(dataset: MultiPersonDataset, tmp_path: Path) -> None:
    pytest.importorskip("faster_coco_eval")
    source = mosaics(dataset, replace(LAYOUT, people=(2, 5), overlap=0.9, least_keypoints=5), 6)
    file = write_scenes(source, dataset.keypoint_set, tmp_path, "mosaics", quality=100)
    found = load_multi_person(file, tmp_path / "mosaics", without_people=True)
    assert len(found) == 6
    ignoring = 0
    for index, picture in enumerate(found.pictures):
        written, read = source.scene(0, index), read_scene(picture)
        assert np.array_equal(read.visibility, written.visibility)
        assert np.allclose(read.keypoints, written.keypoints, atol=0.01)
        assert np.allclose(read.boxes, written.boxes, atol=0.02)
        assert np.array_equal(read.counted, written.counted)
        assert np.abs(read.image.astype(int) - written.image).mean() < 3
        ignoring += not read.counted.all()
    assert ignoring
    assert len(load_coco_keypoints(file, tmp_path / "mosaics").records) == sum(map(len, found.pictures))
