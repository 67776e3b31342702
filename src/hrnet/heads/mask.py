"""Mask heads: the silhouette of the object in a region."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.nn.conv_unit import conv_unit
from hrnet.nn.initialization import initialize


class MaskHead(nn.Module):
    """Four 3x3 convolutions, an upsampling by 2 and a 1x1 convolution to one mask per class.

    Source: He et al., "Mask R-CNN", ICCV 2017, figure 4 right.

    Shape: regions (N, channels, h, w), 14 x 14 in the paper, N may be 0, to logits (N, num_classes, 2h, 2w), before the
    sigmoid. There is no mask of the background.
    """

    def __init__(self, num_classes: int, channels: int = 256) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(conv_unit(channels, channels) for _ in range(4)))
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.conv_logits = nn.Conv2d(channels, num_classes, 1)
        initialize(self, outputs=())

    def logits(self, feature: Tensor) -> Tensor:
        """Masks of what left the four convolutions: (N, channels, h, w) to (N, num_classes, 2h, 2w)."""
        return self.conv_logits(F.relu(self.upsample(feature), inplace=True))

    def forward(self, regions: Tensor) -> Tensor:
        return self.logits(self.convs(regions))


class MaskFlowOutput(NamedTuple):
    """What a mask head of a hybrid task cascade returns.

    Attributes:
        logits: (N, K, 2h, 2w), before the sigmoid.
        feature: (N, channels, h, w), for the mask head of the next stage.
    """

    logits: Tensor
    feature: Tensor


class MaskFlowHead(MaskHead):
    """A `MaskHead` that also sees the feature of the mask head before it.

    Source: Chen et al., "Hybrid Task Cascade for Instance Segmentation", CVPR 2019, section 3.1, "mask information flow".

    Args:
        first: the head of the first stage, which has none before it.

    Shape: regions and previous feature (N, channels, h, w) to a `MaskFlowOutput`.

    Raises:
        ValueError: the previous feature is missing, or was given to the first head.
    """

    def __init__(self, num_classes: int, first: bool = False, channels: int = 256) -> None:
        super().__init__(num_classes, channels)
        self.conv_res = None if first else conv_unit(channels, channels, 1)
        if self.conv_res is not None:
            initialize(self.conv_res, outputs=())

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, regions: Tensor, previous_feature: Tensor | None = None
    ) -> MaskFlowOutput:
        if self.conv_res is None:
            if previous_feature is not None:
                raise ValueError("the first mask head of the cascade takes no feature of a previous one")
        elif previous_feature is None:
            raise ValueError("this mask head needs the feature that the mask head of the previous stage returned")
        else:
            regions = regions + self.conv_res(previous_feature)
        feature = self.convs(regions)
        return MaskFlowOutput(self.logits(feature), feature)
