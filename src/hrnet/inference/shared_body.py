"""One body for several heads: an input that two of them look at goes through it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hrnet.backbones.hrnet import HRNet

_BUDGET = 2**30


@dataclass(frozen=True)
class _Kept:
    inputs: Tensor
    maps: list[Tensor]
    part: str

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.inputs, *self.maps))


class SharedBody:
    """The features of inputs that were seen are kept until `forget`, for other heads that look at the same.

    Whether inputs are the same is seen by comparing them, number by number: then nothing has to be known of how a task
    prepares its pictures. It costs about as much as copying the input.

    Args:
        body: prepared for its device.
        budget: bytes of features that are kept at most, the newest ones.

    Attributes:
        passes: how often the body ran, by the part that asked.
        reused: how often features were there already: (part that asked, part for which they were computed).
    """

    def __init__(self, body: HRNet, budget: int = _BUDGET) -> None:
        self.body = body
        self.budget = budget
        self.passes: Counter[str] = Counter()
        self.reused: Counter[tuple[str, str]] = Counter()
        self._parts: list[str] = []
        self._kept: list[_Kept] = []

    def features_for(self, part: str, branches: Sequence[int]) -> PartFeatures:
        """The features that the head of ``part`` takes, for `hrnet.models.part_network.head_on`."""
        self._parts.append(part)
        return PartFeatures(self, part, branches)

    def features(self, part: str, x: Tensor) -> list[Tensor]:
        """Feature maps of all branches of normalised pictures (B, 3, H, W)."""
        kept = next((one for one in self._kept if _same(one.inputs, x)), None)
        if kept is not None:
            if kept.part != part:
                self.reused[part, kept.part] += 1
            return kept.maps
        maps = self.body.features(x)
        self.passes[part] += 1
        self._kept.append(_Kept(x, maps, part))
        while len(self._kept) > 1 and sum(one.bytes for one in self._kept) > self.budget:
            del self._kept[0]
        return maps

    def forget(self) -> None:
        """Let go of what was kept."""
        self._kept = []

    def report(self) -> str:
        """One sentence on what was shared so far; empty where nothing was computed."""
        said, sources = [], {computed for _, computed in self.reused}
        seen = {*self.passes, *(asked for asked, _ in self.reused)}
        for part in [part for part in self._parts if part in seen]:
            taken = {computed: count for (asked, computed), count in self.reused.items() if asked == part}
            count, total = sum(taken.values()), sum(taken.values()) + self.passes[part]
            if taken:
                which = "every pass" if count == total else f"{count} of {total} passes"
                said.append(f"{part} takes {which} of the body from {' and '.join(taken)}")
            elif part not in sources:
                said.append(f"{part} looks at inputs of its own")
        return "; ".join(said)


class PartFeatures:
    """What the head of one part takes from a `SharedBody`: called like ``HRNet.features``."""

    def __init__(self, shared: SharedBody, part: str, branches: Sequence[int]) -> None:
        self.shared, self.part, self.branches = shared, part, tuple(branches)

    def __call__(self, x: Tensor) -> list[Tensor]:
        maps = dict(zip(self.shared.body.spec.branches, self.shared.features(self.part, x), strict=True))
        return [maps[branch] for branch in self.branches]

    def __deepcopy__(self, memo: Any) -> PartFeatures:
        # Preparing a network copies it; the body must remain the one that all heads share.
        return self


def _same(first: Tensor, second: Tensor) -> bool:
    if first is second:
        return True
    alike = (first.shape, first.dtype, first.device) == (second.shape, second.dtype, second.device)
    return alike and torch.equal(first, second)
