"""What toolkits store differently, beside names. All work on state dicts under our names, in place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

State = dict[str, Tensor]

INPLACE_BATCH_NORM_EPS = 1e-5


class Change:
    """A difference between two layouts of one network. Entries that are not there are passed over."""

    def to_ours(self, state: State) -> None:
        """Change ``state`` to our layout."""

    def from_ours(self, state: State, left_over: Mapping[str, Tensor]) -> None:
        """Change ``state`` from our layout."""

    def left_over(self, state: State) -> State:
        """What `to_ours` would leave out of ``state``."""
        return {}


@dataclass(frozen=True)
class NoBias(Change):
    """Their convolution has no bias before its BatchNorm, ours has one.

    In: a bias of zeros. Out: BatchNorm subtracts its running mean, so ``running_mean - bias`` and no bias compute the same;
    equal to the last bit when the bias is zero, to rounding otherwise.
    """

    convolution: str
    batch_norm: str

    def to_ours(self, state: State) -> None:
        weight = state.get(f"{self.convolution}.weight")
        if weight is not None and f"{self.convolution}.bias" not in state:
            state[f"{self.convolution}.bias"] = weight.new_zeros(weight.shape[0])

    def from_ours(self, state: State, left_over: Mapping[str, Tensor]) -> None:
        bias, mean = state.pop(f"{self.convolution}.bias", None), f"{self.batch_norm}.running_mean"
        if bias is not None and mean in state:
            state[mean] = state[mean] - bias


@dataclass(frozen=True)
class Constant(Change):
    """A buffer that never changes and that some files lack.

    Attributes:
        name: of the buffer.
        value: its rows.
        beside: an entry of the module that the buffer belongs to.
    """

    name: str
    value: tuple[tuple[float, ...], ...]
    beside: str

    def to_ours(self, state: State) -> None:
        if self.name not in state and self.beside in state:
            state[self.name] = torch.tensor(self.value, dtype=torch.float32)


_CLASSES = re.compile(r"roi_head\.bbox_head\.(\d+\.)?fc_cls\.(weight|bias)")
_BOXES = re.compile(r"roi_head\.bbox_head\.fc_reg\.(weight|bias)")  # the boxes of a cascade are the same for all classes
_MASKS = re.compile(r"roi_head\.mask_head\.(\d+\.)?conv_logits\.(weight|bias)")


class BackgroundFirst(Change):
    """Their class 0 is the background; ours is the last class, and has neither box nor mask.

    Nothing reads the background's box and mask, so out of our layout they are zeros unless they were kept.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BackgroundFirst)

    def __hash__(self) -> int:
        return hash(BackgroundFirst)

    def to_ours(self, state: State) -> None:
        for name, tensor in state.items():
            if _CLASSES.fullmatch(name):
                state[name] = torch.cat((tensor[1:], tensor[:1]))
            elif dead := _dead_rows(name):
                state[name] = tensor[dead:].clone()

    def left_over(self, state: State) -> State:
        return {name: tensor[:dead].clone() for name, tensor in state.items() if (dead := _dead_rows(name))}

    def from_ours(self, state: State, left_over: Mapping[str, Tensor]) -> None:
        for name, tensor in state.items():
            if _CLASSES.fullmatch(name):
                state[name] = torch.cat((tensor[-1:], tensor[:-1]))
            elif dead := _dead_rows(name):
                zeros = tensor.new_zeros((dead, *tensor.shape[1:]))
                state[name] = torch.cat((left_over.get(name, zeros), tensor))


def _dead_rows(name: str) -> int:
    return 4 if _BOXES.fullmatch(name) else 1 if _MASKS.fullmatch(name) else 0


def plain_batch_norm(state: Mapping[str, Tensor]) -> State:
    """Undo the in-place BatchNorm of HRNet-Semantic-Segmentation's master branch: weight <- |weight| + 1e-5.

    Its scale is |weight| + eps; a plain BatchNorm computes the same with the changed weight. There is no way back, since the
    sign is lost. Nothing in a file tells that it needs this.
    """
    return {
        name: tensor.abs() + INPLACE_BATCH_NORM_EPS
        if name.endswith(".weight") and f"{name.removesuffix('weight')}running_var" in state
        else tensor
        for name, tensor in state.items()
    }
