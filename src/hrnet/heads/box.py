"""The box head: class and refined box of a region."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.nn.initialization import initialize_normal


class BoxOutput(NamedTuple):
    """What the box head says of every region.

    Attributes:
        logits: (N, K + 1), classes before the softmax, the background last.
        deltas: (N, 4 K), or (N, 4) of a class-agnostic head: (dx, dy, dw, dh) of class k in columns 4k .. 4k + 3: shift of
            the centre in units of the region's size, and logarithm of the change of size.
    """

    logits: Tensor
    deltas: Tensor


class BoxHead(nn.Module):
    """Two fully connected layers, then one for the classes and one for the boxes.

    Source: Girshick, "Fast R-CNN", ICCV 2015, section 2, with the two layers of Lin et al., "Feature Pyramid Networks for
    Object Detection", CVPR 2017, section 4.2. Cascades refine one box for all classes: Cai and Vasconcelos, "Cascade
    R-CNN", CVPR 2018.

    Args:
        num_classes: K, without the background.
        class_agnostic: one box for all classes instead of one per class.
        channels, region_size: of the regions' features.

    Shape: regions (N, channels, region_size, region_size), N may be 0, to a `BoxOutput`.

    Raises:
        ValueError: the regions have another shape.
    """

    def __init__(
        self, num_classes: int, class_agnostic: bool = False, channels: int = 256, region_size: int = 7, hidden: int = 1024
    ) -> None:
        super().__init__()
        self.region_shape = (channels, region_size, region_size)
        self.fc_cls = nn.Linear(hidden, num_classes + 1)
        self.fc_reg = nn.Linear(hidden, 4 if class_agnostic else 4 * num_classes)
        self.shared_fcs = nn.ModuleList([nn.Linear(channels * region_size**2, hidden), nn.Linear(hidden, hidden)])
        self._initialize()

    def forward(self, regions: Tensor) -> BoxOutput:
        if regions.shape[1:] != self.region_shape:
            wanted = ", ".join(map(str, self.region_shape))
            raise ValueError(f"the box head expects regions (N, {wanted}), got {tuple(regions.shape)}")
        x = regions.flatten(1)
        for layer in self.shared_fcs:
            x = F.relu(layer(x), inplace=True)
        return BoxOutput(self.fc_cls(x), self.fc_reg(x))

    def _initialize(self) -> None:
        # Fast R-CNN, section 2.3; its hidden layers came from a pretrained network, these start from scratch.
        initialize_normal(self.fc_cls, std=0.01)
        initialize_normal(self.fc_reg, std=0.001)
        for layer in self.shared_fcs:
            nn.init.xavier_uniform_(layer.weight)  # pyright: ignore[reportArgumentType]
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
