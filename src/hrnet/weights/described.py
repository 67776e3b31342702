"""From a name or a file of any task to a network and the card that says how to use it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet
from hrnet.errors import CheckpointError, nearest_name
from hrnet.models.part_network import set_upsampling
from hrnet.models.variants import family_of
from hrnet.weights.bottom_up_assumptions import assumed_bottom_up_card
from hrnet.weights.bottom_up_card import BOTTOM_UP_CARD_KEY, BottomUpCard
from hrnet.weights.bundle import bundled_models
from hrnet.weights.checkpoint import checkpoint_of
from hrnet.weights.classification_assumptions import assumed_classification_card
from hrnet.weights.classification_card import CLASSIFICATION_CARD_KEY, ClassificationCard
from hrnet.weights.files import FileFacts, read_state_dict
from hrnet.weights.instance_card import INSTANCE_CARD_KEY, InstanceEmbeddingCard
from hrnet.weights.model_card import ModelCard
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.parts import MULTI_TASK_KEY, take_part
from hrnet.weights.pose import pose_network
from hrnet.weights.recognition import identify_file
from hrnet.weights.segmentation_assumptions import assumed_segmentation_card
from hrnet.weights.segmentation_card import SEGMENTATION_CARD_KEY, SegmentationCard
from hrnet.weights.zoo.entries import TOP_DOWN, ZooEntry, zoo_entries
from hrnet.weights.zoo.fetch import Progress
from hrnet.weights.zoo.locating import locate


class CardKind(NamedTuple):
    """The card of a task.

    Attributes:
        key: under which files of ours keep it.
        card: its class.
        assume: fills one for a file that has none, from what is on record and what was built: the card, and a sentence for
            each thing that was assumed.
    """

    key: str
    card: type[ModelCard]
    assume: Callable[[ZooEntry | None, NetworkEntry], tuple[Any, list[str]]]


def _no_assumptions(published: ZooEntry | None, network: NetworkEntry) -> tuple[Any, list[str]]:
    raise CheckpointError(f"a file of {network.architecture} without its card says neither its classes nor its decoding")


CARD_KINDS: Mapping[str, CardKind] = {
    "bottom-up pose": CardKind(BOTTOM_UP_CARD_KEY, BottomUpCard, assumed_bottom_up_card),
    "image classification": CardKind(CLASSIFICATION_CARD_KEY, ClassificationCard, assumed_classification_card),
    "instance embedding": CardKind(INSTANCE_CARD_KEY, InstanceEmbeddingCard, _no_assumptions),
    "segmentation": CardKind(SEGMENTATION_CARD_KEY, SegmentationCard, assumed_segmentation_card),
}
"""Tasks beside the top-down ones, whose card is `PoseCard`; names as of `hrnet.models.variants.Family`."""

TOP_DOWN_OPTIONS = ("architecture", "codec", "input_size", "keypoint_set")
"""What may be said about a top-down file beside what it says itself; see `hrnet.weights.pose.load_pose`."""


def load_described(
    name_or_path: str | os.PathLike[str],
    *,
    announce: Callable[[str], None] | None = None,
    mirrors: Sequence[str] | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
    part: str | None = None,
    **options: Any,
) -> tuple[nn.Module, ModelCard]:
    """Load a network of any task that predictors exist for.

    Args:
        name_or_path: bundled or published weights by name, ``hf://user/name``, or a file of any origin.
        announce: called with one sentence on what was assumed about a file without a card; a warning by default.
        mirrors, offline, progress: of a download, see `hrnet.weights.zoo.locate`.
        part: of a multi-task file; its only one where none is named.
        options: for top-down networks those of `hrnet.weights.pose.load_pose`, for others those of
            `hrnet.weights.checkpoint.load_checkpoint`.

    Returns:
        the network, on the CPU in eval mode, and its card.

    Raises:
        FileNotFoundError, ValueError, DownloadError: see `hrnet.weights.zoo.locate`.
        CheckpointError: the file cannot be read, does not fit, or is of a task without a predictor.
    """
    tell = announce or (lambda sentence: warnings.warn(sentence, stacklevel=4))
    text = os.fspath(name_or_path)
    if text not in bundled_models() and text in zoo_entries():
        _check_usable(zoo_entries()[text])  # what cannot be used here is not downloaded
    located = locate(name_or_path, mirrors=mirrors, offline=offline, progress=progress, announce=tell)
    state, facts = read_state_dict(located.path)
    if part is not None or MULTI_TASK_KEY in facts.metadata:
        return described_part(state, facts, part, tell, **options)
    return _described(state, facts, located.entry, tell, options)


def described_part(
    state: Mapping[str, Tensor], facts: FileFacts, part: str | None, announce: Callable[[str], None], **options: Any
) -> tuple[HRNet, ModelCard]:
    """One part of a multi-task file that was read already; otherwise as `load_described`, which see."""
    own, own_facts, upsampling = take_part(state, facts, part)
    network, card = _described(own, own_facts, None, announce, options)
    assert isinstance(network, HRNet)
    set_upsampling(network, upsampling)
    return network, card


def _described(
    state: dict[str, Tensor],
    facts: FileFacts,
    published: ZooEntry | None,
    tell: Callable[[str], None],
    options: Mapping[str, Any],
) -> tuple[nn.Module, ModelCard]:
    task = _task(state, facts, published)
    if task in TOP_DOWN:
        if unknown := [name for name in options if name not in TOP_DOWN_OPTIONS]:
            raise ValueError(
                f"{facts.path.name} is for {task}: no option {unknown[0]!r}; {nearest_name(unknown[0], TOP_DOWN_OPTIONS)}"
            )
        return pose_network(state, facts, published, announce=tell, **options)
    kind = CARD_KINDS[task]
    checkpoint = checkpoint_of(state, facts, published, **options)
    stated = facts.metadata.get(kind.key)
    if stated is not None:
        return checkpoint.network, kind.card.from_json(stated)
    card, assumed = kind.assume(published, checkpoint.entry)
    if assumed:
        tell(f"{facts.path.name} does not say how it was trained; assumed: {'; '.join(assumed)}")
    return checkpoint.network, card


def _task(state: Mapping[str, Tensor], facts: FileFacts, published: ZooEntry | None) -> str:
    """The task of a file. Raises CheckpointError where there is no predictor for it."""
    if facts.card is not None:
        return "pose"
    stated = next((task for task, kind in CARD_KINDS.items() if kind.key in facts.metadata), None)
    if stated is not None:
        return stated
    if published is not None:
        return _check_usable(published)
    found = identify_file(state, facts)
    if found is None or found.architecture is None:
        return "pose"  # loading it says what is wrong with it
    task = family_of(found.architecture).task
    if task not in CARD_KINDS and task not in TOP_DOWN:
        raise CheckpointError(
            f"{facts.path} is {found}: there is no predictor for {task} yet; hrnet.load_checkpoint gives the network"
        )
    return task


def _check_usable(published: ZooEntry) -> str:
    if published.architecture is None:
        raise CheckpointError(f"{published.name} is on record, but this version has no such network ({published.task})")
    without = published.architecture.startswith("dekr_")  # its decoding is on no record
    if without or (published.task not in CARD_KINDS and published.task not in TOP_DOWN):
        raise CheckpointError(
            f"{published.name} is a network for {published.task}, for which there is no predictor yet: "
            f"hrnet.load_checkpoint({published.name!r}) gives it"
        )
    return published.task
