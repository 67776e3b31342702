"""The instance task: instances found by a network that predicts its targets, and the card."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hrnet.data.drawn_shapes import DrawnShapes, ShapeLayout
from hrnet.data.instance_samples import InstanceSamples
from hrnet.errors import CheckpointError
from hrnet.metrics.mask_average_precision import MaskAveragePrecision
from hrnet.models.embedding_hrnet import EmbeddingMaps
from hrnet.structures.class_set import ClassSet
from hrnet.tasks.instance_embedding import InstanceEmbedding, build_embedding_network
from hrnet.weights.instance_card import InstanceEmbeddingCard
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry

KINDS = ("ellipse", "rectangle", "star")
CARD = InstanceEmbeddingCard(
    "embedding_hrnet_w18_small_v1", ClassSet("kinds", KINDS), (128, 160), options={"embedding_dimensions": 3}
)


def perfect(labels: Tensor, class_ids: Tensor) -> EmbeddingMaps:
    """What the network should say, at a quarter of the size."""
    small = labels[:, 2::4, 2::4].long()
    kinds = torch.cat([torch.full((len(labels), 1), -1), class_ids], dim=1).gather(1, small.clamp(min=0).flatten(1))
    logits = (kinds.view_as(small)[:, None] == torch.arange(len(KINDS))[:, None, None]) * 10.0 - 5
    return EmbeddingMaps(logits, (small[:, None] * 3.0).expand(-1, 3, -1, -1).contiguous())


def task_of(card: InstanceEmbeddingCard = CARD) -> InstanceEmbedding:
    with torch.device("meta"):  # its answers are given
        network = build_embedding_network(card)
    return InstanceEmbedding(network, card)


def test_perfect_maps_give_the_labelled_instances() -> None:
    """Through the whole way: pictures larger than the input and of another shape, scored in their own pixels."""
    layout = ShapeLayout((240, 200), (4, 7), (0.3, 0.5), kinds=KINDS, as_classes=True, together=1.0)
    drawn = DrawnShapes(6, layout, seed=2, fixed=True)
    samples = [InstanceSamples(drawn, CARD.input_size)[0, index] for index in range(len(drawn))]
    batch = {name: torch.as_tensor(np.stack([sample[name] for sample in samples])) for name in samples[0]}
    task = task_of()
    task.maps = lambda images: perfect(batch["labels"], batch["class_ids"])
    validated = task.validate(batch)
    assert validated.losses["push"] < 1e-3
    assert validated.losses["pull"] == 0
    scores = []
    for place in range(2):
        metric = MaskAveragePrecision(KINDS)
        for index, found in validated.found.items():
            metric.update(found[place], drawn.truth(index))
        scores.append(metric.compute().values["AP50"])
    assert scores[0] > 0.95
    assert scores[1] < scores[0] - 0.1


def test_what_is_written_beside_the_weights() -> None:
    texts = task_of().texts()
    entry = NetworkEntry.from_json(texts[NETWORK_KEY])
    assert (entry.architecture, entry.num_outputs) == ("embedding_hrnet_w18_small_v1", 3)
    assert InstanceEmbeddingCard.from_json(texts["hrnet.instance_card"]) == CARD


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputsize": 3}, "unknown field 'inputsize'; did you mean 'input_size'"),
        ({"decoding": {"band_width": 3}}, r"unknown field 'decoding\.band_width'; did you mean 'bandwidth'"),
        ({"input_size": [100, 128]}, "multiples of 32"),
        ({"std": [0, 1, 1]}, "std must be positive"),
    ],
)
def test_broken_cards(change: dict[str, Any], said: str) -> None:
    content = {**json.loads(CARD.to_json()), **change}
    with pytest.raises(CheckpointError, match=said):
        InstanceEmbeddingCard.from_json(json.dumps(content))


def test_other_networks_are_refused() -> None:
    card = InstanceEmbeddingCard("pose_hrnet_w32", CARD.class_set)
    with pytest.raises(ValueError, match="pose_hrnet_w32 is no network with an embedding"):
        build_embedding_network(card)
