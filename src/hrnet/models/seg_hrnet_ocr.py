"""Semantic segmentation on HRNetV2 with object-contextual representations."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.object_context import CHANNELS, ObjectContextHead, gather_objects
from hrnet.heads.per_pixel import per_pixel_layers
from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize


class OCRLogits(NamedTuple):
    """Two segmentations, each (B, num_classes, H / 4, W / 4).

    Attributes:
        aux: the rough one, from which the objects are gathered; trained with weight 0.4.
        out: the one to use.
    """

    aux: Tensor
    out: Tensor


class SegHRNetOCR(HRNet):
    """HRNetV2 with the OCR head (Yuan et al., ECCV 2020, section 3).

    Args:
        spec: the body; branches are always resized bilinearly, whatever its ``upsampling`` says.
        num_classes: channels of both outputs.
        align_corners: how branches are resized, in the body and before the head alike; True for the official checkpoints,
            False for those of mmseg.

    Shape: (B, in_channels, H, W), normalised, any size, to `OCRLogits` at stride 4, sizes rounded up.
    """

    def __init__(self, spec: HRNetSpec, num_classes: int, align_corners: bool = True) -> None:
        super().__init__(replace(spec, outputs="all", upsampling=Upsampling("bilinear", align_corners)))
        self.num_classes = num_classes
        width = sum(self.channels)
        self.conv3x3_ocr = nn.Sequential(nn.Conv2d(width, CHANNELS, 3, 1, 1), nn.BatchNorm2d(CHANNELS), nn.ReLU(inplace=True))
        self.ocr_distri_head = ObjectContextHead()
        self.cls_head = nn.Conv2d(CHANNELS, num_classes, 1)
        self.aux_head = per_pixel_layers(width, num_classes)
        initialize(self, outputs=("cls_head", "aux_head.3"), batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> OCRLogits:
        whole = concatenate_branches(features, self.spec.upsampling)
        aux = self.aux_head(whole)
        pixels = self.conv3x3_ocr(whole)
        out = self.cls_head(self.ocr_distri_head(pixels, gather_objects(pixels, aux)))
        return OCRLogits(aux, out)
