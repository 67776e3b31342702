"""From a name to a backbone for other people's networks, with published weights if wanted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from hrnet.errors import CheckpointError, nearest_name
from hrnet.models.backbone import BackboneOutput, HRNetBackbone
from hrnet.models.variants import HRNET_SPECS, family_of
from hrnet.weights.files import read_state_dict
from hrnet.weights.loading import in_our_names, load_into
from hrnet.weights.zoo import locate

# The start of a name says which maps come out.
_KINDS: dict[str, BackboneOutput] = {
    "hrnet": "branches",
    "hrnetv1": "branches",
    "hrnetv2": "concatenation",
    "hrnetv2p": "pyramid",
}


def create_backbone(
    name: str,
    in_channels: int = 3,
    out_indices: Sequence[int] | None = None,
    pretrained: bool | str | os.PathLike[str] = False,
    as_dict: bool = False,
    **numbers: Any,
) -> HRNetBackbone:
    """Build an HRNet that returns feature maps, for a network of your own.

    Args:
        name: ``hrnet_TAG`` (four branches), ``hrnetv1_TAG`` (the finest branch), ``hrnetv2_TAG`` (all branches, concatenated at
            stride 4) or ``hrnetv2p_TAG`` (a pyramid of that), where TAG is ``w18``, ``w32``, ``w48``, ``w18_small_v1``, ... or
            any width.
        in_channels: of the picture. Pretrained weights of the first convolution are adapted: a single channel gets the
            sum over R, G and B, more are R, G, B, R, ... in turn, scaled by 3 / in_channels.
        out_indices: which maps come out, ascending; None for all.
        pretrained: True for the published ImageNet weights of this width, or the name or path of any checkpoint with an HRNet
            of this width in it; only the body is taken.
        as_dict: return a dict ``{"0": map, ...}``, as torchvision's detection models want it.
        numbers: anything else of `HRNetSpec`: ``exchange="across_stages"``, ``outputs=(1,)``, ``upsampling=...``.

    Returns:
        the backbone in training mode; see `HRNetBackbone` for ``channels``, ``strides``, ``freeze`` and
        ``gradient_checkpointing``.

    Raises:
        ValueError: the name, an index or a number is unknown or impossible; the message names the nearest.
        CheckpointError: the checkpoint has no HRNet of this shape.
    """
    kind, _, tag = name.partition("_")
    if kind not in _KINDS or not tag:
        known = [f"{start}_{size}" for start in _KINDS for size in HRNET_SPECS]
        raise ValueError(f"there is no backbone called {name!r}; {nearest_name(name, known)}")
    fields = HRNET_SPECS["w18"].__dataclass_fields__
    if unknown := [number for number in numbers if number not in fields]:
        raise ValueError(f"an HRNet has no number {unknown[0]!r}; {nearest_name(unknown[0], fields)}")
    spec = family_of(f"hrnet_{tag}").variant(f"hrnet_{tag}")
    if kind == "hrnetv1":
        numbers = {"outputs": "highest", **numbers}
    spec = replace(spec, in_channels=in_channels, **numbers)
    backbone = HRNetBackbone(spec, _KINDS[kind], out_indices, as_dict)
    if pretrained is not False:
        source = f"cls_hrnet_{tag}.ms_in1k" if pretrained is True else pretrained
        load_body(backbone, locate(source).path)
    return backbone


def load_body(backbone: HRNetBackbone, path: Path) -> None:
    """Load the HRNet body of a checkpoint, whatever head it has.

    Raises:
        CheckpointError: an entry is missing or of another shape; the backbone is then as it was.
    """
    own = backbone.state_dict()
    state = in_our_names(own, read_state_dict(path)[0])
    first = state.get("conv1.weight")
    if first is not None and first.ndim == 4 and first.shape[1] != backbone.spec.in_channels:
        state["conv1.weight"] = adapt_first_convolution(first, backbone.spec.in_channels)
    try:
        load_into(backbone, {name: state[name] for name in own if name in state})
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def adapt_first_convolution(weight: Tensor, in_channels: int) -> Tensor:
    """Weights (out, C, k, k) of a first convolution for another number of channels.

    One channel gets the sum over all, so that a grey picture gives what it gave as RGB. Otherwise the given channels are
    repeated in turn and scaled by C / in_channels, so that activations keep their size.
    """
    old = weight.shape[1]
    if in_channels == 1:
        return weight.sum(dim=1, keepdim=True)
    repeated = weight.repeat(1, -(-in_channels // old), 1, 1)[:, :in_channels]
    return repeated * (old / in_channels)
