"""Instances as connected components of the foreground: what can be had without embeddings, and the measure of their use."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.codecs.found_instances import FoundInstances, MapPlacement, at_picture, finite_logits, logit_of, sigmoid


class ConnectedComponents:
    """Decodes foreground logits: pixels of one class that touch, corners included, are one instance.

    Args:
        foreground_threshold: pixels with a lower score are background.
        min_area: smaller components are left out, pixels of the picture.
        max_instances: of more, those with the best scores are kept.
    """

    def __init__(self, foreground_threshold: float = 0.5, min_area: int = 1, max_instances: int = 100) -> None:
        self.threshold = logit_of(foreground_threshold)
        self.min_area = min_area
        self.max_instances = max_instances

    def decode(self, logits: NDArray[np.float32], placement: MapPlacement) -> FoundInstances:
        """Instances in pixels of the picture, best first, from logits (C, h, w); a score is the mean over the component."""
        logits = finite_logits(logits)
        classes = logits.argmax(axis=0)
        foreground = at_picture(logits.max(axis=0), placement)
        kinds = np.unique(classes)
        large = classes[:1, :1] if len(kinds) == 1 else _nearest(classes, placement)
        found = np.zeros(placement.image_size, np.int32)
        class_ids: list[int] = []
        for kind in kinds:
            mask = (foreground > self.threshold) & (large == kind)
            count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
            found[mask] = labels[mask] + len(class_ids)
            class_ids += [int(kind)] * (count - 1)
        return _best(found, sigmoid(foreground), np.array(class_ids, np.int64), self.min_area, self.max_instances)


def _best(
    labels: NDArray[np.int32], scores: NDArray[np.float32], class_ids: NDArray[np.int64], min_area: int, most: int
) -> FoundInstances:
    count = len(class_ids) + 1
    areas = np.bincount(labels.ravel(), minlength=count)[1:]
    means = np.bincount(labels.ravel(), scores.ravel(), minlength=count)[1:] / np.maximum(areas, 1)
    kept = np.argsort(-means, kind="stable")
    kept = kept[areas[kept] >= min_area][:most]
    renamed = np.zeros(count, np.int32)
    renamed[kept + 1] = np.arange(1, len(kept) + 1)
    return FoundInstances(renamed[labels], means[kept].astype(np.float32), class_ids[kept])


def _nearest(classes: NDArray[np.int64], placement: MapPlacement) -> NDArray[np.float32]:
    height, width = placement.image_size
    return cv2.warpAffine(
        classes.astype(np.float32),
        placement.to_image,
        (width, height),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )  # pyright: ignore[reportReturnType]
