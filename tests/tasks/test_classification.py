from __future__ import annotations

import pytest
import torch
from torch import nn

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.losses.classification import Mixing
from hrnet.models.backbone import FREEZABLE_PARTS
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.tasks.classification import ImageClassification, build_classification_network
from hrnet.tasks.freezing import freeze_parts
from hrnet.weights.classification_card import CLASSIFICATION_CARD_KEY, ClassificationCard

CARD = ClassificationCard("cls_hrnet_w2", 3, ("a", "b", "c"), (32, 32))


def network() -> ClsHRNet:
    return ClsHRNet(HRNetSpec(2, 1, 4, (1, 1, 1), 1), 3)


def batch(count: int = 4) -> dict[str, torch.Tensor]:
    images = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8)
    labels = torch.arange(count) % 3
    return {"image": images, "label": labels, "mixing_seed": torch.arange(count), "index": torch.arange(count) + 10}


def test_loss_of_a_batch() -> None:
    task = ImageClassification(network(), CARD).eval()
    losses = task.losses(batch())
    logits = task.logits(batch()["image"])
    assert losses["total"].item() > 0
    assert list(losses) == ["total"]
    assert logits.shape == (4, 3)
    given = batch()
    plain = nn.functional.cross_entropy(task.logits(given["image"]), given["label"])
    assert task.losses(given)["total"].item() == pytest.approx(plain.item(), rel=1e-5)
    smooth = ImageClassification(task.network, CARD, label_smoothing=0.3).eval()
    assert smooth.losses(given)["total"].item() != pytest.approx(plain.item(), rel=1e-4)


def test_mixtures_follow_from_the_first_sample() -> None:
    task = ImageClassification(network(), CARD, Mixing(mixup=1.0)).eval()
    given = batch()
    assert task.losses(given)["total"] == task.losses(given)["total"]
    other = {**given, "mixing_seed": given["mixing_seed"] + 7}
    assert task.losses(given)["total"] != task.losses(other)["total"]


def test_flip_test_averages() -> None:
    task = ImageClassification(network(), CARD).eval()
    images = batch()["image"]
    both = (task.logits(images) + task.logits(images.flip(2))) / 2
    assert torch.allclose(task.logits(images, flip_test=True), both, atol=1e-5)


def test_validation_tells_what_was_found() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Parameter(torch.tensor([[0.0, 2.0, 1.0], [5.0, 0.0, 0.0]]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.logits

    task = ImageClassification(Fixed(), CARD)
    losses, found = task.validate({**batch(2), "label": torch.tensor([2, 0])})
    assert list(found) == [10, 11]
    assert (found[10].predicted, found[10].rank) == (1, 1)
    assert found[10].score == pytest.approx(0.6652, abs=1e-4)
    assert found[11].rank == 0
    assert losses["total"].item() == pytest.approx((1.4076 + 0.0134) / 2, abs=1e-3)


def test_frozen_parts_keep_weights_and_statistics() -> None:
    tuned = network()
    task = ImageClassification(tuned, CARD, freeze=("stem", "stage1", "stage2")).train()
    before = {name: tensor.clone() for name, tensor in task.network.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in task.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        task.losses(batch())["total"].backward()
        optimizer.step()
    changed = {name.split(".")[0] for name, tensor in task.network.state_dict().items() if (tensor != before[name]).any()}
    frozen = {layer for part in ("stem", "stage1", "stage2") for layer in FREEZABLE_PARTS[part]}
    assert not changed & frozen
    assert {"transition2", "stage3", "stage4", "classifier"} <= changed
    assert tuned.stage3.training
    assert not tuned.bn1.training
    task.eval()
    assert not tuned.stage3.training


def test_parts_that_bodies_do_not_have() -> None:
    with pytest.raises(ValueError, match="no part 'stage5'; did you mean 'stage"):
        ImageClassification(network(), CARD, freeze=("stage5",))
    with pytest.raises(ValueError, match="Linear has no HRNet body"):
        freeze_parts(nn.Linear(1, 1), ("stem",))


def test_networks_that_do_not_classify() -> None:
    with pytest.raises(ValueError, match="pose_hrnet_w2 is no network for classification; such are cls_hrnet"):
        build_classification_network(ClassificationCard("pose_hrnet_w2", 3))
    assert build_classification_network(CARD).num_classes == 3


def test_texts_say_what_the_weights_are() -> None:
    texts = ImageClassification(network(), CARD).texts()
    assert ClassificationCard.from_json(texts[CLASSIFICATION_CARD_KEY]) == CARD
    assert "cls_hrnet_w2" in texts["hrnet.network"]
