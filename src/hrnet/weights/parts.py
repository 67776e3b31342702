"""Files with one body and the heads of several tasks: what they say of themselves, and single networks out of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hrnet.backbones.hrnet import HRNet
from hrnet.errors import CheckpointError, nearest_name
from hrnet.models.part_network import body_spec, body_upsampling
from hrnet.models.variants import build_model
from hrnet.nn.exchange import Upsampling
from hrnet.weights.bundle import bundled_models
from hrnet.weights.files import FileFacts, read_state_dict
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry
from hrnet.weights.pose_card import CARD_KEY, PoseCard
from hrnet.weights.pytorch_file import map_pytorch_file
from hrnet.weights.safetensors_file import looks_like_safetensors
from hrnet.weights.writing import write_checkpoint

MULTI_TASK_KEY = "hrnet.multi_task"
"""Under this key the JSON of an entry lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""

MULTI_TASK_FORMAT = 1
"""Raised when an older reader would misunderstand an entry."""

_BODY, _HEADS = "backbone.", "heads."


@dataclass(frozen=True)
class MultiTaskEntry:
    """What a file with several heads says about itself.

    Attributes:
        architecture: of the body, ``hrnet_TAG``.
        branches: that the body computes.
        upsampling: how it resizes them.
        parts: name to the texts that a file of that part alone would have: its card, and which network it is.
    """

    architecture: str
    branches: tuple[int, ...]
    upsampling: Upsampling
    parts: Mapping[str, Mapping[str, str]]

    def to_json(self) -> str:
        return json.dumps({"format": MULTI_TASK_FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> MultiTaskEntry:
        """Raises CheckpointError for anything but what `to_json` writes."""
        try:
            data = json.loads(text)
            version = data["format"]
            if isinstance(version, int) and version > MULTI_TASK_FORMAT:
                raise ValueError(f"it has format {version}, this version of hrnet reads up to {MULTI_TASK_FORMAT}")
            parts = {str(name): _texts(texts) for name, texts in data["parts"].items()}
            entry = cls(data["architecture"], tuple(data["branches"]), _upsampling(data["upsampling"]), parts)
            body_spec(entry.architecture, entry.branches, entry.upsampling)
            if not parts:
                raise ValueError("it names no part")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"the file's entry {MULTI_TASK_KEY!r} is not sound: {error}") from error
        return entry

    def build_body(self) -> HRNet:
        """The shared body, with fresh weights; an HRNet without a head."""
        return HRNet(body_spec(self.architecture, self.branches, self.upsampling))

    def require(self, part: str) -> None:
        """Raise ValueError for a part that the file does not have; the message names the nearest."""
        if part not in self.parts:
            raise ValueError(f"there is no part {part!r}, only {', '.join(self.parts)}; {nearest_name(part, self.parts)}")


def multi_task_entry(facts: FileFacts) -> MultiTaskEntry | None:
    """What a file that `read_state_dict` has read says about its parts; None for a file of one network."""
    text = facts.metadata.get(MULTI_TASK_KEY)
    return None if text is None else MultiTaskEntry.from_json(text)


def parts_of_file(name_or_path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the parts of a multi-task file, read without its weights; none for whatever else it may be.

    Args:
        name_or_path: a bundled model or a file; names of published weights, which have no parts, are not looked up.
    """
    path = bundled_models().get(os.fspath(name_or_path), Path(name_or_path))
    if not path.is_file():
        return ()
    try:
        text = _stated(path)
    except (CheckpointError, SafetensorError, OSError):
        return ()  # reading all of it says what is wrong with it
    return () if text is None else tuple(MultiTaskEntry.from_json(text).parts)


def take_part(
    state: Mapping[str, Tensor], facts: FileFacts, part: str | None = None
) -> tuple[dict[str, Tensor], FileFacts, Upsampling]:
    """One part of a file with several heads, as if it were alone.

    Args:
        state, facts: what `read_state_dict` gave. The tensors are shared, not copied.
        part: may be None where the file has one.

    Returns:
        state dict under the names of the single network; what its file would say; and how its body has to resize branches
        (`hrnet.models.part_network.set_upsampling`), which may be another way than the architecture's own.

    Raises:
        CheckpointError: the file has one network alone, or is not sound.
        ValueError: there is no such part, or none was named of several; the message names the choices.
    """
    entry = multi_task_entry(facts)
    if entry is None:
        raise CheckpointError(f"{facts.path} holds one network and no parts: leave part out")
    if part is None and len(entry.parts) > 1:
        raise ValueError(f"{facts.path.name} holds the parts {', '.join(entry.parts)}: say which one")
    name = next(iter(entry.parts)) if part is None else part
    entry.require(name)
    texts = entry.parts[name]
    own = replace(
        facts,
        metadata=dict(texts),
        card=PoseCard.from_json(texts[CARD_KEY]) if CARD_KEY in texts else None,
        network=NetworkEntry.from_json(texts[NETWORK_KEY]) if NETWORK_KEY in texts else None,
    )
    wanted = _empty_network(own, name).state_dict()
    prefix = f"{_HEADS}{name}."
    taken = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
    # Layers that feed branches which other heads alone take are none of this network.
    body = {key.removeprefix(_BODY): tensor for key, tensor in state.items() if key.startswith(_BODY)}
    return {**{key: tensor for key, tensor in body.items() if key in wanted}, **taken}, own, entry.upsampling


def split_checkpoint(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Write every part of a file with several heads as a file of its own, ``NAME.safetensors``.

    The files are ordinary ones of one network each, which any version of the package reads. Where the shared body resizes its
    branches in another way than the part's architecture does, no such file could say so: it becomes a file with that one part.

    Returns:
        name to file.

    Raises:
        FileNotFoundError, CheckpointError: there is no such file; it cannot be read; it has one network alone.
        OSError: the folder cannot be written to; nothing partial is left behind.
    """
    state, facts = read_state_dict(path)
    entry = multi_task_entry(facts)
    if entry is None:
        raise CheckpointError(f"{facts.path} holds one network and no parts: there is nothing to split")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, texts in entry.parts.items():
        own, own_facts, upsampling = take_part(state, facts, name)
        network = _empty_network(own_facts, name)
        if body_upsampling(network) == upsampling:
            written[name] = write_checkpoint(target / f"{name}.safetensors", own, texts)
            continue
        alone = replace(entry, parts={name: dict(texts)})
        kept = {
            key: tensor for key, tensor in state.items() if not key.startswith(_HEADS) or key.startswith(f"{_HEADS}{name}.")
        }
        written[name] = write_checkpoint(target / f"{name}.safetensors", kept, {MULTI_TASK_KEY: alone.to_json()})
    return written


def _empty_network(facts: FileFacts, part: str) -> HRNet:
    """The network of a part, shapes only."""
    if facts.card is not None:
        stated = NetworkEntry(facts.card.architecture, facts.card.num_outputs)
    elif facts.network is not None:
        stated = facts.network
    else:
        raise CheckpointError(f"{facts.path} does not say which network its part {part!r} is")
    with torch.device("meta"):
        network = build_model(stated.architecture, stated.num_outputs, **stated.options)
    if not isinstance(network, HRNet):
        raise CheckpointError(f"{facts.path}: its part {part!r}, {stated.architecture}, has no HRNet body")
    return network


def _stated(path: Path) -> str | None:
    with open(path, "rb") as file:
        start = file.read(64)
    if looks_like_safetensors(start):
        with safe_open(path, framework="pt") as opened:
            return (opened.metadata() or {}).get(MULTI_TASK_KEY)
    content = map_pytorch_file(path) if start[:4] == b"PK\x03\x04" else None
    text = content.get(MULTI_TASK_KEY) if isinstance(content, Mapping) else None
    return text if isinstance(text, str) else None


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("the texts of a part must be strings by name")
    return {str(key): text for key, text in value.items()}


def _upsampling(value: Mapping[str, Any]) -> Upsampling:
    mode, aligned = value["mode"], value["align_corners"]
    if mode not in ("nearest", "bilinear") or not isinstance(aligned, bool):
        raise ValueError(f"upsampling must be nearest or bilinear, got {value}")
    return Upsampling(mode, aligned)
