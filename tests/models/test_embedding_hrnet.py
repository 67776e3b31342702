from __future__ import annotations

import pytest
import torch

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.models.embedding_hrnet import EmbeddingHRNet

TINY = HRNetSpec(4, stage1_blocks=1, stage1_planes=8, modules=(1, 1, 1), blocks=1)


def test_shapes_of_any_size() -> None:
    network = EmbeddingHRNet(TINY, num_classes=3, embedding_dimensions=5).eval()
    logits, embeddings = network(torch.zeros(2, 3, 70, 101))
    assert (logits.shape, embeddings.shape) == ((2, 3, 18, 26), (2, 5, 18, 26))


def test_every_parameter_is_trained() -> None:
    network = EmbeddingHRNet(TINY)
    logits, embeddings = network(torch.randn(2, 3, 64, 64))
    (logits.square().sum() + embeddings.square().sum()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_places_are_added_to_two_dimensions() -> None:
    torch.manual_seed(0)
    network = EmbeddingHRNet(TINY, coordinate_unit=16.0).eval()
    without = EmbeddingHRNet(TINY, coordinate_unit=None).eval()
    without.load_state_dict(network.state_dict())
    picture = torch.randn(1, 3, 64, 96)
    added = (network(picture).embeddings - without(picture).embeddings)[0]
    assert torch.allclose(added[0], (torch.arange(24.0) / 4).expand(16, 24), atol=1e-5)
    assert torch.allclose(added[1], (torch.arange(16.0) / 4)[:, None].expand(16, 24), atol=1e-5)
    assert added[2:].abs().max() == 0


def test_embeddings_keep_their_precision() -> None:
    network = EmbeddingHRNet(TINY).eval().to(torch.bfloat16)
    logits, embeddings = network(torch.zeros(1, 3, 64, 64, dtype=torch.bfloat16))
    assert (logits.dtype, embeddings.dtype) == (torch.bfloat16, torch.float32)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"embedding_dimensions": 1}, "at least 2"),
        ({"embedding_dimensions": 0, "coordinate_unit": None}, "at least 1"),
        ({"coordinate_unit": 0.0}, "positive number of pixels"),
    ],
)
def test_refused_options(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        EmbeddingHRNet(TINY, **options)  # pyright: ignore[reportArgumentType]
