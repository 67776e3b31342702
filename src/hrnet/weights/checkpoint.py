"""From a file of any origin to its network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from hrnet.errors import CheckpointError
from hrnet.models.variants import family_of
from hrnet.weights.empty_network import empty_network
from hrnet.weights.files import FileFacts, read_state_dict
from hrnet.weights.layouts import PLAIN, Layout, plain_batch_norm
from hrnet.weights.loading import load_into
from hrnet.weights.nearest import nearest_network
from hrnet.weights.network_entry import NetworkEntry, family_name
from hrnet.weights.recognition import Recognition, identify_file

if TYPE_CHECKING:
    from hrnet.weights.zoo import ZooEntry


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights, and how it was found.

    Attributes:
        network: in eval mode, on the CPU.
        entry: what it was built from.
        found: what the file was recognised as; None if the architecture was given for a file of no known kind.
        facts: what was around the weights.
        left_over: what the network has no place for: (layout that has it, our name) to tensor.
    """

    network: nn.Module
    entry: NetworkEntry
    found: Recognition | None
    facts: FileFacts
    left_over: Mapping[tuple[str, str], Tensor]


def load_checkpoint(
    name_or_path: str | os.PathLike[str],
    *,
    architecture: str | None = None,
    num_outputs: int | None = None,
    inplace_batch_norm: bool = False,
    ema: bool = True,
    **options: Any,
) -> nn.Module:
    """Load the network of a checkpoint, whatever toolkit wrote it.

    Args:
        name_or_path: a file of the authors' repositories, mmpose, mmseg, mmdet, timm or ours, or the name of published or
            bundled weights.
        architecture, num_outputs: in place of what is recognised, for `hrnet.models.build_model`; needed where names and
            shapes leave a choice (``"pose_resnet50_caffe"``).
        inplace_batch_norm: the file is of HRNet-Semantic-Segmentation's master branch, whose BatchNorm scales by
            |weight| + 1e-5. Nothing in the file tells.
        ema: prefer averaged weights where the file has both.
        options: of the network, in place of what is recognised or assumed, such as ``align_corners``.

    Returns:
        the network on the CPU, in eval mode: (B, C, H, W) float, normalised as it was trained, to its raw outputs.

    Raises:
        FileNotFoundError, ValueError: no such file or name; an unknown architecture or option. The message names the nearest.
        CheckpointError: the file cannot be read (see `read_state_dict`), is of no known network, or does not fit; the message
            lists what is missing, unexpected and of wrong shape, and the nearest network.
    """
    return open_checkpoint(
        name_or_path, architecture=architecture, num_outputs=num_outputs, inplace_batch_norm=inplace_batch_norm, ema=ema,
        **options,
    ).network  # fmt: skip


def open_checkpoint(
    name_or_path: str | os.PathLike[str],
    *,
    architecture: str | None = None,
    num_outputs: int | None = None,
    inplace_batch_norm: bool = False,
    ema: bool = True,
    **options: Any,
) -> Checkpoint:
    """What `load_checkpoint` loads, with what was found out about the file. Arguments and errors are the same."""
    path, published = _locate(name_or_path)
    state, facts = read_state_dict(path, ema)
    return checkpoint_of(
        state, facts, published, architecture=architecture, num_outputs=num_outputs, inplace_batch_norm=inplace_batch_norm,
        **options,
    )  # fmt: skip


def checkpoint_of(
    state: dict[str, Tensor],
    facts: FileFacts,
    published: ZooEntry | None = None,
    *,
    architecture: str | None = None,
    num_outputs: int | None = None,
    inplace_batch_norm: bool = False,
    **options: Any,
) -> Checkpoint:
    """What `load_checkpoint` loads, of a file that has been read: what `read_state_dict` gave, and what is on record."""
    path = facts.path
    if "hrnet.multi_task" in facts.metadata:
        raise CheckpointError(
            f"{path} holds several heads: hrnet.load(file, part=NAME) takes one, hrnet.weights.parts.split_checkpoint makes a "
            "file of each"
        )
    found = identify_file(state, facts)
    if found is None and architecture is None:
        raise CheckpointError(f"{path} is no checkpoint of a known network: {nearest_network(state)}")
    known = _entry(found, published, architecture, num_outputs)
    if known is None:
        assert found is not None
        raise CheckpointError(f"{path} is {found}, and cannot be loaded: {'; '.join(found.unknown)}")
    accepted = family_of(known.architecture).options
    recognised = {name: value for name, value in known.options.items() if name in accepted}
    entry = NetworkEntry(known.architecture, known.num_outputs, {**recognised, **options}, known.origin)
    layout = found.layout if found else PLAIN
    left_over = {(layout.name, name): tensor for name, tensor in layout.left_over(state).items()}
    network = _network(path, entry, layout, state, inplace_batch_norm)
    return Checkpoint(network, entry, found, facts, left_over or facts.left_over)


def _entry(
    found: Recognition | None, published: ZooEntry | None, architecture: str | None, num_outputs: int | None
) -> NetworkEntry | None:
    """What to build: what the user says, else what is on record for published weights, else what is recognised."""
    recorded = published.architecture if published else None
    name = architecture or recorded or (found.architecture if found else None)
    if name is None:
        return None
    options = {**(found.options if found else {}), **(published.options if published else {})}
    if family_of(name).outputs is None:
        outputs = None
    elif num_outputs is not None:
        outputs = num_outputs
    elif found is not None and family_name(name) == found.family:
        outputs = found.num_outputs  # of the file itself: a record counts keypoints, some codecs have three outputs for each
    elif published is not None and name == recorded:
        outputs = published.num_outputs
    else:
        outputs = _counted_for(family_name(name), found)
    return NetworkEntry(name, outputs, options, found.origin if found else None)


def _counted_for(family: str, found: Recognition | None) -> int | None:
    """Outputs of the file, counted as another family counts them: tags double the channels of associative embedding."""
    if found is None or found.num_outputs is None:
        return None
    if (found.family, family) == ("pose_hrnet", "ae_hrnet"):
        return found.num_outputs // 2
    if (found.family, family) == ("ae_hrnet", "pose_hrnet"):
        return 2 * found.num_outputs
    return found.num_outputs


def _network(path: Path, entry: NetworkEntry, layout: Layout, state: dict[str, Tensor], inplace_batch_norm: bool) -> nn.Module:
    ours = layout.to_ours(state)
    if inplace_batch_norm:
        ours = plain_batch_norm(ours)
    # Shapes only: the weights of the file become the network's own, without a second copy.
    network = empty_network(entry.architecture, entry.num_outputs, **entry.options)
    try:
        load_into(network, ours)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return network.eval()


def _locate(name_or_path: str | os.PathLike[str]) -> tuple[Path, Any]:
    """The file that is meant, and what is on record about it."""
    from hrnet.weights.zoo import locate  # reads the record of published weights, of which files need nothing

    located = locate(name_or_path)
    return located.path, located.entry
