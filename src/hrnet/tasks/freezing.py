"""Parts of an HRNet's body that fine-tuning leaves as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn

from hrnet.backbones.hrnet import HRNet
from hrnet.errors import nearest_name
from hrnet.models.backbone import FREEZABLE_PARTS


def check_freeze(parts: Sequence[str], start_from: str | None) -> None:
    """Raise ValueError for a part that bodies do not have, or where parts would keep the random weights of the beginning."""
    check_parts(parts)
    if parts and start_from is None:
        raise ValueError(f"freeze: {', '.join(parts)} would stay random; say start_from, a checkpoint, as well")


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
