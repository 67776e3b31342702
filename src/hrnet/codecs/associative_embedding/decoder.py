"""From maps of heat and tags to people."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hrnet.codecs.associative_embedding.aggregation import TaggedMaps
from hrnet.codecs.associative_embedding.candidates import TILE, Candidates, find_candidates
from hrnet.codecs.associative_embedding.filling import Absent, find_absent
from hrnet.codecs.associative_embedding.grouping import People, group_candidates
from hrnet.codecs.associative_embedding.offsets import (
    openmmlab_offsets,
    quarter_offsets,
    smoothed_logarithm,
    udp_offsets,
)
from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec


class DecodedPeople(NamedTuple):
    """N people of one picture.

    Attributes:
        keypoints: (N, K, 2) float32 (x, y), pixels of the map in which the first pixel's corner is 0, as
            `Placement.to_picture` wants them; (0, 0) where a person lacks the joint.
        keypoint_scores: (N, K) float32 heat; 0 where a person lacks the joint.
        scores: (N,) float32 mean heat over all K joints before absent ones were filled in.
        tags: (N, K, T) float32; 0 where the joint was filled in or is lacking.
    """

    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    scores: np.ndarray
    tags: np.ndarray


class AssociativeEmbeddingDecoder:
    """Find people in maps of heat and tags (Newell et al., NeurIPS 2017; Cheng et al., HigherHRNet, CVPR 2020).

    Candidates are local maxima of heat; grouping makes people of them by their tags; `adjust` places joints within their
    pixels; `fill` looks for the joints that are still lacking. `decode` does it all.
    """

    def __init__(self, spec: AssociativeEmbeddingSpec | None = None) -> None:
        self.spec = spec or AssociativeEmbeddingSpec()

    @torch.no_grad()
    def decode(self, maps: TaggedMaps) -> list[DecodedPeople]:
        """People of each of B pictures, in the order in which they were created.

        Raises:
            ValueError: NaN or infinity in the heat, or in the tags of candidates.
        """
        largest = maps.heat.largest(TILE)
        if not torch.isfinite(largest).all():
            raise ValueError("heatmaps must be finite, got NaN or infinity: the network's weights or its input are broken")
        candidates = self.candidates(maps, largest)
        groups = self.group(maps, candidates)
        people, pictures = self._together(groups)
        scores = people.scores
        people = self.adjust(maps, people, pictures)
        if self.spec.fill_absent:
            people = self.fill(maps, people, pictures, largest)
        ends = np.cumsum([len(group.values) for group in groups])[:-1]
        parts = (np.split(array, ends) for array in (people.positions, people.values, scores, people.tags))
        return [DecodedPeople(*picture) for picture in zip(*parts, strict=True)]

    def candidates(self, maps: TaggedMaps, largest: Tensor | None = None) -> Candidates:
        """The strongest local maxima of each of the B * K heatmaps."""
        spec = self.spec
        return find_candidates(maps.heat, spec.nms_kernel, spec.max_people, spec.detection_threshold, largest)

    def group(self, maps: TaggedMaps, candidates: Candidates) -> list[People]:
        """Candidates to people, for each picture."""
        most = max(1, int(candidates.counts.max(initial=0)))  # the rest is empty everywhere
        values, positions = candidates.values[:, :most], candidates.positions[:, :most]
        where = torch.from_numpy(positions).to(maps.heat.device)
        joint = torch.arange(len(values), device=where.device)
        tags = maps.tags.at(maps.tag_maps(joint).unsqueeze(1), where[..., 1:], where[..., :1]).cpu().numpy()
        shape = (maps.batch, maps.num_keypoints)
        values, positions, tags = (array.reshape(*shape, *array.shape[1:]) for array in (values, positions, tags))
        return [group_candidates(values[n], positions[n], tags[n], self.spec) for n in range(maps.batch)]

    def adjust(self, maps: TaggedMaps, people: People, pictures: np.ndarray) -> People:
        """Place the joints of people (N, ...) in pictures (N,) within their pixels."""
        person, joint = np.nonzero(people.values > 0)
        if self.spec.adjustment == "none" or not len(person):
            return people
        where = people.positions[person, joint].astype(np.int64)
        rule = {"quarter": quarter_offsets, "quarter_openmmlab": openmmlab_offsets, "udp": udp_offsets}[self.spec.adjustment]
        device = maps.heat.device
        heatmap = torch.from_numpy(pictures[person] * maps.num_keypoints + joint).to(device)
        columns, rows = torch.from_numpy(where).to(device).unbind(1)
        positions = people.positions.copy()
        positions[person, joint] = where + rule(maps.heat, heatmap, columns, rows).cpu().numpy()
        return people._replace(positions=positions)

    def fill(self, maps: TaggedMaps, people: People, pictures: np.ndarray, largest: Tensor | None = None) -> People:
        """Look for the joints that people (N, ...) in pictures (N,) lack."""
        spec, device, heat = self.spec, maps.heat.device, maps.heat
        if spec.published_slip == "openmmlab_logarithm":
            heat, largest = smoothed_logarithm(heat), None
        person, joint = np.nonzero(people.values == 0)
        if not len(person):
            return people
        mean = torch.from_numpy(self._person_tags(maps, people, pictures)[person]).to(device)
        heatmap = torch.from_numpy(pictures[person] * maps.num_keypoints + joint).to(device)
        found = find_absent(heat, maps.tags, Absent(heatmap, maps.tag_maps(heatmap), mean), spec, largest)
        position = torch.stack([found.columns, found.rows], dim=-1).float()
        if spec.fill_adjustment == "quarter":
            last = (maps.num_keypoints - 1, heat.size[0] - 1) if spec.published_slip == "hourglass_bounds" else None
            position = position + quarter_offsets(heat, heatmap, found.columns, found.rows, last)
        kept = (found.heat > (0 if spec.fill_needs_heat else -torch.inf)).cpu().numpy()
        person, joint = person[kept], joint[kept]
        positions, values = people.positions.copy(), people.values.copy()
        positions[person, joint] = position.cpu().numpy()[kept]
        values[person, joint] = found.heat.cpu().numpy()[kept] if spec.fill_score == "heat" else 1
        return people._replace(positions=positions, values=values)

    def _person_tags(self, maps: TaggedMaps, people: People, pictures: np.ndarray) -> np.ndarray:
        """(N, T) mean of the tag maps at the pixels of the joints that people have."""
        present = people.values > 0
        person, joint = np.nonzero(present)
        device = maps.heat.device
        columns, rows = torch.from_numpy(people.positions[person, joint].astype(np.int64)).to(device).unbind(1)
        heatmap = torch.from_numpy(pictures[person] * maps.num_keypoints + joint).to(device)
        tags = np.zeros((*present.shape, maps.tag_dimensions), np.float32)
        tags[present] = maps.tags.at(maps.tag_maps(heatmap), rows.unsqueeze(1), columns.unsqueeze(1)).cpu().numpy()
        return tags.sum(axis=1) / present.sum(axis=1, keepdims=True, dtype=np.float32)

    def _together(self, groups: list[People]) -> tuple[People, np.ndarray]:
        """The people of all pictures, and the picture (N,) of each."""
        pictures = np.repeat(np.arange(len(groups)), [len(group.values) for group in groups])
        return People(*(np.concatenate(arrays) for arrays in zip(*groups, strict=True))), pictures
