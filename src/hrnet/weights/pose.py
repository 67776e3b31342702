"""From a name or a file to a pose network that is ready to use."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set as named_keypoint_set
from hrnet.errors import CheckpointError, nearest_name
from hrnet.models import PoseNetwork, build_model
from hrnet.structures import KeypointSet
from hrnet.weights.assumptions import assumed_card, named_codec
from hrnet.weights.bundle import bundled_models
from hrnet.weights.card import PoseCard, channels_per_keypoint
from hrnet.weights.files import CHECKPOINT_SUFFIXES, read_state_dict
from hrnet.weights.loading import load_into
from hrnet.weights.recognition import recognize


def load_pose(
    name_or_path: str | os.PathLike[str],
    *,
    keypoint_set: KeypointSet | str | None = None,
    input_size: tuple[int, int] | None = None,
    codec: CodecSpec | str | None = None,
    architecture: str | None = None,
    announce: Callable[[str], None] | None = None,
) -> tuple[PoseNetwork, PoseCard]:
    """Load a pose network with everything that is needed to use it.

    Args:
        name_or_path: a bundled model (`hrnet.weights.list_bundled`), a safetensors file of ours, or a checkpoint of the
            reference, of SimpleBaseline, of stacked hourglass, or of mmpose.
        keypoint_set, input_size, codec: in place of what the card says or would be assumed; ``input_size`` is (height,
            width), and wins over the size in ``codec``.
        architecture: where names and shapes leave a choice (``"pose_resnet50_caffe"``).
        announce: called with one sentence on what was assumed about a foreign checkpoint; a warning by default.

    Returns:
        the network, on the CPU in eval mode, and its card.

    Raises:
        FileNotFoundError, ValueError: no such file, or no such bundled model; the message names the nearest.
        CheckpointError: the file cannot be read (see `read_state_dict`) or is no pose network, or does not fit what was asked.
    """
    path = _resolve(name_or_path)
    state, facts = read_state_dict(path)
    keypoints = named_keypoint_set(keypoint_set) if isinstance(keypoint_set, str) else keypoint_set
    assumed: list[str] = []
    if facts.card is None:
        found = recognize(state)
        if found.use != "load":
            reasons = "; ".join(found.unknown)
            raise CheckpointError(f"{path} is {found}: {reasons}. Train with it as the start, or give a pose checkpoint")
        card, assumed = assumed_card(found, path, keypoints, input_size, codec)
        state = found.layout.rename(state)
        if codec is not None and input_size is not None:
            card = replace(card, codec=replace(card.codec, input_size=tuple(input_size)))
    else:
        card = _overridden(facts.card, keypoints, input_size, codec)
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
    last = state.get("final_layer.weight", state.get("outs.0.conv.weight"))
    return None if last is None else last.shape[0]


def _resolve(name_or_path: str | os.PathLike[str]) -> Path:
    """The file that is meant. A file that exists wins only if it is no bundled name, so that names always mean the same."""
    bundled = bundled_models()
    text = os.fspath(name_or_path)
    if text in bundled:
        return bundled[text]
    path = Path(text)
    meant_as_path = not isinstance(name_or_path, str) or path.suffix in CHECKPOINT_SUFFIXES or path.parent != Path()
    if meant_as_path or path.exists():
        return path  # reading it says what is wrong with it
    hint = nearest_name(text, bundled) if bundled else "this installation has none"
    raise ValueError(f"there are no bundled weights called {text!r}; {hint}. The path of a checkpoint works too")
