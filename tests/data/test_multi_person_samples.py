"""Samples of bottom-up training: what they say about people and masks is what their pictures show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.drawn_people import COLORS, write_people

from hrnet.data.datasets.multi_person import MultiPersonDataset, load_multi_person
from hrnet.data.multi_person_samples import (
    MultiPersonSample,
    MultiPersonSamples,
    SceneAugmentation,
    SceneDraw,
    keep_largest,
    scale_aware_sigmas,
    with_center,
)
from hrnet.data.scenes import AnnotatedScenes, Scene, mirror_scene, read_scene
from hrnet.errors import AnnotationError
from hrnet.geometry import apply_affine
from hrnet.structures import KeypointSet

SIZE = (96, 128)
MAPS = ((24, 32), (48, 64))
FLIPS = (0, 2, 1, 4, 3)
NAMES = KeypointSet("five", ("a", "b", "c", "d", "e"), FLIPS)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> MultiPersonDataset:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, "drawn", 4)
    return load_multi_person(folder / "drawn.json", folder / "drawn")


class OneScene:
    """A source of one scene."""

    def __init__(self, scene: Scene) -> None:
        self.only = scene

    def __len__(self) -> int:
        return 1

    def scene(self, epoch: int, index: int) -> Scene:
        return self.only


def samples(dataset: MultiPersonDataset, augmentation: SceneAugmentation | None = None, **options) -> MultiPersonSamples:
    return MultiPersonSamples(
        AnnotatedScenes(dataset.pictures), dataset.keypoint_set, SIZE, MAPS, augmentation, max_people=3, **options
    )


def random_scene(people: int, seed: int = 0, joints: int = 5, size: tuple[int, int] = (60, 80)) -> Scene:
    random = np.random.default_rng(seed)
    corners = np.sort(random.uniform(0, 60, (people, 2, 2)), axis=1)
    return Scene(
        random.integers(0, 256, (*size, 3), np.uint8),
        random.uniform(0, 60, (people, joints, 2)),
        random.integers(0, 3, (people, joints)).astype(np.uint8),
        corners.reshape(people, 4),
        random.random(size) < 0.8,
    )


def dots_seen(sample: MultiPersonSample) -> int:
    """How many labelled keypoints inside the sample lie on dots of their colours; fails if one does not."""
    seen = 0
    for points, flags in zip(sample["keypoints"], sample["visibility"], strict=True):
        for k, (point, flag) in enumerate(zip(points, flags, strict=True)):
            x, y = np.round(point).astype(int)
            if flag and 1 <= x < SIZE[1] - 1 and 1 <= y < SIZE[0] - 1:
                color = COLORS[FLIPS[k] if sample["mirrored"] else k]
                assert np.abs(sample["image"][y, x].astype(int) - color).max() < 40, k
                seen += 1
    return seen


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("side", ["short", "long"])
def test_keypoints_lie_on_their_dots(side, flip: float, dataset: MultiPersonDataset) -> None:
    found = samples(dataset, SceneAugmentation(scale=(0.75, 1.2), side=side, flip_probability=flip))
    drawn = [found[epoch, index] for epoch in range(6) for index in range(len(found))]
    assert sum(map(dots_seen, drawn)) > 2 * len(drawn)
    assert {sample["mirrored"] for sample in drawn} == {flip == 1.0}
    for sample in drawn:
        scene = read_scene(dataset.pictures[sample["index"]])
        order = list(FLIPS) if sample["mirrored"] else list(range(5))
        back = apply_affine(sample["to_image"], sample["keypoints"][0])
        assert back == pytest.approx(scene.keypoints[0][order], abs=1e-3)


def test_same_key_same_sample(dataset: MultiPersonDataset) -> None:
    first, second = (samples(dataset, SceneAugmentation(), seed=3) for _ in range(2))
    _ = second[2, 1]
    for key in ((0, 0), (4, 2)):
        one, other = first[key], second[key]
        assert all(map(np.array_equal, one["masks"], other["masks"]))
        for name in ("image", "keypoints", "visibility", "sigmas", "mirrored", "to_image"):
            assert np.array_equal(one[name], other[name]), name
    assert first[0, 0]["image"].tobytes() != first[1, 0]["image"].tobytes()
    assert first[0, 0]["image"].tobytes() != samples(dataset, SceneAugmentation(), seed=4)[0, 0]["image"].tobytes()


def test_without_augmentation_the_whole_picture_is_shown(dataset: MultiPersonDataset) -> None:
    sample = samples(dataset)[0]
    corners = apply_affine(sample["to_image"], [[0, 0], [SIZE[1], SIZE[0]]])
    assert corners[0].max() <= 0
    assert (corners[1] > np.array([96, 80]) - 1).all()
    assert dots_seen(sample) == 5
    assert sample["visibility"].sum(axis=1).tolist() == [5, 0, 0]
    assert sample["people"] == 1


@given(st.integers(0, 4), st.integers(0, 99))
def test_mirroring_twice_is_identity(people: int, seed: int) -> None:
    scene = random_scene(people, seed)
    twice = mirror_scene(mirror_scene(scene, FLIPS), FLIPS)
    for name in ("image", "visibility", "counted"):
        assert np.array_equal(getattr(twice, name), getattr(scene, name))
    assert np.allclose(twice.keypoints, scene.keypoints)
    assert np.allclose(twice.boxes, scene.boxes)


@given(st.integers(0, 3), st.integers(0, 99))
def test_mirrored_sample_is_the_mirrored_plain_one(people: int, seed: int) -> None:
    scene = random_scene(people, seed)
    cutter = MultiPersonSamples(OneScene(scene), NAMES, SIZE, MAPS, max_people=3)
    center = np.array([40.0, 30.0])
    plain, mirrored = (cutter.cut(scene, SceneDraw(center, 70.0, 10.0, flag)) for flag in (False, True))
    assert np.array_equal(plain["image"][:, ::-1], mirrored["image"])
    for a, b in zip(plain["masks"], mirrored["masks"], strict=True):
        assert np.array_equal(a[:, ::-1], b)
    assert np.array_equal(plain["visibility"][:, list(FLIPS)], mirrored["visibility"])
    flags = mirrored["visibility"] > 0
    expected = np.stack([SIZE[1] - 1 - plain["keypoints"][..., 0], plain["keypoints"][..., 1]], axis=-1)[:, list(FLIPS)]
    assert np.allclose(mirrored["keypoints"][flags], expected[flags], atol=1e-3)


def test_masks_follow_the_picture() -> None:
    """A picture that is white where it counts: the masks are where the sample is white, at each resolution."""
    counted = np.zeros((60, 80), bool)
    counted[10:40, 20:70] = True
    image = np.repeat(counted[..., None], 3, axis=2).astype(np.uint8) * 255
    scene = Scene(image, np.zeros((0, 5, 2)), np.zeros((0, 5), np.uint8), np.zeros((0, 4)), counted)
    found = MultiPersonSamples(OneScene(scene), NAMES, SIZE, (SIZE, *MAPS), SceneAugmentation(), seed=1, max_people=3)
    for epoch in range(10):
        sample = found[epoch, 0]
        white = sample["image"][..., 0] > 127
        assert (sample["masks"][0] != white).mean() < 0.002
        flip = -1 if sample["mirrored"] else 1  # maps are mirrored by themselves
        for mask, stride in zip(sample["masks"][1:], (4, 2), strict=True):
            assert (mask[:, ::flip] != white[:, ::flip][::stride, ::stride]).mean() < 0.02
        assert sample["people"] == 0
        assert not sample["visibility"].any()


def test_too_many_people() -> None:
    scene = random_scene(5)
    boxes = np.array([[0, 0, 9, 9], [0, 0, 30, 30], [50, 40, 60, 50], [0, 0, 20, 20], [5, 5, 5, 5]], np.float64)
    scene = Scene(scene.image, scene.keypoints, scene.visibility, boxes, np.ones_like(scene.counted))
    kept = keep_largest(scene, 3)
    assert np.array_equal(kept.keypoints, scene.keypoints[[1, 2, 3]])
    assert not kept.counted[:9, :9].any()
    assert kept.counted.sum() == 60 * 80 - 81
    assert keep_largest(scene, 5) is scene


def test_center_and_sigmas(dataset: MultiPersonDataset) -> None:
    sample = samples(dataset, center_keypoint=True)[0]
    assert sample["keypoints"].shape == (3, 6, 2)
    assert sample["visibility"][0, 5] == 1
    assert sample["keypoints"][0, 5] == pytest.approx(sample["keypoints"][0, :5].mean(axis=0), abs=1e-3)
    box = dataset.pictures[0].boxes[0]
    assert sample["sigmas"][0] == pytest.approx(2 * (box[2:] - box[:2]).max() / 256)
    points, labelled = with_center(np.ones((2, 3, 2)), np.array([[True, False, False], [False] * 3]))
    assert labelled[:, 3].tolist() == [True, False]
    assert points[:, 3].tolist() == [[1, 1], [0, 0]]
    assert scale_aware_sigmas(np.array([[0.0, 0, 0, 0], [0, 0, 256, 10]])).tolist() == [0.01, 2.0]
    assert scale_aware_sigmas(np.zeros((0, 4))).shape == (0,)


@pytest.mark.parametrize("size", [(1, 1), (3, 500)])
def test_tiny_and_thin_pictures(size: tuple[int, int]) -> None:
    scene = Scene(
        np.full((*size, 3), 9, np.uint8), np.zeros((1, 5, 2)), np.ones((1, 5), np.uint8), np.zeros((1, 4)), np.ones(size, bool)
    )
    for augmentation in (None, SceneAugmentation(), SceneAugmentation(side="long")):
        sample = MultiPersonSamples(OneScene(scene), NAMES, SIZE, MAPS, augmentation)[0]
        assert sample["image"].shape == (*SIZE, 3)
        assert np.isfinite(sample["keypoints"]).all()


def test_bad_input(dataset: MultiPersonDataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="smallest, largest"):
        SceneAugmentation(scale=(1.5, 0.75))
    with pytest.raises(ValueError, match="'short' or 'long'"):
        SceneAugmentation(side="left")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="max_people"):
        MultiPersonSamples(AnnotatedScenes([]), dataset.keypoint_set, SIZE, MAPS, max_people=0)
    with pytest.raises(ValueError, match="5 keypoints, the picture's people 4"):
        samples(dataset).cut(random_scene(1, joints=4), SceneDraw(np.zeros(2), 50.0))
    with pytest.raises(ValueError, match="expected keypoints"):
        Scene(
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((1, 5, 2)),
            np.zeros((1, 4), np.uint8),
            np.zeros((1, 4)),
            np.ones((4, 4), bool),
        )
    with pytest.raises(ValueError, match="the mask has shape"):
        Scene(
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((0, 5, 2)),
            np.zeros((0, 5), np.uint8),
            np.zeros((0, 4)),
            np.ones((4, 5), bool),
        )
    other = write_other_size(tmp_path)
    with pytest.raises(AnnotationError, match=r"\(80, 96\), its annotations say \(80, 90\)"):
        read_scene(other.pictures[0])


def write_other_size(folder: Path) -> MultiPersonDataset:
    write_people(folder, "people", 1)
    file = folder / "people.json"
    file.write_text(file.read_text().replace('"width": 96', '"width": 90'))
    return load_multi_person(file, folder / "people")
