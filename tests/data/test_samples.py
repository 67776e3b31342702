"""Samples: what they say about the keypoints is what their pictures show."""

from __future__ import annotations

import numpy as np
import pytest
from training.drawn_people import BACKGROUND, COLORS, write_people

from hrnet.codecs import CodecSpec, build_codec
from hrnet.data.augmentation import CropDraw, PoseAugmentation, half_body_region
from hrnet.data.datasets import load_pose_dataset
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.data.samples import PoseSample, PoseSamples, region_of_record
from hrnet.geometry import CropConvention, apply_affine
from hrnet.structures import PersonRecord, PoseDataset

SIZE = (128, 96)
AUGMENTATIONS = {
    "none": None,
    "papers": PoseAugmentation(half_body_min_visible=2),
    "turned": PoseAugmentation(scale=0, rotation=60, rotation_probability=1, flip_probability=0, half_body_probability=0),
    "mirrored": PoseAugmentation(scale=0, rotation=0, flip_probability=1, half_body_probability=0),
    "half": PoseAugmentation(scale=0, rotation=0, flip_probability=0.5, half_body_probability=1, half_body_min_visible=2),
    "cut off": PoseAugmentation(cut_off_probability=1, half_body_probability=0),
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PoseDataset:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, "drawn", 6)
    return load_pose_dataset(folder / "drawn.json", folder / "drawn")


def samples(
    people: PoseDataset, augmentation: PoseAugmentation | None = None, seed: int = 0, convention: str = "full_size"
) -> PoseSamples:
    kind = CropConvention(convention)
    return PoseSamples(people.records, people.keypoint_set, SIZE, kind, 1.25, augmentation, seed)


def color_at(sample: PoseSample, point: np.ndarray) -> np.ndarray | None:
    """The colour of the crop at a point, None outside."""
    x, y = np.round(point).astype(int)
    inside = 0 <= x < SIZE[1] and 0 <= y < SIZE[0]
    return sample["image"][y, x].astype(int) if inside else None


@pytest.mark.parametrize("convention", ["full_size", "unit_length"])
@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
def test_keypoints_lie_on_their_dots(augmentation: PoseAugmentation | None, convention: str, people: PoseDataset) -> None:
    dataset = samples(people, augmentation, convention=convention)
    seen = 0
    for epoch in range(8):
        for index in range(len(dataset)):
            sample = dataset[epoch, index]
            for k, color in enumerate(COLORS):
                found = color_at(sample, sample["keypoints"][k])
                # The dot of a mirrored left hip is the network's right hip: it has the drawn hip's colour.
                mirror = people.keypoint_set.flip_indices[k]
                drawn = COLORS[mirror] if np.linalg.det(sample["to_image"][:, :2]) < 0 else color
                if found is None or _at_the_cut(sample, k):
                    continue
                if sample["visibility"][k]:
                    assert np.abs(found - drawn).max() < 40, (epoch, index, k)
                    seen += 1
                else:
                    assert np.abs(found - drawn).max() > 100, (epoch, index, k)  # black, or fading into it
    assert seen > 8 * len(dataset) * 2


def _at_the_cut(sample: PoseSample, k: int) -> bool:
    """Picture and blackness meet beside the keypoint, where colours mix."""
    x, y = np.round(sample["keypoints"][k]).astype(int)
    around = sample["image"][max(0, y - 6) : y + 7, max(0, x - 6) : x + 7].max(axis=-1)
    return bool((around == 0).any() and (around > 0).any())


def test_mapping_to_the_picture(people: PoseDataset) -> None:
    for name in ("none", "turned"):
        for index, record in enumerate(people.records):
            sample = samples(people, AUGMENTATIONS[name])[1, index]
            assert apply_affine(sample["to_image"], sample["keypoints"]) == pytest.approx(record.keypoints, abs=1e-3)


def test_mirrored_sample_is_the_mirrored_plain_one(people: PoseDataset) -> None:
    plain, mirrored = samples(people, None, 0, "unit_length"), samples(people, AUGMENTATIONS["mirrored"], 0, "unit_length")
    flip = list(people.keypoint_set.flip_indices)
    for index in range(len(people)):
        a, b = plain[index], mirrored[0, index]
        expected = a["keypoints"][flip]
        expected[:, 0] = SIZE[1] - 1 - expected[:, 0]
        assert b["keypoints"] == pytest.approx(expected, abs=1e-3)
        assert np.abs(a["image"][:, ::-1].astype(int) - b["image"]).max() <= 3  # OpenCV 4 warps in fixed point


def test_same_key_same_sample(people: PoseDataset) -> None:
    augmentation = PoseAugmentation(half_body_min_visible=2, cut_off_probability=0.5, color=0.5)
    first, second = samples(people, augmentation), samples(people, augmentation)
    _ = second[4, 2], second[0, 0]  # what was drawn before does not matter
    for key in ((0, 0), (3, 1), (3, 2)):
        for name, value in first[key].items():
            assert np.array_equal(value, second[key][name]), name  # pyright: ignore
    pictures = {samples(people, augmentation, seed)[epoch, 1]["image"].tobytes() for seed in range(2) for epoch in range(2)}
    assert len(pictures) == 4


@pytest.mark.parametrize("codec", ["quarter_offset", "udp_combined"])
def test_absent_keypoints_are_taught_as_empty(codec: str, people: PoseDataset) -> None:
    import torch

    dataset = samples(people, AUGMENTATIONS["cut off"])
    drawn = [dataset[epoch, index] for epoch in range(5) for index in range(len(dataset))]
    absent = np.stack([sample["absent"] for sample in drawn])
    visible = np.stack([sample["visibility"] for sample in drawn])
    assert absent.any(axis=1).mean() > 0.5
    assert not (absent & (visible > 0)).any()
    assert (absent | (visible > 0)).all()  # all are labelled
    keypoints = torch.from_numpy(np.stack([sample["keypoints"] for sample in drawn]))
    maps = build_codec(CodecSpec(name=codec, input_size=SIZE)).encode(keypoints, torch.from_numpy(visible)).heatmaps  # pyright: ignore
    per_keypoint = maps.unflatten(1, (5, -1))[:, :, 0]
    assert not per_keypoint[torch.from_numpy(absent)].any()


def test_cut_off_of_a_person_at_the_border(people: PoseDataset) -> None:
    """The padded region of somebody at the border lies mostly outside: what is left of it may miss the picture."""
    corner = np.array([88.0, 72.0, 95.0, 79.0])
    record = people.records[0]
    records = [PersonRecord(record.image, 0, 0, corner, record.keypoints, record.visibility)]
    dataset = PoseDataset("corner", people.keypoint_set, records, people.annotation_file)
    for epoch in range(60):
        assert samples(dataset, AUGMENTATIONS["cut off"])[epoch, 0]["image"].shape == (*SIZE, 3)


def test_colors_vary(people: PoseDataset) -> None:
    assert (samples(people)[0]["image"] == BACKGROUND).all(axis=-1).mean() > 0.2
    strong = samples(people, PoseAugmentation(color=1.0))
    assert len({strong[epoch, 0]["image"].mean().round(1) for epoch in range(5)}) == 5
    assert strong[0, 0]["image"].dtype == np.uint8


class Draws:
    """Numbers in a given order."""

    def __init__(self, uniform: list[float], normal: list[float]) -> None:
        self.uniform, self.normal = uniform, normal

    def random(self) -> float:
        return self.uniform.pop(0)

    def standard_normal(self) -> float:
        return self.normal.pop(0)


def draw(augmentation: PoseAugmentation, draws: Draws, labelled: int = 17) -> CropDraw:
    names = keypoint_set("coco")
    keypoints = np.stack([np.arange(17.0), np.arange(17.0) * 2], axis=1)
    flags = np.arange(17) < labelled
    center, size = np.array([30.0, 40.0]), np.array([75.0, 100.0])
    return augmentation.draw(keypoints, flags, center, size, 200, names, 0.75, draws)


def test_order_of_the_draws() -> None:
    result = draw(PoseAugmentation(), Draws([0.9, 0.1, 0.2], [1.0, -1.0]))
    assert result.size == pytest.approx([75 * 1.35, 135])
    assert result.rotation == -45
    assert result.mirrored
    assert result.center == pytest.approx([200 - 1 - 30, 40])
    assert result.window is None


def test_limits_of_the_draws() -> None:
    result = draw(PoseAugmentation(), Draws([0.9, 0.1, 0.9], [-9.0, 9.0]))
    assert (result.size == pytest.approx([75 * 0.65, 65]), result.rotation, result.mirrored) == (True, 90, False)
    result = draw(PoseAugmentation(), Draws([0.9, 0.7, 0.9], [0.0]))
    assert (result.size == pytest.approx([75, 100]), result.rotation) == (True, 0)


def test_half_body_needs_more_than_eight_labels() -> None:
    few = draw(PoseAugmentation(), Draws([0.7, 0.9], [0.0]), labelled=8)  # no draw for the half body at all
    assert few.size == pytest.approx([75, 100])
    half = draw(PoseAugmentation(scale=0), Draws([0.1, 0.7, 0.9], [0.0, 0.0]))
    upper = [*keypoint_set("coco").upper_body]
    assert half.center == pytest.approx([np.mean(upper), 2 * np.mean(upper)])


def test_half_body_falls_back() -> None:
    points = np.stack([np.arange(6.0), np.zeros(6)], axis=1)
    upper = (0, 1, 2)
    for labelled, normal, expected in [
        ([1, 1, 1, 1, 1, 1], 0.0, [0, 1, 2]),
        ([1, 1, 1, 1, 1, 1], 0.6, [3, 4, 5]),
        ([1, 1, 0, 1, 1, 1], 0.0, [3, 4, 5]),
        ([1, 1, 1, 1, 1, 0], 0.6, [0, 1, 2]),
    ]:
        region = half_body_region(points, np.array(labelled, bool), upper, 1.0, normal)
        assert region is not None
        assert region[0][0] == np.mean(expected)
    assert half_body_region(points, np.array([1, 0, 0, 0, 0, 0], bool), upper, 1.0, 0.0) is None


def test_annotated_regions_are_used_as_they_are(people: PoseDataset) -> None:
    record = people.records[0]
    own = PersonRecord(
        record.image, 0, 0, record.box, record.keypoints, record.visibility, np.array([10, 20]), np.array([50.0, 50.0])
    )
    center, size = region_of_record(own, 0.75, 1.25)
    assert center.tolist() == [10, 20]
    assert size == pytest.approx([50, 50 / 0.75])
