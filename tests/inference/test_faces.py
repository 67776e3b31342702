"""The predictor of faces: where landmarks come out, in every preset, with networks of either kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from inference.builders import MARKED, PLACES, MarkFinder, _find_marks, draw_marks
from torch import Tensor

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.inference.face_detector import FaceDetector
from hrnet.inference.faces import FacePredictor, _decoding_codec, build_face_predictor, finds_faces
from hrnet.inference.presets import PRESETS
from hrnet.structures import KeypointSet, PoseResult
from hrnet.tasks.face import FaceLandmarks
from hrnet.weights.pose_card import PoseCard

INPUT = 128


class PublishedFinder(MarkFinder):
    """As the published networks: trained on targets one pixel of the picture off, in crops that lie half a pixel off."""

    crop_pixels_per_pixel = 1.0

    def forward(self, inputs: Tensor) -> Tensor:
        mean, std = torch.tensor(self.card.mean), torch.tensor(self.card.std)
        pixels = ((inputs.float().permute(0, 2, 3, 1) * std + mean) * 255).numpy()
        found = torch.from_numpy(np.stack([_find_marks(crop) for crop in pixels])) + self.crop_pixels_per_pixel - 0.5
        return self.codec.encode(found.float(), torch.ones(found.shape[:2])).heatmaps


def predictor_of(name: str, whole_pixels: bool = True, kind: type[MarkFinder] = MarkFinder) -> FacePredictor:
    codec = name if whole_pixels else f"{name}_dark"
    card = PoseCard("perfect", MARKED, CodecSpec(codec, (INPUT, INPUT), 1.5), flip_test=False)  # pyright: ignore
    return FacePredictor(FaceLandmarks(kind(card), card).eval(), batch_size=3, announce=lambda _: None)


def faces(count: int, side: float, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Pictures of one face each, their boxes (N, 4) and marks (N, 5, 2), on fractions of a pixel."""
    random = np.random.default_rng(seed)
    corners = random.uniform(40, 60, (count, 2))
    marks = corners[:, None] + PLACES * side
    corners += random.uniform(-3, 3, corners.shape)  # boxes are never quite right
    images = []
    for face in marks:
        image = np.zeros((240, 250, 3), np.uint8)
        draw_marks(image, face, 3.0)
        images.append(image)
    return images, np.concatenate([corners, corners + side], axis=1), marks


def found_by(predictor: FacePredictor, images: list[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    results = predictor(images, [box[None] for box in boxes])
    assert isinstance(results, list)
    return np.stack([result.keypoints[0] for result in results])


def test_networks_of_our_own_are_exact() -> None:
    images, boxes, marks = faces(4, 110.0)
    found = found_by(predictor_of("dark"), images, boxes)
    assert np.abs(found - marks).max() < 0.6


def test_published_networks_give_whole_pixels() -> None:
    # With a margin of a quarter the crop is as large as the face's region: one pixel of the picture for one of the crop.
    images, boxes, marks = faces(12, INPUT / 1.25)
    found = found_by(predictor_of("face_landmarks", kind=PublishedFinder), images, boxes)
    assert (found == np.trunc(found)).all()
    assert np.abs(found - marks).max() < 4.5  # half a heatmap pixel, and the whole ones
    # Fractions are cut off instead of the pixel that targets lie off: half a pixel remains, on average.
    assert (found - marks).mean() == pytest.approx(0.5, abs=0.3)


def test_read_by_dark_they_are_without_bias() -> None:
    images, boxes, marks = faces(12, INPUT / 1.25)
    found = found_by(predictor_of("face_landmarks", whole_pixels=False, kind=PublishedFinder), images, boxes)
    assert not (found == np.trunc(found)).all()
    assert (found - marks).mean() == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("side", [40.0, 180.0])
def test_the_published_crop_of_any_size(side: float) -> None:
    images, boxes, marks = faces(4, side)
    found = found_by(predictor_of("face_landmarks"), images, boxes)
    assert np.abs(found - marks).max() < 2 + 2.5 * 1.25 * side / INPUT


def test_presets_choose_the_decoder() -> None:
    published, own = CodecSpec("face_landmarks", (64, 64), 1.5), CodecSpec("quarter_offset", (64, 64), 1.5)
    assert {name: _decoding_codec(published, preset).name for name, preset in PRESETS.items()} == {
        "fast": "face_landmarks_dark",
        "balanced": "face_landmarks_dark",
        "accurate": "face_landmarks_dark",
        "published": "face_landmarks",
    }
    assert _decoding_codec(own, PRESETS["fast"]).name == "dark"
    assert _decoding_codec(own, PRESETS["published"]).name == "quarter_offset"


# Built from weights


@pytest.fixture(scope="module")
def weights() -> tuple[torch.nn.Module, PoseCard]:
    from hrnet.models import build_model

    torch.manual_seed(0)
    card = PoseCard("face_hrnetv2_w18_small_v1", MARKED, CodecSpec("face_landmarks", (64, 64), 1.5), flip_test=False)
    return build_model(card.architecture, card.num_outputs).eval(), card


def build(weights: tuple[torch.nn.Module, PoseCard], **options: object) -> FacePredictor:
    return build_face_predictor(*weights, device="cpu", **{"detector": "none", **options})  # pyright: ignore


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_gives_results(weights: tuple[torch.nn.Module, PoseCard], preset: str) -> None:
    predictor = build(weights, preset=preset)
    assert predictor.flip_test == (preset in ("balanced", "accurate"))  # published scores of faces are without
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    result = predictor(image, [[5, 5, 40, 40], [20, 10, 60, 45]])
    assert isinstance(result, PoseResult)
    assert result.keypoints.shape == (2, 5, 2)
    assert np.isfinite(result.keypoints).all()
    assert len(predictor(image)) == 1  # the whole picture
    assert len(predictor(image, np.zeros((0, 4)))) == 0


def test_people_are_not_looked_for(weights: tuple[torch.nn.Module, PoseCard]) -> None:
    for option in ("auto", "none"):
        detector = build(weights, detector=option, announce=lambda _: None).detector
        assert isinstance(detector, FaceDetector)


@pytest.mark.parametrize(
    ("keypoints", "architecture", "expected"),
    [
        ("300w", "pose_resnet50", True),
        ("300wlp", "face_hrnetv2_w18", True),
        ("lapa", "face_hrnetv2_w18", True),
        ("coco_wholebody_face", "face_hrnetv2_w18", True),
        ("onehand10k", "face_hrnetv2_w18", False),
        ("coco_aic", "pose_hrnet_w32", False),  # 19 keypoints as AFLW
        ("coco", "pose_hrnet_w32", False),
    ],
)
def test_weights_for_faces_are_known(keypoints: str, architecture: str, expected: bool) -> None:
    assert finds_faces(PoseCard(architecture, keypoint_set(keypoints))) is expected
    own = KeypointSet("own", ("left", "right"), (1, 0))
    assert finds_faces(PoseCard(architecture, own)) is architecture.startswith("face_")


def test_bad_input(weights: tuple[torch.nn.Module, PoseCard], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.xml"):
        build(weights, detector=tmp_path / "missing.xml")
    with pytest.raises(ValueError, match="did you mean 'balanced'"):
        build(weights, preset="balansed")
    predictor = build(weights)
    with pytest.raises(ValueError, match="corners reversed"):
        predictor(np.zeros((40, 40, 3), np.uint8), [[30, 5, 4, 20]])
    with pytest.raises(FileNotFoundError, match=r"none\.jpg"):
        predictor(tmp_path / "none.jpg")
