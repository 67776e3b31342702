"""Where and in which precision a network runs, and the network rewritten so that it runs fast there."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn ``"auto"`` into the fastest device there is: CUDA, MPS, else the CPU.

    Raises:
        ValueError: a device that this machine or this build of torch does not have.
    """
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device must be auto, cpu, cuda, cuda:N or mps on a machine that has it; got {device!r}: {reason}"
        ) from error
    return found


def batch_size_for(device: torch.device, asked: int | None, on_cpu: int, elsewhere: int) -> int:
    """The batch size that was asked for, else the usual one of the device."""
    if asked is not None:
        return asked
    return on_cpu if device.type == "cpu" else elsewhere


def reduced_precision(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the device computes with it natively, None where it would be slower than float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else None
    if device.type == "cpu":
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not in every version of torch
        return torch.bfloat16 if supported is not None and supported() else None
    return None


def prepare_network(
    network: nn.Module,
    device: torch.device,
    reduce_precision: bool,
    announce: Callable[[str], None] | None = None,
) -> nn.Module:
    """A copy of ``network`` for inference: BatchNorm folded into the convolutions, channels last, on ``device``.

    Args:
        reduce_precision: convert to bfloat16 where that is faster; a device without it is announced.
    """
    fast = fold_batch_norms(copy.deepcopy(network).eval().float())
    dtype = reduced_precision(device) if reduce_precision else None
    if reduce_precision and dtype is None and announce is not None:
        announce(f"{device.type} has no fast bfloat16 here: predicting in float32")
    fast = fast.to(device, dtype or torch.float32).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return fast.requires_grad_(False)


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Fold, in place, each BatchNorm into the convolution right before it. The outputs stay the same up to rounding.

    Pairs are found where the family has them: neighbours in a Sequential, and ``convN`` with ``bnN`` or ``conv`` with ``bn``
    as children of one module that applies them one after the other.
    """
    for module in network.modules():
        for conv_name, norm_name in _pairs(module):
            conv, norm = getattr(module, conv_name), getattr(module, norm_name)
            setattr(module, conv_name, fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d)))
            setattr(module, norm_name, nn.Identity())
    return network


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    children = dict(module.named_children())
    names = list(children)
    if isinstance(module, nn.Sequential):
        candidates = list(pairwise(names))
    elif getattr(module, "norm_before_conv", False):
        candidates = []
    else:
        candidates = [(name, name.replace("conv", "bn")) for name in names if name.startswith("conv")]
    return [
        (conv, norm)
        for conv, norm in candidates
        if isinstance(children.get(conv), (nn.Conv2d, nn.ConvTranspose2d)) and isinstance(children.get(norm), nn.BatchNorm2d)
    ]
