"""Ordered keys and shapes of the recorded state dicts, by ``family/model``. `extract_networks.py` made the file."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path

Manifest = dict[str, tuple[int, ...]]


@cache
def _all() -> dict[str, dict[str, list[int]]]:
    return json.loads(lzma.decompress((Path(__file__).parent / "manifests.json.xz").read_bytes()))


MANIFESTS: tuple[str, ...] = tuple(_all())


def manifest(name: str) -> Manifest:
    """The state dict called ``name``, such as ``"seg_hrnet/seg_hrnet_w48_lip20"``."""
    return {key: tuple(shape) for key, shape in _all()[name].items()}
