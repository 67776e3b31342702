"""mmpose: ``backbone.`` and ``head.``, before 1.0 ``keypoint_head.``."""

from __future__ import annotations

from hrnet.weights.layouts.layout import Layout
from hrnet.weights.layouts.reference import DEKR_GRIDS

_BODY = ("backbone.", "")
_PREPROCESSOR = ("data_preprocessor.",)

# Pose networks on HRNet and ResNet, associative embedding on HRNet.
MMPOSE_1 = Layout(
    "mmpose",
    "mmpose 1.x",
    (_BODY, ("head.deconv_layers.", "deconv_layers."), ("head.final_layer.", "final_layer.")),
    _PREPROCESSOR,
)
# HigherHRNet as well, which exists in 0.x only.
MMPOSE_0 = Layout(
    "mmpose-0",
    "mmpose 0.x",
    (
        _BODY,
        ("keypoint_head.final_layers.", "final_layers."),
        ("keypoint_head.deconv_layers.", "deconv_layers."),
        ("keypoint_head.final_layer.", "final_layer."),
    ),
    _PREPROCESSOR,
)

# Faces and hands on HRNetV2: a convolution before the last.
MMPOSE_1_V2 = Layout(
    "mmpose", "mmpose 1.x", (_BODY, ("head.conv_layers.", "head."), ("head.final_layer.", "head.3.")), _PREPROCESSOR
)
MMPOSE_0_V2 = Layout("mmpose-0", "mmpose 0.x", (_BODY, ("keypoint_head.final_layer.", "head.")), _PREPROCESSOR)

_DEKR_HEAD = ("heatmap_conv_layers.", "displacement_conv_layers.", "rescore_net.")
MMPOSE_1_DEKR = Layout(
    "mmpose", "mmpose 1.x", (_BODY, *((f"head.{part}", part) for part in _DEKR_HEAD)), _PREPROCESSOR, DEKR_GRIDS
)
