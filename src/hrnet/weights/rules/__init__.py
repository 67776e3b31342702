"""One rule per family: names and shapes to a `Recognition`, or None.

The first rule that fits wins, so heads that are more particular come first. A new family is one function, entered here.
"""

from __future__ import annotations

from hrnet.weights.rules import bottom_up, dense, detection, topdown
from hrnet.weights.rules.recognized import Recognition, Rule

__all__ = ["RULES", "Recognition"]

RULES: tuple[Rule, ...] = (
    bottom_up.dekr_hrnet,
    bottom_up.higher_hrnet,
    topdown.face_hrnetv2,
    dense.seg_hrnet_ocr,
    dense.seg_hrnet,
    topdown.mmpose_hourglass,
    bottom_up.pose_ae,
    topdown.stacked_hourglass,
    dense.cls_hrnet,
    topdown.pose_hrnet,
    topdown.pose_resnet,
    detection.detector,
    dense.hrnet_backbone,
    dense.unknown_head,
    dense.resnet,
)
