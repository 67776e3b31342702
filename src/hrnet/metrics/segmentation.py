"""How well pixels are classified: intersection over union and accuracy from a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrnet.metrics.tables import json_number, text_table
from hrnet.structures.class_set import ClassSet


@dataclass(frozen=True)
class SegmentationScores:
    """Accuracy of the classes of pixels, in 0..1.

    Attributes:
        classes: the C names.
        confusion: (C, C) pixels, rows by true class, columns by predicted class.
        iou: (C,) intersection over union; 0 for a class that neither is there nor was predicted, as in the published code.
        accuracy: (C,) share of a class's pixels that were found; 0 for a class that is not there.
        miou, mean_accuracy: over all C classes, absent ones counted as 0: the published convention.
        miou_present, mean_accuracy_present: over the classes that the labels have; the sounder numbers where some are absent.
            Equal to the others where none is. NaN where no pixel is labelled.
        pixel_accuracy: share of all labelled pixels.
        pictures: that the numbers rest on.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    iou: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    miou: float
    mean_accuracy: float
    miou_present: float
    mean_accuracy_present: float
    pixel_accuracy: float
    pictures: int = 0

    @property
    def present(self) -> NDArray[np.bool_]:
        """(C,) which classes the labels have."""
        return self.confusion.sum(axis=1) > 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the classes' numbers by name, None for an absent class."""
        present = self.present
        return {
            "mIoU": json_number(self.miou),
            "mIoU_present": json_number(self.miou_present),
            "pixel_accuracy": json_number(self.pixel_accuracy),
            "mean_accuracy": json_number(self.mean_accuracy),
            "mean_accuracy_present": json_number(self.mean_accuracy_present),
            "IoU": {name: float(v) if there else None for name, v, there in zip(self.classes, self.iou, present, strict=True)},
            "absent_classes": [name for name, there in zip(self.classes, present, strict=True) if not there],
            "pixels": int(self.confusion.sum()),
            "pictures": self.pictures,
        }

    def summary(self) -> str:
        """A table of the classes, and the means with their definitions."""
        share = self.confusion.sum(axis=1) / max(1, self.confusion.sum())
        nan = float("nan")
        rows = [
            (name, *((100 * iou, 100 * accuracy) if there else (nan, nan)), 100 * part)
            for name, iou, accuracy, part, there in zip(
                self.classes, self.iou, self.accuracy, share.tolist(), self.present, strict=True
            )
        ]
        absent = int((~self.present).sum())
        lines = [text_table(("class", "IoU %", "accuracy %", "of pixels %"), rows), ""]
        lines.append(f"mIoU            {100 * self.miou:.2f} %, over all {len(self.classes)} classes")
        if absent:
            lines[-1] += f", {absent} absent from the labels counted as 0 (published convention)"
            lines.append(
                f"mIoU present    {100 * self.miou_present:.2f} %, over the {len(self.classes) - absent} classes there are"
            )
        lines.append(f"pixel accuracy  {100 * self.pixel_accuracy:.2f} %")
        lines.append(f"mean accuracy   {100 * self.mean_accuracy:.2f} %")
        lines.append(f"{self.pictures} pictures, {int(self.confusion.sum()):,} labelled pixels")
        return "\n".join(lines)


class SegmentationMetric:
    """Collects a confusion matrix of pixels; ``update`` as often as needed, then ``compute``.

    Args:
        class_set: the classes; pixels with its ``ignore_label`` do not count.
    """

    def __init__(self, class_set: ClassSet) -> None:
        self.class_set = class_set
        self.confusion = np.zeros((class_set.num_classes, class_set.num_classes), np.int64)
        self.pictures = 0

    def update(self, prediction: NDArray[np.integer], label: NDArray[np.integer]) -> None:
        """Add a picture: predicted classes and label map, both (H, W) at the size of the label.

        Raises:
            ValueError: the shapes differ, or there are values that are no class.
        """
        self.add_counts(confusion_matrix(prediction, label, self.class_set))

    def add_counts(self, confusion: NDArray[np.integer], pictures: int = 1) -> None:
        """Add pixels that are counted already, (C, C)."""
        if confusion.shape != self.confusion.shape:
            raise ValueError(f"a confusion matrix must have shape {self.confusion.shape}, got {confusion.shape}")
        self.confusion += confusion
        self.pictures += pictures

    def merge(self, other: SegmentationMetric) -> None:
        """Add what another metric of the same classes collected."""
        self.add_counts(other.confusion, other.pictures)

    def compute(self) -> SegmentationScores:
        """Return the numbers over everything added so far."""
        return scores_of_confusion(self.confusion, self.class_set.classes, self.pictures)


def confusion_matrix(prediction: NDArray[np.integer], label: NDArray[np.integer], class_set: ClassSet) -> NDArray[np.int64]:
    """Pixels (C, C) of a picture, rows by label, columns by prediction. Raises as `SegmentationMetric.update` does."""
    count, ignored = class_set.num_classes, class_set.ignore_label
    prediction, label = np.asarray(prediction), np.asarray(label)
    if prediction.shape != label.shape:
        raise ValueError(f"prediction and label must have the same shape, got {prediction.shape} and {label.shape}")
    if label.dtype == np.uint8 and prediction.dtype == np.uint8 and count < 256:
        # Pairs of bytes are counted as 16-bit numbers: several times as fast as picking the labelled pixels first.
        pairs = np.bincount((label.astype(np.uint16) << 8 | prediction).ravel(), minlength=65536).reshape(256, 256)
        unlabelled = pairs[ignored].copy() if 0 <= ignored < 256 else 0
        if pairs[count:].sum() != np.sum(unlabelled) or pairs[:count, count:].any():
            _refuse(prediction, label, class_set)
        return pairs[:count, :count].astype(np.int64)
    counted = label != ignored
    true, found = label[counted].astype(np.int64), prediction[counted].astype(np.int64)
    if true.size and (min(true.min(), found.min()) < 0 or max(true.max(), found.max()) >= count):
        _refuse(prediction, label, class_set)
    return np.bincount(true * count + found, minlength=count * count).reshape(count, count)


def scores_of_confusion(confusion: NDArray[np.integer], classes: Sequence[str], pictures: int = 0) -> SegmentationScores:
    """Numbers of a confusion matrix (C, C), rows by true class."""
    matrix = np.asarray(confusion, np.int64)
    hit, there, found = np.diag(matrix).astype(np.float64), matrix.sum(axis=1), matrix.sum(axis=0)
    iou = hit / np.maximum(1, there + found - hit)
    accuracy = hit / np.maximum(1, there)
    present = there > 0
    nothing = float("nan")
    return SegmentationScores(
        classes=tuple(classes),
        confusion=matrix.copy(),
        iou=iou,
        accuracy=accuracy,
        miou=float(iou.mean()),
        mean_accuracy=float(accuracy.mean()),
        miou_present=float(iou[present].mean()) if present.any() else nothing,
        mean_accuracy_present=float(accuracy[present].mean()) if present.any() else nothing,
        pixel_accuracy=float(hit.sum() / there.sum()) if present.any() else nothing,
        pictures=pictures,
    )


def _refuse(prediction: NDArray[np.integer], label: NDArray[np.integer], class_set: ClassSet) -> None:
    last, counted = class_set.num_classes - 1, label != class_set.ignore_label
    for what, values in (("label", label[counted]), ("prediction", prediction[counted])):
        odd = np.unique(values[(values < 0) | (values > last)])
        if odd.size:
            raise ValueError(
                f"{what} must hold the classes 0..{last} of {class_set.name!r} (and {class_set.ignore_label} where nothing "
                f"counts), got {odd[:6].tolist()}"
            )
