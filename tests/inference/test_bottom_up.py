"""All people of a picture at once: where their keypoints come out, what is said of people and sizes, and odd input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden.cases import cases_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hrnet.codecs.associative_embedding import AssociativeEmbeddingSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.inference.bottom_up import BottomUpPredictor, build_bottom_up_predictor
from hrnet.inference.pose_writer import PoseWriter
from hrnet.inference.sources import Frame, open_source
from hrnet.inference.tracking import track_stream
from hrnet.models import build_model
from hrnet.structures import KeypointSet, PoseResult
from hrnet.weights.bottom_up_card import BottomUpCard

case = cases_of("bottom_up")

COLOURED = KeypointSet("coloured", ("red", "green", "blue"), (0, 1, 2), skeleton=((0, 1), (1, 2)))
CARD = BottomUpCard("painted", COLOURED, input_size=128)
UPPER = np.array([[0.3, 0.2], [0.45, 0.3], [0.6, 0.22]])  # in units of the picture's sides; red, green and blue
LOWER = np.array([[0.4, 0.8], [0.55, 0.7], [0.72, 0.85]])


class PaintedPeople(nn.Module):
    """A network that makes no mistake where keypoints are red, green and blue, and one person is above the other.

    Heat is colour at a quarter and at half of the input's size; the tag is 8 in the upper half of the input and 1 below.
    """

    num_keypoints = 3

    def __init__(self, card: BottomUpCard = CARD, tags: tuple[float, float] = (8.0, 1.0)) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.card, self.tags = card, tags
        self.inputs: list[tuple[int, ...]] = []

    def forward(self, inputs: Tensor) -> list[Tensor]:
        self.inputs.append(tuple(inputs.shape))
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.card.mean, self.card.std))
        colour = (inputs.float() * std + mean).contiguous()
        fine, coarse = F.avg_pool2d(colour, 2), F.avg_pool2d(colour, 4)
        tags = torch.full_like(coarse, self.tags[1])
        tags[:, :, : coarse.shape[2] // 2] = self.tags[0]
        return [torch.cat([coarse, tags], dim=1), fine]


def paint(
    size: tuple[int, int], people: Sequence[np.ndarray], strength: float = 1.0, spread: float | None = None
) -> np.ndarray:
    """A black picture of (height, width) with soft marks at (3, 2) shares of its sides for each of the people."""
    height, width = size
    spread = spread or 4 * min(size) / 128
    picture = np.zeros((height, width, 3))
    for person in people:
        for channel, (x, y) in enumerate(person * (width, height)):
            across = np.exp(-((np.arange(width) - x) ** 2) / (2 * spread**2))
            down = np.exp(-((np.arange(height) - y) ** 2) / (2 * spread**2))
            picture[..., channel] = np.maximum(picture[..., channel], down[:, None] * across)
    return (255 * strength * picture).round().astype(np.uint8)


def predictor(card: BottomUpCard = CARD, **options: Any) -> BottomUpPredictor:
    return BottomUpPredictor(PaintedPeople(card), card, **options)


def both_people(result: PoseResult) -> np.ndarray:
    """(2, 3, 2), the upper one first."""
    assert len(result) == 2, str(result)
    return result.keypoints[np.argsort(result.keypoints[:, :, 1].mean(axis=1))]


@given(st.integers(90, 300), st.integers(90, 300), st.booleans())
@settings(max_examples=12, deadline=None)
def test_keypoints_lie_on_the_marks_of_pictures_of_any_size(height: int, width: int, flip_test: bool) -> None:
    result = predictor(flip_test=flip_test)(paint((height, width), [UPPER, LOWER]))
    assert isinstance(result, PoseResult)
    tolerance = 2 * min(height, width) / 128  # two pixels of the input, one of the finer maps
    np.testing.assert_allclose(both_people(result), np.stack([UPPER, LOWER]) * (width, height), atol=tolerance)
    assert result.image_size == (height, width)
    assert (result.keypoint_scores > 0.8).all()


@pytest.mark.parametrize(
    "options",
    [
        {"scales": (1.0, 2.0)},
        {"scales": (0.5, 1.0, 2.0), "flip_test": False},
        {"scales": (2.0,)},
        {"decoding": AssociativeEmbeddingSpec(project_to_input=False)},
        {"decoding": AssociativeEmbeddingSpec(project_to_input=False), "scales": (1.0, 2.0)},
        {"decoding": AssociativeEmbeddingSpec.openmmlab()},
        {"decoding": AssociativeEmbeddingSpec.openmmlab(udp=True)},
        {"decoding": AssociativeEmbeddingSpec(adjustment="udp")},
        {"size_rule": "square"},
        {"size_rule": "square", "decoding": AssociativeEmbeddingSpec.hourglass(), "scales": (2.0, 1.0, 0.5)},
        {"channel_order": "bgr"},
        {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    ],
    ids=str,
)
def test_keypoints_lie_on_the_marks_whatever_the_card_says(options: dict[str, Any]) -> None:
    of_card = {name: value for name, value in options.items() if name not in ("scales", "flip_test")}
    card = replace(CARD, **of_card)
    run = predictor(card, **{name: options[name] for name in options.keys() - of_card.keys()})
    marks = np.stack([UPPER, LOWER])
    [result] = run.predict_pictures([paint((150, 200), [UPPER, LOWER])])
    found = both_people(result)
    if card.channel_order == "bgr":  # what the network was told to be blue is red in the picture
        found = found[:, ::-1]
    # A quarter of the padded square is lost on its borders, and the hourglass's maps are no finer.
    np.testing.assert_allclose(found, marks * (200, 150), atol=2.6 * (200 if card.size_rule == "square" else 150) / 128)


def test_what_is_said_of_a_person() -> None:
    [result] = predictor().predict_pictures([paint((128, 128), [UPPER, LOWER])])
    np.testing.assert_allclose(result.scores, result.keypoint_scores.mean(axis=1), atol=1e-6)
    assert list(result.scores) == sorted(result.scores, reverse=True)
    np.testing.assert_array_equal(result.box_scores, result.scores)
    np.testing.assert_allclose(result.boxes[:, :2], result.keypoints.min(axis=1))
    np.testing.assert_allclose(result.boxes[:, 2:], result.keypoints.max(axis=1))


def test_pictures_of_one_input_size_share_passes() -> None:
    pictures = [paint(size, [UPPER, LOWER]) for size in ((128, 160), (160, 128), (64, 80), (128, 150), (100, 125))]
    network = PaintedPeople()
    run = BottomUpPredictor(network, CARD, batch_size=3, flip_test=False)
    results = run.predict_pictures(pictures)
    assert sorted(network.inputs) == [(1, 3, 128, 192), (1, 3, 192, 128), (3, 3, 128, 192)]
    for picture, result in zip(pictures, results, strict=True):
        [alone] = run.predict_pictures([picture])
        np.testing.assert_allclose(result.keypoints, alone.keypoints, atol=1e-4)
        assert result.image_size == picture.shape[:2]


@pytest.mark.parametrize("name", ["projected", "first_scale"])
def test_published_pipeline(name: str) -> None:
    """The recorded outputs of a network, given for the sizes and in the order that they were recorded in."""
    recorded, outputs = case(f"bu_pipeline_multiscale_{name}"), case("bu_pipeline_multiscale_projected").inputs
    given_options = recorded.inputs
    spec = AssociativeEmbeddingSpec(
        detection_threshold=given_options["det_thr"],
        tag_threshold=given_options["tag_thr"],
        nms_kernel=given_options["nms_kernel"],
        project_to_input=given_options["project_to_image"],
    )
    card = BottomUpCard("recorded", keypoint_set("coco"), given_options["base_input"], decoding=spec)

    class Recorded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))
            self.last = torch.zeros(0)

        def forward(self, inputs: Tensor) -> list[Tensor]:
            mirrored = torch.equal(inputs.flip(-1), self.last)
            self.last = inputs
            scale = {256: "2", 128: "1", 64: "0p5"}[inputs.shape[2]]
            names = (f"scale{scale}_{'mirrored' if mirrored else 'plain'}_stage{stage}" for stage in range(2))
            maps = [torch.from_numpy(outputs[name])[None] for name in names]
            assert inputs.shape[2:] == (4 * maps[0].shape[2], 4 * maps[0].shape[3])
            return maps

    noise = np.random.default_rng(0).integers(0, 256, (*given_options["image_hw"], 3), np.uint8)
    [result] = BottomUpPredictor(Recorded(), card, scales=given_options["scales"]).predict_pictures([noise])
    order = np.argsort(-recorded.outputs["scores"], kind="stable")
    rows = recorded.outputs["results"][order]
    np.testing.assert_allclose(result.scores, recorded.outputs["scores"][order], atol=1e-5)
    np.testing.assert_allclose(result.keypoint_scores, rows[..., 2], atol=1e-5)
    present = rows[..., 2] > 0
    np.testing.assert_allclose(result.keypoints[present], rows[..., :2][present], atol=2e-3)


def test_keypoints_that_a_person_lacks(tmp_path: Path) -> None:
    card = replace(CARD, decoding=AssociativeEmbeddingSpec(fill_absent=False))
    picture = paint((128, 128), [UPPER, LOWER])
    picture[:64, :, 1] = 0
    [result] = predictor(card).predict_pictures([picture])
    assert (result.keypoint_scores == 0).tolist() == [[False] * 3, [False, True, False]]
    whole, lacking = result
    np.testing.assert_allclose(lacking.keypoints[0, 1], lacking.keypoints[0, [0, 2]].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(lacking.scores, lacking.keypoint_scores.sum() / 3, atol=1e-6)
    assert np.isfinite(result.keypoints).all()
    again = PoseResult.from_dict(json.loads(result.to_json()))
    np.testing.assert_array_equal(again.keypoints, result.keypoints)
    drawn = lacking.plot(np.zeros((128, 128, 3), np.uint8))
    x, y = lacking.keypoints[0, 1].round().astype(int)
    assert drawn.any()
    assert not drawn[y - 3 : y + 4, x - 3 : x + 4].any()
    assert len(whole.to_coco(1)[0]["keypoints"]) == 9


def test_nobody() -> None:
    for size in ((128, 128), (1, 1), (3, 500)):
        [result] = predictor(announce=lambda _: None).predict_pictures([np.zeros((*size, 3), np.uint8)])
        assert len(result) == 0
        assert result.keypoints.shape == (0, 3, 2)
        assert result.image_size == size
        assert result.plot(np.zeros((*size, 3), np.uint8)).shape == (*size, 3)
    assert predictor().predict_pictures([]) == []


def test_a_single_keypoint() -> None:
    picture = paint((128, 128), [UPPER])
    picture[..., 1:] = 0
    [result] = predictor().predict_pictures([picture])
    assert len(result) == 1
    np.testing.assert_allclose(result.scores, result.keypoint_scores[0, 0] / 3, atol=1e-6)
    np.testing.assert_allclose(result.boxes[0], np.tile(result.keypoints[0, 0], 2))
    np.testing.assert_allclose(result.keypoints[0, 0], UPPER[0] * 128, atol=2)


def test_equal_tags_make_one_person() -> None:
    network = PaintedPeople(tags=(1.0, 1.0))
    [result] = BottomUpPredictor(network, CARD).predict_pictures([paint((128, 128), [UPPER, LOWER])])
    assert len(result) == 1
    assert (result.keypoint_scores > 0.8).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["heat", "tags"])
def test_broken_numbers_are_an_error(value: float, part: str) -> None:
    class Broken(PaintedPeople):
        def forward(self, inputs: Tensor) -> list[Tensor]:
            coarse, fine = super().forward(inputs)
            (fine if part == "heat" else coarse[:, 3:])[0, 0, 5, 5] = value
            return [coarse, fine]

    with pytest.raises(ValueError, match=f"{part} has NaN or infinity: its weights or its input are broken"):
        BottomUpPredictor(Broken(), CARD).predict_pictures([paint((128, 128), [UPPER])])


def test_how_many_people_are_kept() -> None:
    class Crowd(PaintedPeople):
        """Forty keypoints of each kind, of forty people, one after the other less sure."""

        def forward(self, inputs: Tensor) -> list[Tensor]:
            coarse, fine = super().forward(inputs)
            for person in range(40):
                row, column = 4 + 7 * (person // 8), 2 + 8 * (person % 8)
                fine[..., row, column] = 0.9 - 0.015 * person
                coarse[:, 3:, row // 2, column // 2] = 3.0 * person
            return [coarse, fine]

    network, picture = Crowd().eval(), np.zeros((128, 128, 3), np.uint8)
    card = replace(CARD, decoding=AssociativeEmbeddingSpec(project_to_input=False, fill_absent=False))
    options: dict[str, Any] = {"flip_test": False}

    def found(**limits: Any) -> PoseResult:
        [result] = BottomUpPredictor(network, card, **options, **limits).predict_pictures([picture])
        return result

    assert len(found()) == 30  # the published decoder takes no more candidates
    assert len(found(max_people=60)) == 40
    best = found(max_people=5)
    assert len(best) == 5
    np.testing.assert_array_equal(best.scores, found().scores[:5])
    least = float(found().scores[9])
    assert len(found(min_score=least)) == 10


def test_a_very_long_picture_is_announced_once() -> None:
    told: list[str] = []
    run = predictor(announce=told.append, flip_test=False)
    strip = np.zeros((200, 10000, 3), np.uint8)
    strip[80:120, 4980:5020, 0] = 255
    results = run.predict_pictures([strip, strip])
    assert len(told) == 1
    assert "10000x200" in told[0]
    assert "1024x64" in told[0]
    np.testing.assert_allclose(results[0].keypoints[0, 0], [4999.5, 99.5], atol=15)


def test_kinds_of_pictures(tmp_path: Path) -> None:
    picture = paint((128, 128), [UPPER, LOWER])
    run = predictor()
    clear = np.concatenate([picture, np.full((128, 128, 1), 255, np.uint8)], axis=2)
    for other, bgr in ((clear, False), (picture[..., ::-1], True)):
        result = run(other, bgr=bgr)
        assert isinstance(result, PoseResult)
        np.testing.assert_allclose(both_people(result)[0], UPPER * 128, atol=2)
    grey = run(picture.max(axis=2))
    assert isinstance(grey, PoseResult)
    assert len(grey) >= 2
    assert grey.image is not None
    assert isinstance(run([picture]), list)


def test_results_are_tracked_and_written(tmp_path: Path) -> None:
    frames = [paint((96, 128), [UPPER + np.array([0.01 * step, 0]), LOWER]) for step in range(3)]
    stream = track_stream(predictor(batch_size=2).stream(open_source(frames)))
    with PoseWriter(tmp_path) as writer:
        for frame, result in stream:
            assert isinstance(frame, Frame)
            assert result is not None
            writer.write(frame, result)
            assert sorted(result.track_ids.tolist()) == [1, 2]  # type: ignore[union-attr]
    assert len(json.loads((tmp_path / "coco_results.json").read_text())) == 6


@pytest.mark.parametrize("name", ["higher_hrnet_w18_small_v1", "ae_hrnet_w18_small_v1", "pose_ae_4"])
@pytest.mark.parametrize("preset", ["fast", "published"])
def test_networks_and_presets(name: str, preset: str) -> None:
    torch.manual_seed(0)
    small: dict[str, Any] = {"channels": 16, "growth": 8} if name == "pose_ae_4" else {}
    card = BottomUpCard(name, keypoint_set("coco"), 64, "square" if small else "short_side", options=small)
    run = build_bottom_up_predictor(
        build_model(name, 17, **small).eval(), card, device="cpu", preset=preset, announce=lambda _: None
    )
    result = run(np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8))
    assert isinstance(result, PoseResult)
    assert np.isfinite(result.keypoints).all()
    assert run._passes.flip_test is (preset != "fast")
    assert run.min_score == (0 if preset == "published" else 1 / 17)
    assert run.max_people == (None if preset == "published" else 30)


def test_flip_test_in_one_batch_gives_the_same() -> None:
    picture = paint((128, 150), [UPPER, LOWER])
    run = predictor()
    [apart] = run.predict_pictures([picture])
    network = run._passes._network
    assert isinstance(network, PaintedPeople)
    network.inputs.clear()

    run._passes._mirrors_apart = False
    [together] = run.predict_pictures([picture])
    assert network.inputs == [(2, 3, 128, 192)]
    np.testing.assert_array_equal(together.keypoints, apart.keypoints)


def test_what_does_not_fit() -> None:
    network = PaintedPeople()
    with pytest.raises(ValueError, match="the card is for 17 heatmaps"):
        build_bottom_up_predictor(network, BottomUpCard("painted", keypoint_set("coco")), device="cpu")
    for scales in ((), (0.0,), (-1.0, 1.0), (float("nan"),), (1.0, 1.0)):
        with pytest.raises(ValueError, match="scales must be one or several positive numbers"):
            predictor(scales=scales)
    with pytest.raises(ValueError, match="one must be 1"):
        predictor(scales=(0.5, 2.0))
    with pytest.raises(ValueError, match="max_people must be at least 1"):
        predictor(max_people=0)
    with pytest.raises(ValueError, match="min_score must be at least 0"):
        predictor(min_score=-0.1)
    with pytest.raises(ValueError, match="there is no preset 'fats'"):
        build_bottom_up_predictor(network, CARD, device="cpu", preset="fats")
    with pytest.raises(ValueError, match="batch_size"):
        predictor(batch_size=0)
