from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training.drawn_classes import CLASSES, draw_class, write_classes

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.data.resampling import center_crop
from hrnet.inference.classification import build_classification_predictor
from hrnet.inference.sources import open_source
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.weights.classification_card import ClassificationCard

CARD = ClassificationCard("cls_hrnet_w2", 3, CLASSES, (32, 40), 0.9)


@pytest.fixture(scope="module")
def network() -> ClsHRNet:
    torch.manual_seed(1)
    network = ClsHRNet(HRNetSpec(2, 1, 4, (1, 1, 1), 1), 3).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 32, 40))  # statistics of BatchNorm that mean something
    return network.eval()


def predictor(network: ClsHRNet, card: ClassificationCard = CARD, **options):
    return build_classification_predictor(network, card, **{"device": "cpu", "preset": "accurate", **options})


def by_hand(network: ClsHRNet, image: np.ndarray, flip: bool) -> np.ndarray:
    view = torch.from_numpy(center_crop(image, (32, 40), 0.9)).float()[None] / 255
    inputs = ((view - torch.tensor(CARD.mean)) / torch.tensor(CARD.std)).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = network(inputs)
        return ((logits + network(inputs.flip(-1))) / 2 if flip else logits)[0].numpy()


@pytest.mark.parametrize(("preset", "flip"), [("accurate", True), ("published", False)])
def test_it_is_the_network_on_the_middle_of_the_picture(network: ClsHRNet, preset: str, flip: bool) -> None:
    images = [np.asarray(draw_class(name, 3, size)) for name, size in (("disc", (40, 48)), ("square", (90, 60)))]
    results = predictor(network, preset=preset).predict_pictures(images)
    for image, result in zip(images, results, strict=True):
        assert np.abs(result.logits - by_hand(network, image, flip)).max() < 1e-4
        assert result.image_size == image.shape[:2]
        assert result.classes == CLASSES


def test_batches_change_nothing(network: ClsHRNet, tmp_path: Path) -> None:
    write_classes(tmp_path, 3)
    source = open_source(str(tmp_path), recursive=True)
    alone, together = ([result for _, result in predictor(network, batch_size=size).stream(source)] for size in (1, 4))
    assert len(alone) == 9
    for one, two in zip(alone, together, strict=True):
        assert one is not None
        assert two is not None
        assert np.abs(one.logits - two.logits).max() < 1e-4
        assert one.source == two.source
        assert one.source is not None
        assert Path(one.source).is_file()


def test_one_picture_gives_one_result(network: ClsHRNet, tmp_path: Path) -> None:
    draw_class("disc", 0).save(tmp_path / "a.png")
    result = predictor(network)(tmp_path / "a.png")
    assert not isinstance(result, list)
    assert result.plot().shape[1] >= 40
    several = predictor(network)([np.asarray(draw_class("disc", 0))] * 2)
    assert isinstance(several, list)
    assert len(several) == 2
    assert predictor(network).predict_pictures([]) == []


def test_classes_without_names(network: ClsHRNet) -> None:
    nameless = predictor(network, ClassificationCard("cls_hrnet_w2", 3, None, (32, 32)))
    result = nameless.predict_pictures([np.asarray(draw_class("disc", 0))])[0]
    assert result.classes == ("class 0", "class 1", "class 2")
    assert result.named is False
    assert nameless.classes == result.classes
    assert (nameless.name, predictor(network, name="shapes").name) == ("cls_hrnet_w2", "shapes")


def test_unknown_presets(network: ClsHRNet) -> None:
    with pytest.raises(ValueError, match="did you mean 'fast'"):
        predictor(network, preset="fasd")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        predictor(network, batch_size=0)
