"""mmdetection: our detectors have the names of 3.x; 1.x, and the authors' fork of it, have the background first."""

from __future__ import annotations

from hrnet.weights.layouts.changes import BackgroundFirst
from hrnet.weights.layouts.layout import Layout

_PREPROCESSOR = ("data_preprocessor.",)
_LEVELS = 5

MMDET_3 = Layout("mmdet", "mmdet 3.x", dropped=_PREPROCESSOR)
MMDET_1 = Layout(
    "mmdet-1",
    "mmdet 1.x or HRNet-Object-Detection",
    (
        ("backbone.", "backbone."),
        ("neck.reduction_conv.0.", "neck.reduction_conv.conv."),
        *((f"neck.fpn_conv.{level}.", f"neck.fpn_convs.{level}.conv.") for level in range(_LEVELS)),
        ("rpn_head.", "rpn_head."),
        ("bbox_head.", "roi_head.bbox_head."),
        ("mask_head.", "roi_head.mask_head."),
    ),
    changes=(BackgroundFirst(),),
)
