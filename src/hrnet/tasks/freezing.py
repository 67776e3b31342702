"""Parts of an HRNet's body that fine-tuning leaves as they are."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from hrnet.backbones.hrnet import HRNet
from hrnet.errors import nearest_name

FREEZABLE_PARTS: dict[str, tuple[str, ...]] = {
    "stem": ("conv1", "bn1", "conv2", "bn2"),
    "stage1": ("layer1",),
    "stage2": ("transition1", "stage2"),
    "stage3": ("transition2", "stage3"),
    "stage4": ("transition3", "stage4"),
}
"""What a recipe calls the parts of the body, and their layers: a stage includes the transition that leads to it."""


def check_parts(parts: Iterable[str]) -> None:
    """Raise ValueError for a part that bodies do not have; the message names the nearest."""
    for part in parts:
        if part not in FREEZABLE_PARTS:
            raise ValueError(f"freeze: a body has no part {part!r}; {nearest_name(str(part), FREEZABLE_PARTS)}")


def freeze_parts(network: nn.Module, parts: Iterable[str]) -> tuple[nn.Module, ...]:
    """Take parts of a network's body out of training: their weights need no gradient from now on.

    Returns:
        the layers, which must be kept in evaluation (`keep_in_evaluation`), or BatchNorm's statistics would go on changing.

    Raises:
        ValueError: a part that bodies do not have, or a network without an HRNet body.
    """
    wanted = tuple(parts)
    check_parts(wanted)
    if not wanted:
        return ()
    if not isinstance(network, HRNet):
        raise ValueError(f"freeze: {type(network).__name__} has no HRNet body to freeze parts of")
    layers = tuple(getattr(network, name) for part in wanted for name in FREEZABLE_PARTS[part])
    for layer in layers:
        layer.requires_grad_(False)
    return layers


def keep_in_evaluation(layers: Iterable[nn.Module]) -> None:
    """To be called after ``train()``, which reaches every layer."""
    for layer in layers:
        layer.eval()
