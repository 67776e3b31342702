"""What a checkpoint is, judged by the names and shapes of its entries alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hrnet.errors import CheckpointError
from hrnet.models.variants import family_of
from hrnet.weights.files import FileFacts
from hrnet.weights.network_entry import family_name
from hrnet.weights.rules import RULES, Recognition

__all__ = ["Recognition", "identify", "identify_file", "recognize", "shapes_of"]


def shapes_of(state: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of tensors; entries that are shapes already pass."""
    return {name: tuple(getattr(value, "shape", value)) for name, value in state.items()}


def identify(state: Mapping[str, Any]) -> Recognition | None:
    """Say what ``state`` (names to tensors or to shapes) is, or None if nothing fits. Never raises for odd entries."""
    shapes = shapes_of(state)
    return next((found for rule in RULES if (found := rule(shapes)) is not None), None)


def identify_file(state: Mapping[str, Any], facts: FileFacts) -> Recognition | None:
    """Like `identify`, but what a file of ours states about its network has precedence."""
    found, card, network = identify(state), facts.card, facts.network
    if card is None and network is None:
        return found
    architecture = card.architecture if card else network.architecture if network else ""
    try:
        family, task = family_name(architecture), family_of(architecture).task
    except ValueError as error:
        raise CheckpointError(f"{facts.path} states a network that this version does not have: {error}") from error
    if found is None:
        found = Recognition("hrnet", task, family, architecture, None)
    found = replace(found, task=task, family=family, architecture=architecture)
    if card:
        codec = card.codec
        return replace(
            found, origin="hrnet", num_outputs=card.num_outputs, unknown=(), input_size=codec.input_size, codec=codec.name
        )
    assert network is not None
    stated = ("align_corners", "_caffe", "inplace_batch_norm", "outputs may", "and may be")
    return replace(
        found,
        origin="hrnet" if network.origin is None else f"hrnet, converted from {network.origin}",
        num_outputs=network.num_outputs,
        options=network.options,
        unknown=tuple(sentence for sentence in found.unknown if not any(words in sentence for words in stated)),
    )


def recognize(state: Mapping[str, Any]) -> Recognition:
    """Say which top-down pose network, or which backbone for training, ``state`` is.

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
