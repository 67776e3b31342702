"""Networks of every family that are small enough to train in a test: ``pose_hrnet_tiny``, ``cls_hrnet_tiny`` and so on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.models import cls_hrnet
from hrnet.models.variants import HRNET_SPECS
from hrnet.nn.blocks import Bottleneck

TINY = HRNetSpec(4, stage1_blocks=1, stage1_planes=8, modules=(1, 1, 1), blocks=1)
PLANES = (2, 4, 4, 4)  # of what a classifier widens its branches to; its own heads have nine million numbers

POOLED = 2 * Bottleneck.expansion * PLANES[-1]


@contextmanager
def tiny_networks() -> Iterator[None]:
    """Within the block, ``tiny`` is a size like ``w18``, and classifiers have small heads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HRNET_SPECS, "tiny", TINY)
        patch.setattr(cls_hrnet.ClsHRNet.__init__, "__defaults__", (1000, PLANES))
        yield
