from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.data.drawn_shapes import DrawnShapes, ShapeLayout
from hrnet.data.images import write_image
from hrnet.inference.instances import InstancePredictor, build_instance_predictor
from hrnet.models.embedding_hrnet import EmbeddingHRNet, EmbeddingMaps
from hrnet.structures.class_set import ClassSet
from hrnet.structures.instance_result import InstanceResult
from hrnet.tasks.instance_embedding import InstanceEmbedding
from hrnet.weights.instance_card import InstanceEmbeddingCard

TINY = HRNetSpec(4, stage1_blocks=1, stage1_planes=8, modules=(1, 1, 1), blocks=1)
CARD = InstanceEmbeddingCard("embedding_hrnet_w4", ClassSet("shapes", ("shape",)), (64, 96))


class Brightness(EmbeddingHRNet):
    """Foreground is what is bright; its embedding is its colour."""

    def forward(self, x: Tensor) -> EmbeddingMaps:
        small = x[:, :, 2::4, 2::4]
        return EmbeddingMaps(small.sum(dim=1, keepdim=True), small.float())


def predictor(batch_size: int = 2, **changes: Any) -> InstancePredictor:
    return InstancePredictor(InstanceEmbedding(Brightness(TINY), CARD).eval(), batch_size, **changes)


def picture(size: tuple[int, int]) -> np.ndarray:
    """Two bright halves of a rectangle on black, in coordinates that grow with the picture."""
    image = np.zeros((*size, 3), np.uint8)
    rows, columns = slice(size[0] // 4, size[0] * 3 // 4), size[1] // 4
    image[rows, columns : 2 * columns], image[rows, 2 * columns : 3 * columns] = (255, 255, 0), (0, 255, 255)
    return image


@pytest.mark.parametrize("size", [(64, 96), (160, 120), (30, 200), (400, 300)])
def test_instances_in_pixels_of_the_picture(size: tuple[int, int]) -> None:
    result = predictor()(picture(size))
    assert isinstance(result, InstanceResult)
    assert result.image_size == size
    truth = picture(size)
    halves = [(truth[..., 0] > 0), (truth[..., 2] > 0)]
    overlaps = [max(float((half & mask).sum() / (half | mask).sum()) for mask in result.masks) for half in halves]
    assert len(result) == 2
    assert min(overlaps) > 0.7
    assert result.plot().shape == (*size, 3)


def test_many_pictures(tmp_path: Path) -> None:
    pictures = [picture(size) for size in ((64, 96), (80, 80), (33, 47))]
    one = predictor(1)
    results = predictor(2)(pictures)
    assert isinstance(results, list)
    for given, result in zip(pictures, results, strict=True):
        alone = one(given)
        assert isinstance(alone, InstanceResult)
        assert alone.to_dict()["instances"] == result.to_dict()["instances"]
    write_image(tmp_path / "a.png", pictures[1])
    saved = one(tmp_path / "a.png")
    assert isinstance(saved, InstanceResult)
    assert saved.source is not None
    assert saved.source.endswith("a.png")
    assert len(predictor(min_score=1.0)(pictures[0])) == 0  # pyright: ignore[reportArgumentType]


def test_built_from_network_and_card() -> None:
    torch.manual_seed(0)
    network = EmbeddingHRNet(TINY, embedding_dimensions=3).eval()
    torch.nn.init.normal_(network.last_layer[3].weight, std=0.5)  # pyright: ignore[reportArgumentType]
    scene = DrawnShapes(1, ShapeLayout(size=(96, 96))).scene(0, 0)
    exact = build_instance_predictor(network, CARD, device="cpu", preset="accurate", name="tiny")
    result = exact(scene.image)
    assert isinstance(result, InstanceResult)
    assert exact.name == "tiny"
    assert exact.class_set.classes == ("shape",)
    direct = InstancePredictor(InstanceEmbedding(network, CARD).eval())(scene.image)
    assert isinstance(direct, InstanceResult)
    assert len(direct) == len(result) > 0
    assert np.mean(direct.masks.any(axis=0) == result.masks.any(axis=0)) > 0.99


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": EmbeddingHRNet(TINY, 2)}, "the network has 2 classes"),
        ({"network": torch.nn.Conv2d(3, 1, 1)}, "the network has Conv2d"),
        ({"preset": "fastest"}, "no preset 'fastest'"),
        ({"min_score": 2.0}, "min_score"),
    ],
)
def test_refused(change: dict[str, Any], said: str) -> None:
    arguments = {"network": EmbeddingHRNet(TINY), "card": CARD, "device": "cpu", "preset": "accurate", **change}
    with pytest.raises(ValueError, match=said):
        build_instance_predictor(**arguments)
