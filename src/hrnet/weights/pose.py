"""From a name or a file to a pose network that is ready to use."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set as named_keypoint_set
from hrnet.errors import CheckpointError
from hrnet.models import PoseNetwork, build_model
from hrnet.structures import KeypointSet
from hrnet.weights.assumptions import assumed_card, named_codec
from hrnet.weights.bundle import bundled_models
from hrnet.weights.files import FileFacts, read_state_dict
from hrnet.weights.loading import load_into
from hrnet.weights.pose_card import PoseCard, channels_per_keypoint
from hrnet.weights.recognition import identify, recognize
from hrnet.weights.zoo.entries import ZooEntry, zoo_entries
from hrnet.weights.zoo.fetch import Progress
from hrnet.weights.zoo.locating import Located, locate


def load_pose(
    name_or_path: str | os.PathLike[str],
    *,
    keypoint_set: KeypointSet | str | None = None,
    input_size: tuple[int, int] | None = None,
    codec: CodecSpec | str | None = None,
    architecture: str | None = None,
    announce: Callable[[str], None] | None = None,
    mirrors: Sequence[str] | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> tuple[PoseNetwork, PoseCard]:
    """Load a network for top-down pose, faces or hands with everything that is needed to use it.

    Args:
        name_or_path: a bundled model (`hrnet.weights.list_bundled`), a published checkpoint (`hrnet.weights.zoo.list_zoo`),
            ``hf://user/name`` on the Hugging Face Hub, a safetensors file of ours, or a checkpoint of the reference, of
            SimpleBaseline, of stacked hourglass, or of mmpose.
        keypoint_set, input_size, codec: in place of what the card says or would be assumed; ``input_size`` is (height,
            width), and wins over the size in ``codec``.
        architecture: where names and shapes leave a choice (``"pose_resnet50_caffe"``).
        announce: called with one sentence on what was assumed about a foreign checkpoint; a warning by default.
        mirrors, offline, progress: of a download, see `hrnet.weights.zoo.locate`.

    Returns:
        the network, on the CPU in eval mode, and its card.

    Raises:
        FileNotFoundError, ValueError: no such file, or no such name; the message names the nearest.
        DownloadError: published weights could not be brought here; the message says how to put them there by hand.
        CheckpointError: the file cannot be read (see `read_state_dict`) or is no pose network, or does not fit what was asked.
    """
    located = _resolve(name_or_path, announce, mirrors, offline, progress)
    state, facts = read_state_dict(located.path)
    return pose_network(
        state,
        facts,
        located.entry,
        keypoint_set=keypoint_set,
        input_size=input_size,
        codec=codec,
        architecture=architecture,
        announce=announce,
    )


def pose_network(
    state: dict[str, torch.Tensor],
    facts: FileFacts,
    published: ZooEntry | None = None,
    *,
    keypoint_set: KeypointSet | str | None = None,
    input_size: tuple[int, int] | None = None,
    codec: CodecSpec | str | None = None,
    architecture: str | None = None,
    announce: Callable[[str], None] | None = None,
) -> tuple[PoseNetwork, PoseCard]:
    """What `load_pose` loads, of a file that `hrnet.weights.read_state_dict` has read, with what is on record about it."""
    path = facts.path
    keypoints = named_keypoint_set(keypoint_set) if isinstance(keypoint_set, str) else keypoint_set
    known = facts.card or (_card_of(published) if published else None)
    assumed: list[str] = []
    if known is None:
        found = recognize(state)
        if found.use != "load":
            reasons = "; ".join(found.unknown)
            raise CheckpointError(f"{path} is {found}: {reasons}. Train with it as the start, or give a pose checkpoint")
        card, assumed = assumed_card(found, path, keypoints, input_size, codec)
        if codec is not None and input_size is not None:
            card = replace(card, codec=replace(card.codec, input_size=tuple(input_size)))
    else:
        card, found = _overridden(known, keypoints, input_size, codec), identify(state)
    if found is not None:
        state = found.layout.to_ours(state)
    if architecture is not None:
        card = replace(card, architecture=architecture)
        assumed = [sentence for sentence in assumed if "_caffe" not in sentence]
    outputs = _num_outputs(state)
    if outputs is not None and outputs != card.num_outputs:
        per_keypoint = channels_per_keypoint(card.codec)
        times = f" x {per_keypoint} ({card.codec.name})" if per_keypoint > 1 else ""
        raise CheckpointError(
            f"{path} has {outputs} outputs, but the keypoint set {card.keypoint_set.name!r} has "
            f"{card.keypoint_set.num_keypoints}{times}"
        )
    with torch.device("meta"):  # shapes only: the weights of the file become the network's own, without a second copy
        network = build_model(card.architecture, card.num_outputs)
    if not isinstance(network, PoseNetwork):
        raise CheckpointError(f"{card.architecture} is no network for top-down pose: hrnet.load_checkpoint gives others")
    try:
        load_into(network, state)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if assumed:
        sentence = f"{path.name} does not say how it was trained; assumed: {'; '.join(assumed)}"
        announce(sentence) if announce else warnings.warn(sentence, stacklevel=2)
    return network.eval(), card


def _overridden(
    card: PoseCard, keypoints: KeypointSet | None, input_size: tuple[int, int] | None, codec: CodecSpec | str | None
) -> PoseCard:
    spec = codec if isinstance(codec, CodecSpec) else card.codec
    if isinstance(codec, str):
        spec = replace(spec, name=named_codec(codec).name)
    if input_size is not None:
        spec = replace(spec, input_size=(input_size[0], input_size[1]))
    return replace(card, codec=spec, keypoint_set=keypoints or card.keypoint_set)


def _num_outputs(state: dict[str, torch.Tensor]) -> int | None:
    """Channels of the last layer, whatever the family calls it."""
    last = next((state[name] for name in ("final_layer.weight", "outs.0.conv.weight", "head.3.weight") if name in state), None)
    return None if last is None else last.shape[0]


def _resolve(
    name_or_path: str | os.PathLike[str],
    announce: Callable[[str], None] | None,
    mirrors: Sequence[str] | None,
    offline: bool | None,
    progress: Progress | None,
) -> Located:
    """The file that is meant. What cannot be used here is not downloaded."""
    bundled = bundled_models()
    text = os.fspath(name_or_path)
    if text not in bundled and text in zoo_entries():
        _card_of(zoo_entries()[text])
    tell = announce or (lambda sentence: warnings.warn(sentence, stacklevel=5))
    return locate(name_or_path, mirrors=mirrors, offline=offline, progress=progress, announce=tell, bundled=bundled)


def _card_of(published: ZooEntry) -> PoseCard:
    """Its card. Raises CheckpointError for what is no top-down network of this package."""
    card = published.card()
    if card is not None:
        return card
    if published.architecture is None:
        raise CheckpointError(f"{published.name} is on record, but this version has no such network ({published.task})")
    raise CheckpointError(
        f"{published.name} is a network for {published.task}, not for top-down pose: "
        f"hrnet.load_checkpoint({published.name!r}) gives it"
    )
