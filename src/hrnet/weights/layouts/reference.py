"""The authors' repositories, whose names are ours."""

from __future__ import annotations

from hrnet.weights.layouts.changes import Constant
from hrnet.weights.layouts.layout import Layout

OURS = Layout("ours", "hrnet")
PLAIN = Layout("reference", "the authors' repository, or ours")

# Taps of a 3x3 convolution: y, x, 1 (Geng et al., CVPR 2021, section 3.2).
_GRID = ((-1.0,) * 3 + (0.0,) * 3 + (1.0,) * 3, (-1.0, 0.0, 1.0) * 3, (1.0,) * 9)

DEKR_GRIDS = tuple(
    Constant(f"{block}.regular_matrix", _GRID, beside=f"{block}.transform_matrix_conv.weight")
    for block in ("displacement_conv_layers.1", "displacement_conv_layers.2")
)
OURS_DEKR = Layout("ours", "hrnet", changes=DEKR_GRIDS)
