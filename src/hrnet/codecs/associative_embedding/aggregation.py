"""What a network gives for several passes over a picture, as one set of maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps
from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec
from hrnet.geometry import CropConvention


class NetworkMaps(NamedTuple):
    """Maps of one pass.

    Attributes:
        heatmaps: (B, K, h, w) each, coarsest first.
        tags: (B, K, h, w).
    """

    heatmaps: tuple[Tensor, ...]
    tags: Tensor


class ScaledPass(NamedTuple):
    """The network's maps for pictures at one scale, and for the mirrored pictures."""

    scale: float
    plain: NetworkMaps
    mirrored: NetworkMaps | None = None


class TaggedMaps(NamedTuple):
    """Heat and tags of B pictures at the resolution that people are decoded at.

    Attributes:
        heat: B * K maps.
        tags: B * K * T maps, or B * T where all joints share them; the T components of a tag are adjacent.
        batch: B.
        tag_dimensions: T.
    """

    heat: ResizedMaps
    tags: ResizedMaps
    batch: int
    tag_dimensions: int

    @property
    def num_keypoints(self) -> int:
        return len(self.heat) // self.batch

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.heat.size

    def tag_maps(self, heatmaps: Tensor) -> Tensor:
        """Tag maps (..., T) that belong to heatmaps (...)."""
        shared = len(self.tags) == self.batch * self.tag_dimensions
        owner = heatmaps // self.num_keypoints if shared else heatmaps
        return owner.unsqueeze(-1) * self.tag_dimensions + torch.arange(self.tag_dimensions, device=heatmaps.device)


def separate_outputs(outputs: Tensor | Sequence[Tensor], num_keypoints: int) -> NetworkMaps:
    """Tell heatmaps from tags in what a network returns.

    Args:
        outputs: of HigherHRNet, maps (B, 2K, ...) and then (B, K, ...) of rising resolution; of HRNet with tags, heatmaps
            and tags by name; of stacked hourglasses, (B, stacks, >= 2K, h, w), of which the last counts.
        num_keypoints: K, the centre joint included where there is one.
    """
    if isinstance(outputs, Tensor):
        maps = outputs[:, -1] if outputs.ndim == 5 else outputs
        heatmaps, tags = (maps[:, :num_keypoints],), maps[:, num_keypoints : 2 * num_keypoints]
    elif hasattr(outputs, "tags"):
        heatmaps, tags = (outputs.heatmaps,), outputs.tags  # pyright: ignore[reportAttributeAccessIssue]
    else:
        first, *others = outputs
        heatmaps, tags = (first[:, :num_keypoints], *others), first[:, num_keypoints : 2 * num_keypoints]
    if any(maps.ndim != 4 or maps.shape[1] != num_keypoints for maps in (*heatmaps, tags)):
        shapes = [tuple(maps.shape) for maps in ([outputs] if isinstance(outputs, Tensor) else outputs)]
        raise ValueError(f"expected heatmaps and tags of {num_keypoints} keypoints, got outputs of shapes {shapes}")
    return NetworkMaps(heatmaps, tags)


def combine_stages(
    maps: NetworkMaps, flip_indices: Sequence[int] | None = None, align_corners: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean of the heatmaps of all stages, and the tags, both (B, K, h, w) float32 at the size of the last stage.

    Args:
        flip_indices: for maps of mirrored pictures: the joint that each one becomes in a mirror. Columns are reversed.
        align_corners: as of `ResizedMaps`.
    """
    size = maps.heatmaps[-1].shape[-2:]
    heat, *others = (_resized(stage, size, align_corners) for stage in maps.heatmaps)
    for stage in others:
        heat = heat + stage
    if others:
        heat = heat / len(maps.heatmaps)
    tags = _resized(maps.tags, size, align_corners)
    if flip_indices is not None:
        heat, tags = (stack.flip(-1)[:, list(flip_indices)] for stack in (heat, tags))
    return heat, tags


def aggregate(
    passes: Sequence[ScaledPass],
    spec: AssociativeEmbeddingSpec,
    flip_indices: Sequence[int] | None = None,
    input_size: tuple[int, int] | None = None,
) -> TaggedMaps:
    """Average heat over mirrored passes and scales; take tags from scale 1 alone, plain and mirrored as two components.

    Nothing is enlarged to ``input_size`` here, nor to the largest scale: `ResizedMaps` does that where it is read.

    Args:
        flip_indices: needed where there are mirrored maps; for all joints that the network predicts.
        input_size: (height, width) of the network's input at scale 1; needed where ``spec.project_to_input``.

    Raises:
        ValueError: something needed is missing; several scales, none of which is 1; NaN or infinity in the maps.
    """
    if spec.project_to_input and input_size is None:
        raise ValueError("input_size is needed to project maps to the input of the network")
    if not any(entry.scale == 1 for entry in passes) and len(passes) != 1:
        raise ValueError(f"tags come from scale 1, which is not among the scales {[entry.scale for entry in passes]}")
    aligned = _aligns_corners(spec)
    ordered = sorted(passes, key=lambda entry: -entry.scale)
    layers: list[Tensor] = []
    tags: list[Tensor] = []
    for entry in ordered:
        if entry.mirrored is not None and flip_indices is None:
            raise ValueError("flip_indices are needed to read maps of mirrored pictures")
        pairs = [combine_stages(entry.plain, align_corners=aligned)]
        if entry.mirrored is not None:
            pairs.append(combine_stages(entry.mirrored, flip_indices, aligned))
        heat = pairs[0][0] if len(pairs) == 1 else (pairs[0][0] + pairs[1][0]) / 2
        layers.append(heat[:, :-1] if spec.has_center_joint else heat)
        if entry.scale == 1 or len(passes) == 1:
            found = torch.stack([pair[1] for pair in pairs], dim=2)
            tags.append(found[:, :-1] if spec.has_center_joint else found)
    for name, stacks in (("heat", layers), ("tags", tags)):
        if not all(torch.isfinite(stack.sum()) for stack in stacks):  # a sum is NaN or infinite if anything in it is
            raise ValueError(f"the network's {name} has NaN or infinity: its weights or its input are broken")
    size = input_size if spec.project_to_input else (layers[0].shape[-2], layers[0].shape[-1])
    return tagged_maps(layers, tags[0], spec, size)


def tagged_maps(
    heatmaps: Sequence[Tensor], tags: Tensor, spec: AssociativeEmbeddingSpec, size: tuple[int, int] | None = None
) -> TaggedMaps:
    """Maps to decode from heatmaps (B, K, h, w), one stack per scale, and tags (B, K or 1, T, h, w)."""
    batch, keypoints = heatmaps[0].shape[:2]
    if tags.ndim != 5 or tags.shape[0] != batch or tags.shape[1] not in (1, keypoints) or tags.shape[2] < 1:
        expected = f"({batch}, {keypoints} or 1, T, h, w)"
        raise ValueError(f"tags must have shape {expected} beside heatmaps {tuple(heatmaps[0].shape)}, got {tuple(tags.shape)}")
    aligned = _aligns_corners(spec)
    heat = ResizedMaps([stack.flatten(0, 1) for stack in heatmaps], size, spec.heat_ceiling, aligned)
    return TaggedMaps(heat, ResizedMaps([tags.flatten(0, 2)], heat.size, align_corners=aligned), batch, tags.shape[2])


def _aligns_corners(spec: AssociativeEmbeddingSpec) -> bool:
    """Maps whose coordinates count the distances of pixel centres are resized so that the outermost centres stay."""
    return spec.convention is CropConvention.UNIT_LENGTH


def _resized(maps: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    maps = maps.float()
    if maps.shape[-2:] == tuple(size):
        return maps
    return F.interpolate(maps, tuple(size), mode="bilinear", align_corners=align_corners)
