"""The segmentation task: losses of both networks, findings at the size of the labels, the mirror, and what a file says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hrnet.data.class_sets import class_set
from hrnet.models.seg_hrnet_ocr import OCRLogits
from hrnet.structures.class_set import ClassSet
from hrnet.tasks.segmentation import PixelLossSettings, Segmentation, build_segmentation_network
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry
from hrnet.weights.segmentation_card import SEGMENTATION_CARD_KEY, SegmentationCard

SIDES = ClassSet("sides", ("ground", "left", "right"), flip_pairs=((1, 2),))


def card(**changes: Any) -> SegmentationCard:
    return SegmentationCard(**{"architecture": "seg_hrnet_w4", "class_set": SIDES, "crop_size": (32, 48), **changes})


class Says(nn.Module):
    """Gives recorded logits; of a mirrored input, which has its bright pixel elsewhere, others."""

    def __init__(self, logits: Tensor, mirrored: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.logits, self.mirrored = logits, mirrored

    def forward(self, images: Tensor) -> Tensor:
        bright_left = images[0, 0, 0, 0] > images[0, 0, 0, -1]
        return self.logits if bright_left or self.mirrored is None else self.mirrored


def task_that_says(logits: Tensor, mirrored: Tensor | None = None, drawn: int = 0, **changes: Any) -> Segmentation:
    return Segmentation(Says(logits, mirrored), card(**changes), drawn=drawn)  # pyright: ignore[reportArgumentType]


def batch(label: np.ndarray, size: tuple[int, int], shown: tuple[int, int] | None = None) -> dict[str, Any]:
    images = torch.zeros(1, *size, 3, dtype=torch.uint8)
    images[:, 0, 0] = 255
    return {
        "image": images,
        "label": torch.tensor(label[None]),
        "shown": torch.tensor([shown or size]),
        "index": torch.tensor([4]),
    }


def logits_of(classes: np.ndarray) -> Tensor:
    return nn.functional.one_hot(torch.tensor(classes), 3).permute(2, 0, 1)[None].float() * 10


@pytest.mark.parametrize("architecture", ["seg_hrnet_w18_small_v1", "seg_hrnet_w18_small_v1_ocr"])
def test_it_learns_a_batch(architecture: str) -> None:
    described = card(architecture=architecture)
    task = Segmentation(build_segmentation_network(described), described, PixelLossSettings(class_weights=(1.0, 2.0, 2.0)))
    label = np.zeros((2, 32, 48), np.uint8)
    label[:, 8:, :24], label[:, 8:, 24:], label[:, :2] = 1, 2, 255
    pictures = np.array([[90, 90, 90], [250, 20, 20], [20, 20, 250], *[[0, 0, 0]] * 253], np.uint8)[label]
    data = {"image": torch.tensor(pictures), "label": torch.tensor(label)}
    optimizer = torch.optim.AdamW(task.parameters(), 3e-3)
    task.train()
    first = task.losses(data)
    assert set(first) == ({"total", "main", "auxiliary"} if "ocr" in architecture else {"total"})
    for _ in range(8):
        optimizer.zero_grad()
        losses = task.losses(data)
        losses["total"].backward()
        optimizer.step()
    assert losses["total"] < first["total"] / 2
    assert all(parameter.grad is not None for parameter in task.parameters())


def test_findings_have_the_size_of_the_label() -> None:
    truth = np.repeat(np.repeat(np.array([[0, 1, 2], [2, 2, 0]], np.uint8), 10, 0), 12, 1)
    label = truth.copy()
    label[0] = 255
    label[1, :5] = 1  # in truth 0
    result = task_that_says(logits_of(truth[::2, ::2].astype(int)), drawn=5).validate(batch(label, (40, 72)))
    found = result.found[4]
    assert found.classes.shape == (20, 36)
    assert found.classes.dtype == np.uint8
    assert found.confusion(3).sum() == (label != 255).sum()
    agreed = found.classes == label
    assert np.trace(found.confusion(3)) == agreed[label != 255].sum() > 0.9 * label.size
    assert found.confusion(3)[1, 0] >= 5
    assert 0 < result.losses["total"] < 1
    assert task_that_says(logits_of(truth.astype(int))).validate(batch(label, (40, 72))).found[4].classes is None


def test_padding_is_cut_off() -> None:
    label = np.zeros((30, 50), np.uint8)
    label[:, 25:] = 1
    seen = np.full((16, 16), 2)  # of an input 64 x 64, of which 36 x 60 show the picture
    seen[:9, :15] = np.where(np.arange(15) < 7.5, 0, 1)
    confusion = task_that_says(logits_of(seen)).validate(batch(label, (64, 64), (36, 60))).found[4].confusion(3)
    assert confusion[:, 2].sum() < 0.06 * label.size  # a blurred edge of the padding
    assert np.trace(confusion) > 0.9 * label.size


def test_mirrored_pictures_change_sides() -> None:
    left = np.zeros((8, 12), int)
    left[:, :6] = 1
    mirrored = np.zeros((8, 12), int)
    mirrored[:, 6:] = 2  # the left thing, seen in a mirror, is a right thing on the right
    plain, other = logits_of(left), logits_of(mirrored)
    task = task_that_says(plain, other, flip_test=True)
    assert torch.equal(task.logits(batch(np.zeros((32, 48), np.uint8), (32, 48))["image"]), plain)
    task = task_that_says(plain, torch.zeros_like(other), flip_test=True)
    assert torch.equal(task.logits(batch(np.zeros((32, 48), np.uint8), (32, 48))["image"]), plain / 2)


def test_the_better_output_is_used() -> None:
    class Two(Says):
        def forward(self, images: Tensor) -> OCRLogits:  # pyright: ignore[reportIncompatibleMethodOverride]
            return OCRLogits(torch.zeros_like(self.logits), self.logits)

    sure = logits_of(np.ones((8, 12), int))
    task = Segmentation(Two(sure), card())  # pyright: ignore[reportArgumentType]
    assert task.validate(batch(np.ones((32, 48), np.uint8), (32, 48))).losses["total"] < 0.01


def test_what_a_file_says() -> None:
    described = card(architecture="seg_hrnet_w4_ocr", class_set=class_set("camvid"), options={"align_corners": False})
    with torch.device("meta"):
        texts = Segmentation(build_segmentation_network(described), described).texts()
    assert SegmentationCard.from_json(texts[SEGMENTATION_CARD_KEY]) == described
    entry = NetworkEntry.from_json(texts[NETWORK_KEY])
    assert (entry.architecture, entry.num_outputs, entry.options) == ("seg_hrnet_w4_ocr", 11, {"align_corners": False})
    assert json.loads(texts[SEGMENTATION_CARD_KEY])["class_set"]["classes"][0] == "sky"


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="no network for segmentation; such are seg_hrnet"):
        build_segmentation_network(card(architecture="pose_hrnet_w4"))
    for weights in ((1.0, 2.0), (1.0, 2.0, -1.0), (1.0, 2.0, float("nan"))):
        with pytest.raises(ValueError, match="3 numbers of at least 0 for 'sides'"):
            Segmentation(Says(torch.zeros(1)), card(), PixelLossSettings(class_weights=weights))  # pyright: ignore[reportArgumentType]
