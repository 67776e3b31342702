"""Fill the card of a checkpoint that has none, and say what was assumed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from hrnet.codecs import CodecSpec
from hrnet.codecs.specification import CodecName
from hrnet.data.keypoint_sets import keypoint_set, sets_of_size
from hrnet.errors import CheckpointError, nearest_name
from hrnet.structures import KeypointSet
from hrnet.weights.layouts import PLAIN
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD
from hrnet.weights.pose_card import PoseCard, channels_per_keypoint
from hrnet.weights.recognition import Recognition

# The sets that published top-down checkpoints with so many outputs nearly always have.
_USUAL_SETS = {17: "coco", 16: "mpii", 14: "crowdpose"}
_USUAL_FACES = {68: "300w", 19: "aflw", 29: "cofw", 98: "wflw", 21: "onehand10k"}  # the network for faces serves hands too


def named_codec(codec: CodecSpec | str) -> CodecSpec:
    """A codec given by its name or as it is. Raises ValueError naming the nearest for an unknown name."""
    if isinstance(codec, CodecSpec):
        return codec
    names: tuple[CodecName, ...] = get_args(CodecName)
    for name in names:
        if name == codec:
            return CodecSpec(name=name)
    raise ValueError(f"there is no codec called {codec!r}; {nearest_name(codec, names)}")


def assumed_card(
    found: Recognition,
    path: Path,
    keypoints: KeypointSet | None = None,
    input_size: tuple[int, int] | None = None,
    codec: CodecSpec | str | None = None,
) -> tuple[PoseCard, list[str]]:
    """Fill a card with the defaults of the reference for a network of its kind.

    The file's name is taken as a hint where it states an input size (``384x288``) or a codec (``dark``, ``udp``).

    Args:
        found: what the checkpoint is; must be a pose network that can be built.
        keypoints, input_size, codec: what the user says; nothing is assumed in their place.

    Returns:
        the card, and a sentence for each thing that was assumed.

    Raises:
        CheckpointError: no keypoint set is usual for so many outputs, or the given one has another number.
    """
    assert found.architecture is not None
    assert found.num_outputs is not None
    assumed: list[str] = []
    spec = codec if isinstance(codec, CodecSpec) else _codec(found, path, input_size, codec, assumed)
    if keypoints is None:
        keypoints = _keypoints(found, channels_per_keypoint(spec), assumed)
    plain = found.family == "stacked_hourglass"
    # The reference reads SimpleBaseline's pictures as BGR and normalises them with the numbers of RGB.
    bgr = found.family.startswith("pose_resnet") and found.layout is PLAIN
    card = PoseCard(
        architecture=found.architecture,
        keypoint_set=keypoints,
        codec=spec,
        channel_order="bgr" if bgr else "rgb",
        mean=(0.0, 0.0, 0.0) if plain else IMAGENET_MEAN,
        std=(1.0, 1.0, 1.0) if plain else IMAGENET_STD,
        flip_test=not spec.name.startswith("face_"),
        source=path.name,
    )
    assumed.append("RGB in 0..1 without mean and std" if plain else "ImageNet mean and std")
    if bgr:
        assumed.append("pictures in BGR order, as the reference's SimpleBaseline takes them")
    assumed += [entry for entry in found.unknown if "_caffe" in entry]
    return card, assumed


def _codec(
    found: Recognition, path: Path, input_size: tuple[int, int] | None, name: str | None, assumed: list[str]
) -> CodecSpec:
    if input_size is None:
        hint = re.search(r"(?<!\d)(\d{3})x(\d{3})(?!\d)", path.stem)
        if hint:
            input_size = (int(hint[1]), int(hint[2]))
            assumed.append(f"input {input_size[0]}x{input_size[1]} (height x width) from the file's name")
        else:
            square = found.num_outputs == 16 or found.family in ("stacked_hourglass", "face_hrnetv2")
            input_size = (256, 256) if square else (256, 192)
            assumed.append(f"input {input_size[0]}x{input_size[1]} (height x width)")
    mmpose = found.origin.startswith("mmpose")
    reference_face = found.family == "face_hrnetv2" and not mmpose
    chosen = name
    if chosen is None:
        hint = re.search(r"(?<![a-z])(dark|udp)(?![a-z])", path.stem.lower())
        usual = "quarter_offset_mmpose" if mmpose else "face_landmarks" if reference_face else "quarter_offset"
        chosen = hint[1] if hint else usual
        assumed.append(f"codec {chosen}" + (" from the file's name" if hint else ""))
    face_sigma = 2.0 if mmpose else 1.0 if found.num_outputs == 68 else 1.5  # 300W's marks are smaller
    small = {"stacked_hourglass": 1.0, "face_hrnetv2": face_sigma}
    sigma = small.get(found.family, 3.0 if input_size[0] >= 384 else 2.0)
    return CodecSpec(name=named_codec(chosen).name, input_size=input_size, sigma=sigma)


def _keypoints(found: Recognition, per_keypoint: int, assumed: list[str]) -> KeypointSet:
    outputs = found.num_outputs
    assert outputs is not None
    if outputs % per_keypoint:
        raise CheckpointError(f"the codec needs {per_keypoint} outputs per keypoint, and the checkpoint has {outputs}")
    count = outputs // per_keypoint
    candidates = sets_of_size(count)
    usual = _USUAL_FACES if found.family == "face_hrnetv2" else _USUAL_SETS
    name = usual.get(count) or (candidates[0] if len(candidates) == 1 else None)
    if name is None:
        hint = f"; the sets of this size: {', '.join(candidates)}" if candidates else "; no known set has so many"
        third = outputs // 3
        if per_keypoint == 1 and outputs % 3 == 0 and sets_of_size(third):
            hint += f"; or codec='udp_combined' with {third} keypoints"
        raise CheckpointError(f"the checkpoint has {outputs} outputs and does not name them: say keypoint_set=...{hint}")
    others = [other for other in candidates if other != name]
    assumed.append(f"{count} keypoints named as in {name}" + (f" (could be {', '.join(others)})" if others else ""))
    return keypoint_set(name)
