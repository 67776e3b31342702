"""Gradient checkpointing: trade a second forward pass for the memory of what the first one computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute(module: nn.Module, inputs: Any) -> Any:
    """Run ``module(inputs)`` so that its intermediate results are computed again when the backward pass needs them.

    The second pass leaves the running statistics of BatchNorm alone: the batch counts once, as without checkpointing.
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _kept_statistics(module)

    return checkpoint(module, inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _kept_statistics(module: nn.Module) -> Iterator[None]:
    norms = [child for child in module.modules() if isinstance(child, nn.BatchNorm2d) and child.training]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:  # updates of weight 0 that are not counted
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, counter) in zip(norms, kept, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, counter
