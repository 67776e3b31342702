"""What all detection networks on HRNetV2p share, and the one-stage network FCOS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.fcos import FCOSHead
from hrnet.necks.hrfpn import HRFPN
from hrnet.nn.initialization import initialize


class Detector(nn.Module, ABC):
    """HRNet with the feature pyramid HRFPN: the part before the heads. State-dict keys are mmdetection's.

    Attributes:
        num_classes: K, without the background.
        strides: of the pyramid's levels, in input pixels.
    """

    strides: tuple[int, ...] = (4, 8, 16, 32, 64)

    def __init__(self, spec: HRNetSpec, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = HRNet(replace(spec, outputs="all"))
        initialize(self.backbone, batch_norm_momentum=spec.batch_norm_momentum)
        self.neck = HRFPN(self.backbone.channels, num_levels=len(self.strides), stride=self.strides[0] // 4)

    def features(self, x: Tensor) -> list[Tensor]:
        """Maps of the four branches, finest first."""
        return self.backbone(x)

    def levels(self, features: list[Tensor]) -> list[Tensor]:
        """Levels of the pyramid from `features`, finest first: (B, 256, H / stride, W / stride) for each of `strides`."""
        return self.neck(features)

    @abstractmethod
    def predict(self, features: list[Tensor]) -> Any:
        """What the network makes of its `features`."""

    def forward(self, x: Tensor) -> Any:
        return self.predict(self.features(x))


class FCOSOutput(NamedTuple):
    """Raw output of `FCOS`, per level, finest first.

    Attributes:
        levels: (B, 256, h, w).
        logits: (B, K, h, w), classes before the sigmoid.
        distances: (B, 4, h, w), from the pixel to the left, top, right and bottom side of its box, in input pixels.
        centerness: (B, 1, h, w), before the sigmoid.
    """

    levels: list[Tensor]
    logits: list[Tensor]
    distances: list[Tensor]
    centerness: list[Tensor]


class FCOS(Detector):
    """FCOS on HRNetV2p (Tian et al., ICCV 2019), with GroupNorm in its head.

    Shape: (B, in_channels, H, W), normalised, to an `FCOSOutput`.
    """

    strides = (8, 16, 32, 64, 128)

    def __init__(self, spec: HRNetSpec, num_classes: int = 80) -> None:
        super().__init__(spec, num_classes)
        self.bbox_head = FCOSHead(num_classes, num_levels=len(self.strides))

    def predict(self, features: list[Tensor]) -> FCOSOutput:
        levels = self.levels(features)
        return FCOSOutput(levels, *self.bbox_head(levels))
