"""The table of named networks: each name stands for the few numbers in which the network differs."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import nn

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.backbones.resnet import RESNET_BLOCKS
from hrnet.errors import nearest_name
from hrnet.models.pose_hrnet import PoseHRNet
from hrnet.models.pose_resnet import PoseResNet
from hrnet.models.stacked_hourglass import StackedHourglass

PoseNetwork = PoseHRNet | PoseResNet | StackedHourglass

PUBLISHED_WIDTHS = (18, 30, 32, 40, 44, 48, 64)

HRNET_SPECS: dict[str, HRNetSpec] = {
    **{f"w{width}": HRNetSpec(width) for width in PUBLISHED_WIDTHS},
    # Called W18 by its authors, but 16 wide (HRNet-Image-Classification, table "small models").
    "w18_small_v1": HRNetSpec(16, stage1_blocks=1, stage1_planes=32, modules=(1, 1, 1), blocks=2),
    "w18_small_v2": HRNetSpec(18, stage1_blocks=2, modules=(1, 3, 2), blocks=2),
}

_BUILDERS: dict[str, Callable[[int], nn.Module]] = {
    **{f"pose_hrnet_{tag}": (lambda k, spec=spec: PoseHRNet(spec, k)) for tag, spec in HRNET_SPECS.items()},
    **{f"pose_resnet{depth}": (lambda k, depth=depth: PoseResNet(depth, k)) for depth in RESNET_BLOCKS},
    **{
        f"pose_resnet{depth}_caffe": (lambda k, depth=depth: PoseResNet(depth, k, stride_in_1x1=True))
        for depth in RESNET_BLOCKS
    },
    **{f"stacked_hourglass_{stacks}": (lambda k, stacks=stacks: StackedHourglass(stacks, k)) for stacks in (2, 8)},
}


def list_models() -> list[str]:
    """Names that `build_model` knows, besides free widths such as ``pose_hrnet_w16``."""
    return sorted(_BUILDERS)


def build_model(name: str, num_keypoints: int) -> PoseNetwork:
    """Build a network with fresh weights.

    Args:
        name: one of `list_models`, or ``pose_hrnet_wN`` for any width N.
        num_keypoints: K, the number of heatmaps.

    Raises:
        ValueError: the name is unknown (the message names the nearest), or K is not positive.
    """
    if num_keypoints < 1:
        raise ValueError(f"num_keypoints must be at least 1, got {num_keypoints}")
    free_width = re.fullmatch(r"pose_hrnet_w([1-9]\d{0,2})", name)
    if name in _BUILDERS:
        return _BUILDERS[name](num_keypoints)  # pyright: ignore[reportReturnType]
    if free_width:
        return PoseHRNet(HRNetSpec(int(free_width[1])), num_keypoints)
    raise ValueError(f"there is no network called {name!r}; {nearest_name(name, _BUILDERS)}")
