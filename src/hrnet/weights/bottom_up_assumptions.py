"""Fill the card of a bottom-up pose checkpoint that has none, and say what was assumed.

Published lists state little of how bottom-up networks are tested. The authors' code is on record for HigherHRNet and for
hourglasses with associative embedding, and OpenMMLab's for its versions from 1.0; before that it tested as HigherHRNet does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import CheckpointError
from hrnet.weights.bottom_up_card import BottomUpCard
from hrnet.weights.network_entry import NetworkEntry
from hrnet.weights.zoo.entries import ZooEntry

# The sets that published bottom-up networks with so many heatmaps nearly always have.
_USUAL_SETS = {17: "coco", 14: "crowdpose", 16: "mhp", 133: "coco_wholebody"}
_CENTER = 18  # keypoints of COCO, and the centre of a person
_HOURGLASSES = "pose_ae"


def assumed_bottom_up_card(published: ZooEntry | None, network: NetworkEntry) -> tuple[BottomUpCard, list[str]]:
    """Fill a card with what is on record, and the rest with what is usual for a network of its kind.

    Args:
        published: the record of published weights, None for any other file.
        network: what was built.

    Returns:
        the card, and a sentence for each thing that was assumed.

    Raises:
        CheckpointError: the network has no tags, or no keypoint set is usual for so many outputs.
    """
    family = network.family
    if family not in ("higher_hrnet", "ae_hrnet", _HOURGLASSES):
        raise CheckpointError(
            f"{network.architecture} has no tags that say which keypoints belong together, and there is no predictor for what "
            "it gives instead; networks with tags are higher_hrnet_*, ae_hrnet_* and pose_ae_4"
        )
    return _on_record(published, network) if published is not None else _usual(network)


def _on_record(published: ZooEntry, network: NetworkEntry) -> tuple[BottomUpCard, list[str]]:
    if published.keypoint_set is None:
        raise CheckpointError(f"the record of {published.name} does not name its keypoints")
    assumed = [_SENTENCES.get(fact, fact) for fact in published.assumed]
    toolkit, _ = published.sources[0]
    udp = "udp" in published.tag.split("_")
    decoding, how = _decoding(network.family, toolkit, udp)
    if published.decoding is None:
        assumed.append(how)
    card = BottomUpCard(
        architecture=network.architecture,
        keypoint_set=keypoint_set(published.keypoint_set),
        input_size=min(published.input_size),
        size_rule="square" if network.family == _HOURGLASSES else "short_side",
        decoding=decoding,
        options=dict(network.options),
        **published.card_facts,
    )
    if card.num_outputs != network.num_outputs:
        raise CheckpointError(
            f"{published.name} has {network.num_outputs} heatmaps, and its record speaks of {card.num_outputs} keypoints"
        )
    return card, assumed


def _usual(network: NetworkEntry) -> tuple[BottomUpCard, list[str]]:
    hourglasses = network.family == _HOURGLASSES
    names, center, assumed = _usual_keypoints(network)
    decoding, how = _decoding(network.family, network.origin or "", udp=False)
    # The wide network was published for the larger input alone; the narrow one for both.
    side = 640 if network.architecture.startswith("higher_hrnet_w48") else 512
    assumed.append(f"input {side} pixels " + ("of the long side, in a square" if hourglasses else "of the short side"))
    assumed.append(how)
    card = BottomUpCard(
        architecture=network.architecture,
        keypoint_set=keypoint_set(names),
        input_size=side,
        size_rule="square" if hourglasses else "short_side",
        decoding=replace(decoding, has_center_joint=center),
        options=dict(network.options),
        source=network.origin,
    )
    if hourglasses:
        assumed.append("RGB in 0..1 without mean and std")
        return replace(card, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)), assumed
    assumed.append(_SENTENCES["normalization"])
    return card, assumed


def _usual_keypoints(network: NetworkEntry) -> tuple[str, bool, list[str]]:
    """Name of the keypoint set, whether the network predicts centres as well, and what was assumed."""
    outputs = network.num_outputs
    if outputs == _CENTER:
        return "coco", True, ["17 keypoints named as in coco, and the centre of a person"]
    name = _USUAL_SETS.get(outputs or 0)
    if name is None:
        usual: Sequence[str] = [f"{count} ({names})" for count, names in sorted(_USUAL_SETS.items())]
        raise CheckpointError(
            f"the checkpoint has {outputs} heatmaps and does not name its keypoints; usual numbers are {', '.join(usual)}. "
            "Save it with a BottomUpCard that names them"
        )
    return name, False, [f"{outputs} keypoints named as in {name}"]


def _decoding(family: str, toolkit: str, udp: bool) -> tuple[AssociativeEmbeddingSpec, str]:
    """How people are found in the maps of a network of ``family`` that ``toolkit`` trained, and a sentence on it."""
    if family == _HOURGLASSES:
        return AssociativeEmbeddingSpec.hourglass(), "people found in the maps as published with these hourglasses"
    if toolkit.startswith("mmpose 1"):
        decoder, whose = replace(AssociativeEmbeddingSpec.openmmlab(udp), project_to_input=True), "OpenMMLab's"
    elif udp:
        decoder, whose = replace(AssociativeEmbeddingSpec(), adjustment="udp", fill_adjustment="none"), "HigherHRNet's"
    else:
        decoder, whose = AssociativeEmbeddingSpec(), "HigherHRNet's"
    return decoder, f"people found in the maps by {whose} rules" + (", joints placed by UDP's" if udp else "")


_SENTENCES = {
    "keypoint_set": "the keypoints of its data set",
    "normalization": "ImageNet mean and std of RGB",
}
