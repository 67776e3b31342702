"""Instances as clusters of embeddings.

Newell et al., "Associative Embedding", NeurIPS 2017, section on instance segmentation: threshold the foreground, find the peaks
of the embeddings' histogram, and give each pixel to the nearest. Peaks are sharpened by mean shift, and pixels are given at
the resolution of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.codecs.found_instances import FoundInstances, MapPlacement, at_picture, finite_logits, logit_of, sigmoid
from hrnet.codecs.mean_shift import find_clusters
from hrnet.geometry import apply_affine


@dataclass(frozen=True)
class EmbeddingClusterSpec:
    """How instances are found in the maps.

    Attributes:
        foreground_threshold: pixels with a lower score are background.
        bandwidth: b of the kernel ``exp(-d^2 / 2 b^2)`` in the space of embeddings; modes nearer to each other than b are one.
        min_pixels: smaller clusters are given to the others, pixels of the maps.
        max_instances: of more, those with the best scores are kept.
    """

    foreground_threshold: float = 0.5
    bandwidth: float = 0.35
    min_pixels: int = 4
    max_instances: int = 100

    def __post_init__(self) -> None:
        if not 0 < self.foreground_threshold < 1:
            raise ValueError(f"foreground_threshold must lie between 0 and 1, got {self.foreground_threshold}")
        if not 0 < self.bandwidth < float("inf"):
            raise ValueError(f"bandwidth must be positive, got {self.bandwidth}")
        if self.min_pixels < 1 or self.max_instances < 1:
            raise ValueError(f"min_pixels and max_instances must be positive, got {self.min_pixels} and {self.max_instances}")


class EmbeddingClusterDecoder:
    """Decodes foreground logits and embeddings; time grows with the number of pixels times that of the instances."""

    def __init__(self, spec: EmbeddingClusterSpec | None = None) -> None:
        self.spec = spec or EmbeddingClusterSpec()
        self.threshold = logit_of(self.spec.foreground_threshold)

    def decode(self, logits: NDArray[np.float32], embeddings: NDArray[np.float32], placement: MapPlacement) -> FoundInstances:
        """Instances in pixels of the picture, best first.

        An instance's class is that with the greatest mean score over its pixels. Its score is that mean, times the mean of
        the kernel over the distances of its pixels to the mode.

        Args:
            logits, embeddings: (C, h, w) and (D, h, w) float32.

        Raises:
            ValueError: they are of different sizes.
        """
        if logits.shape[1:] != embeddings.shape[1:]:
            raise ValueError(f"expected embeddings of (height, width) {logits.shape[1:]}, got {embeddings.shape[1:]}")
        spec = self.spec
        logits = finite_logits(logits)
        strongest = logits.max(axis=0)
        chosen = (strongest > self.threshold) & np.isfinite(embeddings).all(axis=0)
        points = embeddings[:, chosen].T.astype(np.float64)
        modes, members = find_clusters(points, spec.bandwidth, spec.min_pixels)
        count = len(modes)
        if count == 0:
            return FoundInstances(np.zeros(placement.image_size, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int64))
        pixels = np.bincount(members, minlength=count)
        kernel = np.exp(-0.5 / spec.bandwidth**2 * ((points - modes[members]) ** 2).sum(axis=1))
        nearness = np.bincount(members, kernel, count) / pixels
        class_scores = np.stack([np.bincount(members, row, count) for row in sigmoid(logits[:, chosen])]) / pixels
        scores = class_scores.max(axis=0) * nearness
        order = np.argsort(-scores, kind="stable")[: spec.max_instances]

        maps = np.full(chosen.shape, -1)
        maps[chosen] = members
        labels = paint(maps, order, placement)
        labels[at_picture(strongest, placement) <= self.threshold] = 0
        return FoundInstances(labels, scores[order].astype(np.float32), class_scores.argmax(axis=0)[order])


def paint(members: NDArray[np.int64], order: NDArray[np.int64], placement: MapPlacement) -> NDArray[np.int32]:
    """Labels (H, W) of a picture from a map (h, w) that says to which cluster a pixel belongs, -1 to none.

    Each cluster's share of a pixel of the picture is interpolated from its pixels of the map, in the part of the picture where
    it can have one; the pixel goes to the greatest. Clusters come in the order of ``order``, those not in it are left out.
    """
    height, width = placement.image_size
    labels = np.zeros((height, width), np.int32)
    greatest = np.zeros((height, width), np.float32)
    rows, columns = np.nonzero(members >= 0)
    owners = members[rows, columns]
    places = np.stack([columns, rows], axis=1)
    by_owner = np.argsort(owners, kind="stable")
    bounds = np.searchsorted(owners[by_owner], np.arange(owners.max(initial=-1) + 2))
    for label, cluster in enumerate(order, start=1):
        own = places[by_owner[bounds[cluster] : bounds[cluster + 1]]]
        low, high = own.min(axis=0) - 1, own.max(axis=0) + 1  # interpolation reaches one pixel of the map further
        corners = apply_affine(placement.to_image, [low, [high[0], low[1]], [low[0], high[1]], high])
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
        if right <= left or bottom <= top:
            continue
        matrix = placement.to_image.copy()
        matrix[:, 2] -= left, top
        first, last = np.maximum(low, 0), high + 1
        window = (members[first[1] : last[1], first[0] : last[0]] == cluster).astype(np.float32)
        matrix[:, 2] += matrix[:, :2] @ first
        border = cv2.BORDER_REPLICATE  # at the border of the maps; elsewhere the window's border is 0
        share = cv2.warpAffine(window, matrix, (int(right - left), int(bottom - top)), borderMode=border)
        area = np.s_[top:bottom, left:right]
        ahead = share > greatest[area]
        labels[area][ahead] = label
        greatest[area][ahead] = share[ahead]
    return labels
