"""Semantic segmentation on HRNetV2."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.per_pixel import per_pixel_layers
from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize


class SegHRNet(HRNet):
    """HRNetV2 with a class for every pixel (Wang et al., TPAMI 2020, section 5).

    Args:
        spec: the body; branches are always resized bilinearly, whatever its ``upsampling`` says.
        num_classes: channels of the output.
        align_corners: how branches are resized, in the body and before the head alike. Checkpoints need the value they
            were trained with: False for those of Cityscapes, LIP and PASCAL-Context, True for ADE20K and COCO-Stuff.

    Shape: (B, in_channels, H, W), normalised, any size, to logits (B, num_classes, H / 4, W / 4), rounded up; scaling them
    to the picture is left to the caller.
    """

    def __init__(self, spec: HRNetSpec, num_classes: int, align_corners: bool = False) -> None:
        super().__init__(replace(spec, outputs="all", upsampling=Upsampling("bilinear", align_corners)))
        self.num_classes = num_classes
        self.last_layer = per_pixel_layers(sum(self.channels), num_classes)
        initialize(self, outputs=("last_layer.3",), batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> Tensor:
        return self.last_layer(concatenate_branches(features, self.spec.upsampling))
