from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hrnet.data.images import read_image
from hrnet.structures.captions import captioned, drawable
from hrnet.structures.classification_result import ClassificationResult

CLASSES = ("daisy", "rose", "tulip", "Löwenzahn")


def result(**changes) -> ClassificationResult:
    logits = np.array([1.0, 3.0, 3.0, -2.0], np.float32)
    return ClassificationResult(**{"logits": logits, "classes": CLASSES, "image_size": (30, 40), "source": "a.jpg", **changes})


def test_scores_and_ranks() -> None:
    found = result()
    powers = np.exp([1.0, 3.0, 3.0, -2.0])
    assert found.scores == pytest.approx(powers / powers.sum(), rel=1e-6)
    assert (found.name, found.index) == ("rose", 1)  # the first of equals
    assert found.score == pytest.approx(found["rose"]) == pytest.approx(found["tulip"])
    assert [entry.name for entry in found.top(3)] == ["rose", "tulip", "daisy"]
    assert found.top(99)[-1] == ("Löwenzahn", float(found.scores[3]), 3)
    assert found.top(0) == []
    assert str(found).startswith("rose 0.467, tulip 0.467, daisy 0.063 in a.jpg (40x30)")
    assert "not known" in str(result(named=False))


def test_large_logits_do_not_overflow() -> None:
    found = result(logits=[1000.0, 1001.0, -1000.0, 0.0])
    assert found.scores.sum() == pytest.approx(1)
    assert found.score == pytest.approx(1 / (1 + np.exp(-1)))


def test_an_unknown_class_is_named() -> None:
    with pytest.raises(KeyError, match="did you mean 'tulip'"):
        result()["tulips"]


@pytest.mark.parametrize("logits", [np.zeros(3), np.zeros((4, 1)), []])
def test_wrong_shapes(logits: np.ndarray) -> None:
    with pytest.raises(ValueError, match="for C = 4 classes"):
        result(logits=logits)


def test_json_gives_the_result_back(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=4).astype(np.float32)
    logits[3] = np.nan
    path = result(logits=logits, named=False).save(tmp_path / "a.json")
    back = ClassificationResult.from_dict(json.loads(path.read_text()))
    assert np.array_equal(back.logits, logits, equal_nan=True)
    assert (back.classes, back.image_size, back.source, back.named) == (CLASSES, (30, 40), "a.jpg", False)
    plain = result().to_dict()
    assert plain["top"][0] == {"name": "rose", "score": result().score, "index": 1}
    with pytest.raises(ValueError, match="lacks the field 'logits'"):
        ClassificationResult.from_dict({"classes": CLASSES})


def test_pictures_have_a_caption(tmp_path: Path) -> None:
    image = np.full((30, 40, 3), (200, 30, 30), np.uint8)
    plotted = result().plot(image)
    height, width = plotted.shape[:2]
    assert width == 40 * 5  # enlarged, to be readable
    assert height > 30 * 5
    assert (plotted[:150] == image[0, 0]).all()
    assert (plotted[150:].min(axis=2) < 60).sum() > 100  # ink
    assert read_image(result(image=image).save(tmp_path / "a.png")).shape == plotted.shape
    with pytest.raises(ValueError, match="did not keep its picture"):
        result().plot()
    with pytest.raises(ValueError, match=r"got \(40, 30\)"):
        result().plot(image.transpose(1, 0, 2))
    with pytest.raises(ValueError, match=r"use \.json or one of"):
        result(image=image).save(tmp_path / "a.txt")


def test_captions_are_drawn_in_plain_letters() -> None:
    assert drawable("Löwenzahn,  weiß\n花") == "Lowenzahn, wei? ?"
    image = np.zeros((200, 200, 3), np.uint8)
    assert (captioned(image, ["Löwenzahn"]) == captioned(image, ["Lowenzahn"])).all()
    assert (captioned(image, ["x" * 500]).shape) == captioned(image, ["x"]).shape
    assert (captioned(image, []) == image).all()
