"""A head that takes its features from a body elsewhere, and bodies brought in line with each other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from torch import Tensor

from hrnet.backbones.hrnet import BODY_PARTS, HRNet, HRNetSpec
from hrnet.models.variants import family_of
from hrnet.nn.exchange import ExchangeModule, Upsampling

Network = TypeVar("Network", bound=HRNet)


class BodyFeatures:
    """The feature maps of ``body`` that a head takes: those of the numbered ``branches``.

    It is no module, so that a head that holds it does not count the body's layers as its own.
    """

    def __init__(self, body: HRNet, branches: Sequence[int]) -> None:
        self.body = body
        self.branches = tuple(branches)

    def __call__(self, x: Tensor) -> list[Tensor]:
        maps = dict(zip(self.body.spec.branches, self.body.features(x), strict=True))
        return [maps[branch] for branch in self.branches]


def head_on(network: Network, features: Callable[[Tensor], list[Tensor]]) -> Network:
    """``network`` without its body: a second object over the same head, whose features come from ``features``."""
    head = copy.copy(network)
    layers = {name: layer for name, layer in network._modules.items() if name not in BODY_PARTS}
    head.__dict__ = {**network.__dict__, "_modules": layers, "features": features}
    return head


def set_upsampling(network: HRNet, upsampling: Upsampling) -> None:
    """Let the body of ``network`` resize its branches in another way; what its head resizes stays as it is."""
    for module in network.modules():
        if isinstance(module, ExchangeModule):
            module.upsampling = upsampling


def body_upsampling(network: HRNet) -> Upsampling:
    """How the body of ``network`` resizes its branches."""
    return next(module.upsampling for module in network.modules() if isinstance(module, ExchangeModule))


def body_spec(architecture: str, branches: Sequence[int], upsampling: Upsampling) -> HRNetSpec:
    """Numbers of the body called ``hrnet_TAG`` that gives ``branches``. Raises ValueError for other names."""
    family = family_of(architecture)
    spec = family.variant(architecture)
    if family.build is not HRNet:
        raise ValueError(f"{architecture} is no bare body; such are hrnet_w18, hrnet_w32, hrnet_w18_small_v1 ...")
    return replace(spec, outputs=tuple(branches), upsampling=upsampling)


def same_body(first: HRNetSpec, second: HRNetSpec) -> bool:
    """Whether two bodies have the same layers, but for those that only feed branches one of them leaves out."""
    return _layers(first) == _layers(second)


def _layers(spec: HRNetSpec) -> HRNetSpec:
    return replace(spec, outputs="all", upsampling=Upsampling(), batch_norm_momentum=0.1)
