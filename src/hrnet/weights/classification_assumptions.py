"""Fill the card of a classifier that has none, and say what was assumed."""

from __future__ import annotations

from hrnet.weights.classification_card import ClassificationCard
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.zoo.entries import ZooEntry

IMAGENET_CLASSES = 1000


def assumed_classification_card(entry: ZooEntry | None, network: NetworkEntry) -> tuple[ClassificationCard, list[str]]:
    """The card of a published classifier, or of a file that does not say how it was trained.

    Args:
        entry: what is on record about the file; None for a file that is not on record.
        network: what was built.

    Returns:
        the card, and a sentence for each thing that was assumed.
    """
    count = network.num_outputs
    assert count is not None  # classifiers have outputs to count
    assumed: list[str] = []
    trained_on_imagenet = count == IMAGENET_CLASSES and (entry is None or entry.dataset == "ImageNet-1k")
    classes = imagenet_classes() if trained_on_imagenet else None
    if classes is None:
        hint = "; with torchvision (pip install 'hrnet[detect]') they get ImageNet's names" if trained_on_imagenet else ""
        assumed.append(f"no names of the {count} classes: they are numbered{hint}")
    if entry is None:
        assumed += ["input 224x224, the middle 0.875 of the picture, bilinear", "ImageNet mean and std"]
        if classes is not None:
            assumed.append("1000 classes named as in ImageNet-1k")
        card = ClassificationCard(network.architecture, count, classes, options=dict(network.options), source=network.origin)
        return card, assumed
    preprocessing = entry.preprocessing or {}
    if "crop_share" not in preprocessing:
        assumed.append("the middle 0.875 of the picture, bilinear")
    card = ClassificationCard(
        architecture=network.architecture,
        num_classes=count,
        classes=classes,
        input_size=entry.input_size,
        crop_share=preprocessing.get("crop_share", 0.875),
        interpolation=preprocessing.get("interpolation", "bilinear"),
        options=dict(network.options),
        **entry.card_facts,
    )
    return card, [*assumed, *entry.assumed]


def imagenet_classes() -> tuple[str, ...] | None:
    """Names of ImageNet's 1000 classes, in the order of all published networks; None where torchvision is not installed.

    They are read from what torchvision states with its own weights, so no list of them is copied here.
    """
    try:
        from torchvision.models import ResNet18_Weights

        names: list[str] = ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    except (ImportError, RuntimeError, AttributeError, KeyError):  # RuntimeError: built for another torch
        return None
    return tuple(names) if len(names) == IMAGENET_CLASSES else None
