"""From the logits of windows at several scales to the classes of a picture, a few rows at a time.

Sizes are (height, width). The network's outputs stay at a quarter of the resolution; no map of all classes ever exists at the
picture's own, unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hrnet.inference.resized_rows import resize_rows, rows_needed, strips
from hrnet.inference.windows import View, Window

Combination = Literal["exp", "softmax", "logits"]
"""What is averaged over windows and added over scales: ``exp`` of the logits without normalisation, as the published tests of
HRNetV2 do; probabilities; or the logits."""

_STRIP = 2**21
"""Numbers in the maps of a strip."""
_LARGEST_LOGIT = 80.0  # its exponential is finite in float32, and so is the sum over any number of scales


@dataclass(frozen=True)
class ScoredView:
    """What the network said about a picture at one scale.

    Attributes:
        view: where it looked.
        logits: of each window (C, h, w), at the resolution of the network's output.
    """

    view: View
    logits: Sequence[Tensor]


@dataclass(frozen=True)
class ClassScores:
    """The scores of a picture's C classes, by rows.

    Attributes:
        size: of the picture.
        views: of it, whose scores are added.
        combination: what scores are.
        align_corners: how maps are resized.
    """

    size: tuple[int, int]
    views: Sequence[ScoredView]
    combination: Combination
    align_corners: bool

    def classes(self) -> Tensor:
        """(H, W) int64: the class of the largest score at each pixel, the first of several."""
        # argmax over the first axis takes three times as long as max, which gives the same.
        return torch.cat([self.rows(start, stop, ordered_only=True).max(dim=0).indices for start, stop in self._strips()])

    def classes_with_shares(self) -> tuple[Tensor, Tensor]:
        """`classes`, and (H, W) float32 in 0..1: what share the largest score has in the sum of all."""
        classes, shares = [], []
        for start, stop in self._strips():
            largest, index = self._as_shares(self.rows(start, stop)).max(dim=0)
            classes.append(index)
            shares.append(largest)
        return torch.cat(classes), torch.cat(shares)

    def shares(self) -> Tensor:
        """(C, H, W) float32: the share of every class in the sum of the scores at each pixel; as large as it sounds."""
        whole: Tensor | None = None
        for start, stop in self._strips():
            rows = self._as_shares(self.rows(start, stop))
            if whole is None:
                whole = rows.new_empty(len(rows), *self.size)
            whole[:, start:stop] = rows
        assert whole is not None
        return whole

    def rows(self, start: int, stop: int, ordered_only: bool = False) -> Tensor:
        """(C, stop - start, W) float32: the scores of some rows of the picture, added over the scales.

        Args:
            ordered_only: it is enough that they are ordered as the scores are.
        """
        alone = len(self.views) == 1
        parts = [self._rows_of(seen, start, stop, ordered_only and alone) for seen in self.views]
        return sum(parts[1:], start=parts[0])

    def _rows_of(self, seen: ScoredView, start: int, stop: int, ordered_only: bool) -> Tensor:
        view = seen.view
        if view.is_whole and self.combination == "softmax":
            rows = resize_rows(seen.logits[0][None].float(), self.size, start, stop, self.align_corners)[0]
            return rows if ordered_only else rows.softmax(dim=0)
        # Scores are resized from the view to the picture, as published; where they are of equal size it is as if they were not.
        first, last = rows_needed(view.size[0], self.size[0], start, stop, self.align_corners)
        if view.size == self.size:
            return self._view_rows(seen, first, last, ordered_only and len(seen.logits) == 1)
        scores = self._view_rows(seen, first, last, ordered_only=False)
        return resize_rows(scores[None], self.size, start, stop, self.align_corners, (first, view.size[0]))[0]

    def _view_rows(self, seen: ScoredView, start: int, stop: int, ordered_only: bool) -> Tensor:
        """(C, stop - start, width of the view): scores averaged over the windows that lie there."""
        pairs = list(zip(seen.view.windows, seen.logits, strict=True))
        if len(pairs) == 1:
            return self._window_rows(*pairs[0], start, stop, ordered_only)
        total = seen.logits[0].new_zeros((len(seen.logits[0]), stop - start, seen.view.size[1]), dtype=torch.float32)
        count = total.new_zeros(stop - start, seen.view.size[1])
        for window, logits in pairs:
            first, last = max(start, window.top), min(stop, window.top + window.height)
            if first < last:
                place = (slice(first - start, last - start), slice(window.left, window.left + window.width))
                total[(slice(None), *place)] += self._window_rows(window, logits, first - window.top, last - window.top, False)
                count[place] += 1
        return total.div_(count)

    def _window_rows(self, window: Window, logits: Tensor, start: int, stop: int, ordered_only: bool) -> Tensor:
        rows = resize_rows(logits[None].float(), window.padded, start, stop, self.align_corners)[0]
        rows = rows[:, :, : window.width]
        if ordered_only or self.combination == "logits":
            return rows
        return rows.clamp(max=_LARGEST_LOGIT).exp_() if self.combination == "exp" else rows.softmax(dim=0)

    def _as_shares(self, scores: Tensor) -> Tensor:
        return scores.softmax(dim=0) if self.combination == "logits" else scores / scores.sum(dim=0)

    def _strips(self) -> list[tuple[int, int]]:
        channels = len(self.views[0].logits[0])
        width = max([self.size[1], *(seen.view.size[1] for seen in self.views)])
        # Where a picture is shrunk, many rows of the view go into one.
        enlarged = max([1.0, *(seen.view.size[0] / self.size[0] for seen in self.views)])
        return list(strips(self.size[0], int(_STRIP / (channels * width * enlarged))))
