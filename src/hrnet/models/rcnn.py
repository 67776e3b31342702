"""Two-stage detection networks on HRNetV2p: a region proposal head, then heads on the regions.

Proposing regions and cutting their features from the levels is no part of the networks: the heads in ``roi_head`` are
called with the features of the regions, (N, 256, 7, 7) for boxes and (N, 256, 14, 14) for masks.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.heads.box import BoxHead
from hrnet.heads.mask import MaskFlowHead, MaskHead
from hrnet.heads.region_proposal import RegionProposalHead
from hrnet.heads.semantic_fusion import SemanticFusionHead
from hrnet.models.detectors import Detector

NUM_STAGES = 3


class RCNNOutput(NamedTuple):
    """Raw output of a two-stage network before its regions are known, per level, finest first.

    Attributes:
        levels: (B, 256, h, w), from which the features of regions are cut.
        rpn_logits: (B, A, h, w), objectness of the anchors before the sigmoid.
        rpn_deltas: (B, 4 A, h, w), the anchors' refinement, see `hrnet.heads.region_proposal.ProposalOutput`.
    """

    levels: list[Tensor]
    rpn_logits: list[Tensor]
    rpn_deltas: list[Tensor]


class RegionHeads(nn.Module):
    """The heads that see regions: one box head, or one per stage in a ModuleList; likewise the mask heads.

    ``mask_head`` and ``semantic_head`` are None in networks that have none.
    """

    def __init__(
        self,
        bbox_head: BoxHead | nn.ModuleList,
        mask_head: MaskHead | nn.ModuleList | None = None,
        semantic_head: SemanticFusionHead | None = None,
    ) -> None:
        super().__init__()
        self.bbox_head = bbox_head
        self.mask_head = mask_head
        self.semantic_head = semantic_head


class RCNN(Detector):
    """The two-stage network with the given ``roi_head``; its subclasses are the published ones.

    Shape: (B, in_channels, H, W), normalised, to an `RCNNOutput`.
    """

    def __init__(self, spec: HRNetSpec, num_classes: int, roi_head: RegionHeads) -> None:
        super().__init__(spec, num_classes)
        self.rpn_head = RegionProposalHead()
        self.roi_head = roi_head

    def predict(self, features: list[Tensor]) -> RCNNOutput:
        levels = self.levels(features)
        return RCNNOutput(levels, *self.rpn_head(levels))


class FasterRCNN(RCNN):
    """Faster R-CNN (Ren et al., NIPS 2015): ``roi_head.bbox_head(regions)``."""

    def __init__(self, spec: HRNetSpec, num_classes: int = 80) -> None:
        super().__init__(spec, num_classes, RegionHeads(BoxHead(num_classes)))


class MaskRCNN(RCNN):
    """Mask R-CNN (He et al., ICCV 2017): Faster R-CNN and ``roi_head.mask_head(regions)``."""

    def __init__(self, spec: HRNetSpec, num_classes: int = 80) -> None:
        super().__init__(spec, num_classes, RegionHeads(BoxHead(num_classes), MaskHead(num_classes)))


class CascadeRCNN(RCNN):
    """Cascade R-CNN (Cai and Vasconcelos, CVPR 2018): three box heads ``roi_head.bbox_head[stage](regions)``."""

    def __init__(self, spec: HRNetSpec, num_classes: int = 80) -> None:
        super().__init__(spec, num_classes, RegionHeads(_box_cascade(num_classes)))


class CascadeMaskRCNN(RCNN):
    """Cascade R-CNN with a mask head ``roi_head.mask_head[stage](regions)`` at every stage."""

    def __init__(self, spec: HRNetSpec, num_classes: int = 80) -> None:
        mask_heads = nn.ModuleList(MaskHead(num_classes) for _ in range(NUM_STAGES))
        super().__init__(spec, num_classes, RegionHeads(_box_cascade(num_classes), mask_heads))


class HybridTaskCascade(RCNN):
    """HTC (Chen et al., CVPR 2019): mask heads that hand on their feature, and a semantic head on the levels.

    ``roi_head.mask_head[stage](regions, previous_feature) -> (logits, feature)``, without ``previous_feature`` at stage 0;
    ``roi_head.semantic_head(levels) -> (logits, feature)``.
    """

    def __init__(self, spec: HRNetSpec, num_classes: int = 80, semantic_classes: int = 183) -> None:
        mask_heads = nn.ModuleList(MaskFlowHead(num_classes, first=stage == 0) for stage in range(NUM_STAGES))
        heads = RegionHeads(_box_cascade(num_classes), mask_heads, SemanticFusionHead(semantic_classes))
        super().__init__(spec, num_classes, heads)


def _box_cascade(num_classes: int) -> nn.ModuleList:
    return nn.ModuleList(BoxHead(num_classes, class_agnostic=True) for _ in range(NUM_STAGES))
