"""Weights and inputs that two implementations can make independently, without sharing a checkpoint.

A tensor depends on its state-dict key and its shape alone: the CRC-32 of the key seeds NumPy's legacy generator, whose
stream is frozen for all versions. The recorded outputs of `networks.json` belong to networks filled this way.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray


def filled_array(key: str, shape: Sequence[int]) -> NDArray:
    """The tensor of a key: float32, or int64 zeros for BatchNorm's counters.

    Running variances are uniform in 0.5..1.5 and one-dimensional weights (BatchNorm's scales) in 0.5..1; weights of
    convolutions are normal with variance 1 / fan-in; everything else, biases and running means, is normal with std 0.1.
    """
    shape = tuple(shape)
    kind = key.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    random = np.random.RandomState(zlib.crc32(key.encode()))
    if kind == "running_var":
        array = random.uniform(0.5, 1.5, shape)
    elif kind == "running_mean" or (len(shape) < 2 and kind != "weight"):
        array = random.standard_normal(shape) * 0.1
    elif len(shape) < 2:
        array = random.uniform(0.5, 1.0, shape)
    else:
        array = random.standard_normal(shape) / np.sqrt(math.prod(shape[1:]))
    return np.asarray(array, np.float32)


def filled_state(shapes: Mapping[str, Sequence[int]], prefix: str = "") -> dict[str, torch.Tensor]:
    """A state dict of filled tensors; ``prefix`` is what the recorded network puts before each key."""
    return {key: torch.from_numpy(filled_array(prefix + key, shape)) for key, shape in shapes.items()}


def filled_input(shape: Sequence[int], seed: int) -> torch.Tensor:
    """A standard normal float32 picture batch (N, C, H, W), fed without normalisation."""
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(tuple(shape)).astype(np.float32))
