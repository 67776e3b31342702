"""How often classes of pixels are labelled, and the loss weights that suggests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrnet.data.datasets.segmentation import SegmentationDataset
from hrnet.data.threads import map_in_threads


@dataclass(frozen=True)
class ClassFrequency:
    """Counts over label maps.

    Attributes:
        pixels: (C,) labelled pixels of each class.
        pictures: (C,) label maps that have the class.
        pixels_beside: (C,) labelled pixels, of any class, of the label maps that have the class.
        ignored: pixels that count nowhere.
        total: all pixels.
    """

    pixels: NDArray[np.int64]
    pictures: NDArray[np.int64]
    pixels_beside: NDArray[np.int64]
    ignored: int
    total: int

    def median_frequency_weights(self) -> tuple[float, ...]:
        """A weight for each class: median frequency over its own (Eigen and Fergus, ICCV 2015, section 6.3.2).

        The frequency of a class is its share of the pixels of the pictures that have it. A class that is nowhere gets 1.
        """
        present = self.pixels > 0
        frequency = self.pixels / np.maximum(1, self.pixels_beside)
        weights = np.ones(len(frequency))
        if present.any():
            weights[present] = np.median(frequency[present]) / frequency[present]
        return tuple(weights.tolist())


def frequency_of_counts(counts: Sequence[NDArray[np.integer]], ignored: int) -> ClassFrequency:
    """Put together the pixels (C,) of the classes of each label map."""
    matrix = np.asarray(counts, np.int64)
    there = matrix > 0
    of_map = matrix.sum(axis=1)
    return ClassFrequency(matrix.sum(axis=0), there.sum(axis=0), there.T @ of_map, ignored, int(matrix.sum()) + ignored)


def count_classes(dataset: SegmentationDataset) -> ClassFrequency:
    """Read all label maps, in threads. Raises AnnotationError for a broken one or values that mean nothing."""
    count, ignore = dataset.class_set.num_classes, dataset.class_set.ignore_label

    def counted(index: int) -> tuple[NDArray[np.int64], int]:
        label = dataset.label(index)
        if label.dtype == np.uint8:
            values = np.bincount(label.ravel(), minlength=256)
            return values[:count].astype(np.int64), int(values[ignore]) if ignore >= 0 else 0
        known = label[label != ignore]
        return np.bincount(known, minlength=count).astype(np.int64), label.size - known.size

    found = map_in_threads(counted, range(len(dataset)))
    if not found:
        return frequency_of_counts([np.zeros(count, np.int64)], 0)
    return frequency_of_counts([pixels for pixels, _ in found], sum(ignored for _, ignored in found))
