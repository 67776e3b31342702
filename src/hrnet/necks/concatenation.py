"""The neck of HRNetV2: every resolution at the finest one, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hrnet.nn.exchange import Upsampling

BILINEAR = Upsampling("bilinear")


def concatenate_branches(features: Sequence[Tensor], upsampling: Upsampling = BILINEAR) -> Tensor:
    """Bring coarser maps to the size of the finest and concatenate all, finest first.

    Source: Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", TPAMI 2020, section 3.3,
    HRNetV2.

    Args:
        features: (B, C_b, H_b, W_b), finest first, of any sizes; at least one.
        upsampling: how coarse maps are enlarged; bilinear with ``align_corners=False`` unless told otherwise.

    Returns:
        (B, C_0 + C_1 + ..., H_0, W_0).
    """
    finest = features[0]
    return torch.cat([finest, *(upsampling(coarse, finest) for coarse in features[1:])], dim=1)
