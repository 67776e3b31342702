"""What a checkpoint is, judged by the names and shapes of its entries alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hrnet.errors import CheckpointError
from hrnet.weights.layouts import layout_of
from hrnet.weights.rules import RULES, Recognition

__all__ = ["Recognition", "identify", "recognize", "shapes_of"]


def shapes_of(state: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of tensors; entries that are shapes already pass."""
    return {name: tuple(getattr(value, "shape", value)) for name, value in state.items()}


def identify(state: Mapping[str, Any]) -> Recognition | None:
    """Say what ``state`` (names to tensors or to shapes) is, or None if nothing fits. Never raises for odd entries."""
    shapes = shapes_of(state)
    layout = layout_of(shapes)
    ours = layout.rename(shapes)
    return next((found for rule in RULES if (found := rule(ours, layout)) is not None), None)


def recognize(state: Mapping[str, Any]) -> Recognition:
    """Say which pose network, or which ImageNet backbone for training, ``state`` is.

    Args:
        state: names to tensors, or to shapes.

    Raises:
        CheckpointError: another family of networks (the message says which), or nothing that is known.
    """
    found = identify(state)
    if found is None:
        names = ", ".join(list(state)[:4]) or "none"
        raise CheckpointError(f"not a checkpoint of a known network; its {len(state)} entries begin with: {names}")
    if found.use == "none":
        reasons = "".join(f"; {reason}" for reason in found.unknown)
        raise CheckpointError(f"this looks like {found}, which cannot be used for top-down pose here{reasons}")
    return found
