"""timm: the authors' names, but its ssld variants have no bias before a BatchNorm."""

from __future__ import annotations

from hrnet.weights.layouts.changes import NoBias
from hrnet.weights.layouts.layout import Layout

TIMM = Layout("timm", "timm")
TIMM_SSLD = Layout(
    "timm-ssld",
    "timm",
    changes=(
        *(NoBias(f"downsamp_modules.{step}.0", f"downsamp_modules.{step}.1") for step in range(3)),
        NoBias("final_layer.0", "final_layer.1"),
    ),
)
BARE_BACKBONE = Layout("backbone", "OpenMMLab", (("backbone.", ""),), ("data_preprocessor.",))
