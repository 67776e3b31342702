"""Fill the card of a segmentation checkpoint that has none, and say what was assumed.

Published lists name the data set, the size of the crops and the scores. How pictures are brought to the network is on record
for the authors' own trainings; for OpenMMLab's it is what its configurations do for the data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hrnet.data.class_sets import class_set as known_class_set
from hrnet.data.class_sets import class_sets_of_size
from hrnet.errors import CheckpointError
from hrnet.structures.class_set import ClassSet
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest
from hrnet.weights.zoo.entries import ZooEntry

_AERIAL = ("impervious surface", "building", "low vegetation", "tree", "car", "clutter")
_AERIAL_COLORS = ((255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))

AERIAL_SETS: Mapping[str, ClassSet] = {
    "isaid": ClassSet(
        "isaid",
        ("background", "ship", "store tank", "baseball diamond", "tennis court", "basketball court", "ground track field",
         "bridge", "large vehicle", "small vehicle", "helicopter", "swimming pool", "roundabout", "soccer ball field", "plane",
         "harbor"),
    ),
    "loveda": ClassSet(
        "loveda",
        ("background", "building", "road", "water", "barren", "forest", "agricultural"),
        ((255, 255, 255), (255, 0, 0), (255, 255, 0), (0, 0, 255), (159, 129, 183), (0, 255, 0), (255, 195, 128)),
    ),
    "potsdam": ClassSet("potsdam", _AERIAL, _AERIAL_COLORS),
    "vaihingen": ClassSet("vaihingen", _AERIAL, _AERIAL_COLORS),
}  # fmt: skip
"""Class sets of aerial pictures that published networks were trained on."""


@dataclass(frozen=True)
class _Protocol:
    """How a toolkit tests on a data set.

    Attributes:
        classes: name of the class set.
        test: sizes and windows.
        crop_size: of trainings and windows, where the record does not say.
        flip_test: whether the stated score averages with the mirrored picture.
    """

    classes: str
    test: SegmentationTest
    crop_size: tuple[int, int]
    flip_test: bool = False


_MANY_SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)

# OpenMMLab's configurations, by the data set as its lists call it.
_OPENMMLAB: Mapping[str, _Protocol] = {
    "Cityscapes": _Protocol("cityscapes", SegmentationTest("long_side", 2048, combination="logits"), (512, 1024)),
    "ADE20K": _Protocol("ade20k", SegmentationTest("short_side", 512, combination="logits"), (512, 512)),
    "Pascal VOC 2012 + Aug": _Protocol("voc", SegmentationTest("short_side", 512, combination="logits"), (512, 512)),
    "Pascal Context": _Protocol(
        "pascal_context60", SegmentationTest("long_side", 520, "two_thirds_inside", combination="logits"), (480, 480)
    ),
    "Pascal Context 59": _Protocol(
        "pascal_context59", SegmentationTest("long_side", 520, "two_thirds_inside", combination="logits"), (480, 480)
    ),
    "iSAID": _Protocol("isaid", SegmentationTest("long_side", 896, combination="logits"), (896, 896)),
    "LoveDA": _Protocol("loveda", SegmentationTest("long_side", 1024, combination="logits"), (512, 512)),
    "Potsdam": _Protocol("potsdam", SegmentationTest("long_side", 512, combination="logits"), (512, 512)),
    "Vaihingen": _Protocol("vaihingen", SegmentationTest("long_side", 512, combination="logits"), (512, 512)),
}

# The authors' own trainings, by the number of classes, which nearly always tells the data set.
_AUTHORS: Mapping[int, _Protocol] = {
    19: _Protocol("cityscapes", SegmentationTest("long_side", 2048, "shifted", window_size=(1024, 2048)), (512, 1024)),
    20: _Protocol("lip", SegmentationTest("stretch", 473), (473, 473), flip_test=True),
    59: _Protocol("pascal_context59", SegmentationTest("long_side", 520, "two_thirds", _MANY_SCALES), (520, 520), True),
    60: _Protocol("pascal_context60", SegmentationTest("long_side", 520, "two_thirds", _MANY_SCALES), (520, 520), True),
    150: _Protocol("ade20k", SegmentationTest("short_side", 520, pad_multiple=8), (520, 520)),
    171: _Protocol("cocostuff", SegmentationTest("short_side", 520, pad_multiple=8), (520, 520)),
}

_ALIGNED_WITHOUT_OCR = (150, 171)  # classes of the plain networks that the authors trained with aligned corners
_SENTENCES = {"normalization": "ImageNet mean and std"}


def assumed_segmentation_card(published: ZooEntry | None, network: NetworkEntry) -> tuple[SegmentationCard, list[str]]:
    """Fill a card with what is on record, and the rest with what is usual for a network of its kind.

    Args:
        published: the record of published weights, None for any other file.
        network: what was built.

    Returns:
        the card, and a sentence for each thing that was assumed.

    Raises:
        CheckpointError: it is no network for segmentation, or it has another number of classes than its record.
    """
    if network.task != "segmentation":
        raise CheckpointError(f"{network.architecture} is a network for {network.task}, not for segmentation")
    return _on_record(published, network) if published is not None else _usual(network)


def _on_record(published: ZooEntry, network: NetworkEntry) -> tuple[SegmentationCard, list[str]]:
    protocol = _OPENMMLAB.get(published.dataset)
    if protocol is None:
        raise CheckpointError(f"{published.name} was trained on {published.dataset}, whose classes are not known here")
    classes = _named(protocol.classes)
    if classes.num_classes != network.num_outputs:
        raise CheckpointError(
            f"{published.name} has {network.num_outputs} classes, and {published.dataset} has {classes.num_classes}"
        )
    card = SegmentationCard(
        architecture=network.architecture,
        class_set=classes,
        crop_size=published.input_size,
        test=protocol.test,
        options=dict(network.options),
        flip_test=protocol.flip_test,
        **published.card_facts,
    )
    assumed = [_SENTENCES.get(fact, fact) for fact in published.assumed]
    assumed.append(f"the {classes.num_classes} classes of {classes.name!r} in their usual order")
    assumed.append(_describe(card))
    return card, assumed


def _usual(network: NetworkEntry) -> tuple[SegmentationCard, list[str]]:
    count = network.num_outputs or 0
    protocol = _AUTHORS.get(count)
    assumed: list[str] = []
    if protocol is None:
        candidates = class_sets_of_size(count)
        if len(candidates) == 1:
            classes = _named(candidates[0])
            assumed.append(f"the {count} classes of {classes.name!r}")
        else:
            classes = ClassSet("numbered", tuple(f"class {index}" for index in range(count)), ignore_label=_unused(count))
            assumed.append(f"{count} classes without names")
        protocol = _Protocol(classes.name, SegmentationTest("short_side", 512), (512, 512))
    else:
        classes = _named(protocol.classes)
        assumed.append(f"the {count} classes of {classes.name!r}")
    card = SegmentationCard(
        architecture=network.architecture,
        class_set=classes,
        crop_size=protocol.crop_size,
        test=protocol.test,
        options=dict(network.options),
        flip_test=protocol.flip_test,
        source=network.origin,
    )
    plain = not network.architecture.endswith("_ocr")
    if "align_corners" not in network.options:
        hint = ""
        if plain and count in _ALIGNED_WITHOUT_OCR:
            hint = "; the authors' own networks of these classes want align_corners=True"
        assumed.append(f"align_corners {card.align_corners}{hint}")
    assumed += [_describe(card), "RGB, ImageNet mean and std"]
    return card, assumed


def _named(name: str) -> ClassSet:
    return AERIAL_SETS[name] if name in AERIAL_SETS else known_class_set(name)


def _unused(count: int) -> int:
    return 255 if count <= 255 else -1


def _describe(card: SegmentationCard) -> str:
    """A sentence on the test of a card."""
    test, (height, width) = card.test, card.crop_size
    sizes = {
        "long_side": f"pictures with {test.base_size} pixels on the long side",
        "short_side": f"pictures with {test.base_size} pixels on the short side",
        "stretch": f"pictures stretched to {width}x{height}",
        "own": "pictures as they are",
    }[test.size_rule]
    windows = f", windows of {width}x{height} at every two thirds" if test.windows == "two_thirds" else ""
    scales = f", {len(test.scales)} scales" if len(test.scales) > 1 else ""
    return f"tested on {sizes}{windows}{scales}{', with the mirrored picture' if card.flip_test else ''}"
