"""Checkpoints from one toolkit's layout to another's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from hrnet.weights.checkpoint import Checkpoint, open_checkpoint
from hrnet.weights.files import LEFT_OVER
from hrnet.weights.layouts import LAYOUTS, OURS, Layout, layout_called, require_layout
from hrnet.weights.network_entry import NETWORK_KEY, family_name
from hrnet.weights.pose_card import CARD_KEY
from hrnet.weights.writing import WRITTEN_SUFFIXES, write_checkpoint


@dataclass(frozen=True)
class Conversion:
    """A file that was written.

    Attributes:
        path: the file.
        architecture: name of the network.
        origin: what the source was recognised as.
        layout: how the file was written.
        notes: sentences on what the new file cannot say or hold.
    """

    path: Path
    architecture: str
    origin: str
    layout: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.architecture}, {self.origin} -> {self.layout}: {self.path}", *self.notes])


def list_layouts(architecture: str) -> list[str]:
    """Layouts that a network can be written in. Raises ValueError for an unknown name."""
    return [layout.name for layout in LAYOUTS[family_name(architecture)]]


def convert_checkpoint(
    name_or_path: str | os.PathLike[str],
    to: str,
    output: str | os.PathLike[str],
    half: bool = False,
    **overrides: Any,
) -> Conversion:
    """Write a checkpoint in the layout of a toolkit.

    The numbers stay the same to the last bit, and come back so, with these exceptions: mmseg and ``timm-ssld`` have no bias
    before some BatchNorms, so theirs is folded into the running mean (the same function, to rounding; exact for a bias of
    zero); ``mmdet-1`` has boxes and masks of the background, which are zeros unless the file came from there.

    Args:
        name_or_path: as `load_checkpoint` takes it.
        to: ``"ours"``, ``"reference"`` (the authors' repository), ``"mmpose"`` (1.x), ``"mmpose-0"``, ``"mmseg"``, ``"mmdet"``
            (3.x), ``"mmdet-1"``, ``"timm"``, ``"timm-ssld"``; see `list_layouts` for what a network can be written in.
        output: ``.safetensors``, or ``.pth`` for a plain ``torch.save``. Ours keeps the card, or says which network it is.
        half: store convolutions in float16.
        overrides: ``architecture`` and others, as `load_checkpoint` takes them.

    Raises:
        ValueError, CheckpointError: no such layout, or none of this toolkit for the network (the message lists the choices);
            and what `load_checkpoint` raises.
        OSError: the file cannot be written; nothing partial is left behind.
    """
    if Path(output).suffix not in WRITTEN_SUFFIXES:
        raise ValueError(f"a checkpoint is written as {' or '.join(WRITTEN_SUFFIXES)}, got {Path(output).name!r}")
    require_layout(to)  # before a large file is read
    checkpoint = open_checkpoint(name_or_path, **overrides)
    layout = layout_called(to, family_name(checkpoint.entry.architecture))
    state, texts = in_layout(checkpoint, layout)
    path = write_checkpoint(output, state, texts, half)
    origin = checkpoint.found.origin if checkpoint.found else "unknown names"
    return Conversion(path, checkpoint.entry.architecture, origin, to, tuple(_notes(checkpoint, layout)))


def in_layout(checkpoint: Checkpoint, layout: Layout) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Entries, in the order of the layout's own files, and texts of a file in ``layout``.

    Files of ours also hold, under names that begin with ``left_over.``, what the network has no place for.
    """
    state = checkpoint.network.state_dict()
    if layout.name != OURS.name:
        return layout.from_ours(
            state, {name: kept for (of, name), kept in checkpoint.left_over.items() if of == layout.name}
        ), {}
    state = {**state, **{f"{LEFT_OVER}{of}.{name}": kept for (of, name), kept in checkpoint.left_over.items()}}
    card = checkpoint.facts.card
    return state, {CARD_KEY: card.to_json()} if card else {NETWORK_KEY: checkpoint.entry.to_json()}


def _notes(checkpoint: Checkpoint, layout: Layout) -> list[str]:
    entry, notes = checkpoint.entry, []
    if layout.name == OURS.name:
        return notes
    if checkpoint.facts.card:
        notes.append(f"the card (keypoints, codec, input) is not in the file: {layout.origin} has no place for it")
    aligned = entry.options.get("align_corners")
    if aligned is not None:
        whose = "" if not (layout.name == "mmseg" and aligned) else ", unlike mmseg's own configurations"
        notes.append(f"the network needs align_corners={aligned}{whose}, which the file does not say")
    if entry.architecture.endswith("_caffe"):
        notes.append("the stride is in the 1x1 convolutions (Caffe style), which the file does not say")
    return notes
