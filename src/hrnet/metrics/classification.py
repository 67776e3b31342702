"""Accuracy of classifiers: top-1, top-5, the confusion matrix, and precision and recall of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrnet.metrics.tables import json_number, plural, text_table

_TABLE_LIMIT = 40
_CONFUSIONS = 10


@dataclass(frozen=True)
class ClassificationMetricResult:
    """Numbers over N pictures of C classes; shares in 0..1, NaN where nothing was counted.

    Attributes:
        classes: the C names.
        top1, top5: share of pictures whose class is the best, or among the best five.
        cross_entropy: mean of -log(score of the true class), in nats.
        confusion: (C, C) int64 pictures by true class (rows) and predicted class (columns).
    """

    classes: tuple[str, ...]
    top1: float
    top5: float
    cross_entropy: float
    confusion: np.ndarray

    @property
    def pictures(self) -> int:
        return int(self.confusion.sum())

    @property
    def counts(self) -> np.ndarray:
        """(C,) pictures of each class."""
        return self.confusion.sum(axis=1)

    @property
    def recall(self) -> np.ndarray:
        """(C,) share of the pictures of a class that were taken for it."""
        return _shares(np.diag(self.confusion), self.counts)

    @property
    def precision(self) -> np.ndarray:
        """(C,) share of the pictures taken for a class that are of it."""
        return _shares(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def f1(self) -> np.ndarray:
        """(C,) harmonic mean of precision and recall; 0 where a class that occurs is never found."""
        return _shares(2 * np.diag(self.confusion), self.counts + self.confusion.sum(axis=0))

    @property
    def mean_recall(self) -> float:
        """Mean recall of the classes that occur, so that rare ones weigh as much as common ones (balanced accuracy)."""
        occurring = self.counts > 0
        return float(self.recall[occurring].mean()) if occurring.any() else float("nan")

    def confusions(self, count: int = _CONFUSIONS) -> list[tuple[str, str, int]]:
        """The commonest mistakes: (true class, predicted class, pictures), the commonest first."""
        mistakes = self.confusion.copy()
        np.fill_diagonal(mistakes, 0)
        order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
        pairs = (divmod(int(place), len(self.classes)) for place in order)
        return [
            (self.classes[true], self.classes[predicted], int(mistakes[true, predicted]))
            for true, predicted in pairs
            if mistakes[true, predicted]
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; of the confusion matrix the commonest mistakes (``confusion`` itself is an array)."""
        per_class = {
            name: {
                "pictures": int(self.counts[number]),
                "precision": json_number(self.precision[number]),
                "recall": json_number(self.recall[number]),
                "f1": json_number(self.f1[number]),
            }
            for number, name in enumerate(_told_apart(self.classes))
        }
        return {
            "metric": "classification",
            "pictures": self.pictures,
            "top1": json_number(self.top1),
            "top5": json_number(self.top5),
            "mean_recall": json_number(self.mean_recall),
            "cross_entropy": json_number(self.cross_entropy),
            "per_class": per_class,
            "confusions": [{"true": true, "predicted": found, "pictures": n} for true, found, n in self.confusions(50)],
        }

    def summary(self) -> str:
        """Accuracy, a table of the classes (of many the worst), and the commonest mistakes."""
        recall, precision, f1, counts = self.recall, self.precision, self.f1, self.counts
        shown = np.flatnonzero((counts > 0) | (self.confusion.sum(axis=0) > 0))
        left_out = ""
        if len(shown) > _TABLE_LIMIT:
            worst = np.argsort(np.where(np.isnan(f1), np.inf, f1), kind="stable")[:_TABLE_LIMIT]
            left_out = f"\nthe {_TABLE_LIMIT} classes of the lowest F1, of {len(shown)}"
            shown = worst
        rows = [[self.classes[k], int(counts[k]), 100 * precision[k], 100 * recall[k], 100 * f1[k]] for k in shown]
        table = text_table(["class (%)", "pictures", "precision", "recall", "F1"], rows)
        five = f", top-5 {100 * self.top5:.2f} %" if len(self.classes) > 5 else ""
        head = (
            f"top-1 {100 * self.top1:.2f} %{five}, mean recall {100 * self.mean_recall:.2f} %, "
            f"cross entropy {self.cross_entropy:.4f}; {plural(self.pictures, 'picture', 'pictures')}"
        )
        mistakes = [f"  {true} taken for {found}: {count}" for true, found, count in self.confusions()]
        return "\n".join([head, "", table + left_out, *(["", "commonest mistakes:", *mistakes] if mistakes else [])])


class ClassificationMetric:
    """Collects logits and labels, then computes. Call ``update`` as often as needed, with any number of pictures.

    Args:
        classes: the C names.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        count = len(self.classes)
        if not count:
            raise ValueError("a metric of classes needs at least one class")
        self._confusion = np.zeros((count, count), np.int64)
        self._hits = np.zeros(2, np.int64)  # of the best class, and of the best five
        self._entropy = 0.0

    def update(self, logits: ArrayLike, labels: ArrayLike) -> None:
        """Add N pictures: logits (N, C) and the numbers (N,) of their true classes.

        Raises:
            ValueError: shapes that do not fit, labels outside 0..C-1, or logits that are not numbers.
        """
        given, true = np.asarray(logits, np.float64), np.asarray(labels)
        count = len(self.classes)
        if given.ndim != 2 or given.shape[1] != count or true.shape != given.shape[:1]:
            raise ValueError(f"expected logits (N, {count}) and labels (N,), got {given.shape} and {true.shape}")
        if true.size == 0:
            return
        if true.dtype.kind not in "iu" or true.min() < 0 or true.max() >= count:
            raise ValueError(
                f"labels must be whole numbers in 0..{count - 1}, got {true.dtype} from {true.min()} to {true.max()}"
            )
        if np.isnan(given).any():
            rows = np.flatnonzero(np.isnan(given).any(axis=1))[:5].tolist()
            raise ValueError(f"logits must be numbers; NaN for pictures {rows}")
        ranks = ranks_of(given, true)
        np.add.at(self._confusion, (true, given.argmax(axis=1)), 1)
        self._hits += [(ranks < 1).sum(), (ranks < 5).sum()]
        peak = given.max(axis=1)
        log_sum = peak + np.log(np.exp(given - peak[:, None]).sum(axis=1))
        self._entropy += float((log_sum - np.take_along_axis(given, true[:, None], 1)[:, 0]).sum())

    def compute(self) -> ClassificationMetricResult:
        """Return the numbers over everything added so far."""
        pictures = int(self._confusion.sum())
        top1, top5, entropy = (value / pictures if pictures else float("nan") for value in (*self._hits, self._entropy))
        return ClassificationMetricResult(self.classes, float(top1), float(top5), float(entropy), self._confusion.copy())


def ranks_of(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) number of classes that (N, C) logits put before the true one; of equal ones the first comes first."""
    true = np.take_along_axis(logits, labels[:, None], 1)
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    return ((logits > true) | ((logits == true) & earlier)).sum(axis=1)


def _shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """``parts`` / ``wholes``, NaN where there is nothing."""
    return np.where(wholes > 0, parts / np.maximum(wholes, 1), np.nan)


def _told_apart(classes: tuple[str, ...]) -> list[str]:
    """Names that differ, for keys: with the number behind those that several classes have."""
    return [name if classes.count(name) == 1 else f"{name} [{number}]" for number, name in enumerate(classes)]
