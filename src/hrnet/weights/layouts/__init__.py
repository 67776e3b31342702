"""How toolkits store the networks: which layouts a family has, both ways."""

from __future__ import annotations

from hrnet.errors import CheckpointError, nearest_name
from hrnet.weights.layouts.changes import plain_batch_norm
from hrnet.weights.layouts.layout import Layout, Shapes
from hrnet.weights.layouts.mmdet import MMDET_1, MMDET_3
from hrnet.weights.layouts.mmpose import MMPOSE_0, MMPOSE_0_V2, MMPOSE_1, MMPOSE_1_DEKR, MMPOSE_1_V2
from hrnet.weights.layouts.mmseg import MMSEG, MMSEG_OCR
from hrnet.weights.layouts.reference import OURS, OURS_DEKR, PLAIN
from hrnet.weights.layouts.timm import BARE_BACKBONE, TIMM, TIMM_SSLD

__all__ = [
    "BARE_BACKBONE",
    "LAYOUTS",
    "MMDET_1",
    "MMDET_3",
    "MMPOSE_0",
    "MMPOSE_0_V2",
    "MMPOSE_1",
    "MMPOSE_1_DEKR",
    "MMPOSE_1_V2",
    "MMSEG",
    "MMSEG_OCR",
    "OURS",
    "OURS_DEKR",
    "PLAIN",
    "TIMM",
    "TIMM_SSLD",
    "Layout",
    "Shapes",
    "layout_called",
    "plain_batch_norm",
    "require_layout",
]

_ONE_STAGE = (OURS, MMDET_3)
_TWO_STAGE = (OURS, MMDET_3, MMDET_1)

LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "pose_hrnet": (OURS, PLAIN, MMPOSE_1, MMPOSE_0),
    "pose_resnet": (OURS, PLAIN, MMPOSE_1, MMPOSE_0),
    "stacked_hourglass": (OURS, PLAIN),
    "face_hrnetv2": (OURS, PLAIN, MMPOSE_1_V2, MMPOSE_0_V2),
    "ae_hrnet": (OURS, MMPOSE_1, MMPOSE_0),
    "higher_hrnet": (OURS, PLAIN, MMPOSE_0),
    "dekr_hrnet": (OURS_DEKR, MMPOSE_1_DEKR),
    "pose_ae": (OURS, PLAIN),
    "hrnet": (OURS, PLAIN, TIMM),
    "hrnet_features": (OURS, TIMM),
    "cls_hrnet": (OURS, PLAIN, TIMM, TIMM_SSLD),
    "seg_hrnet": (OURS, PLAIN, MMSEG),
    "seg_hrnet_ocr": (OURS, PLAIN, MMSEG_OCR),
    "embedding_hrnet": (OURS, PLAIN),
    "faster_rcnn_hrnetv2p": _TWO_STAGE,
    "mask_rcnn_hrnetv2p": _TWO_STAGE,
    "cascade_rcnn_hrnetv2p": _TWO_STAGE,
    "cascade_mask_rcnn_hrnetv2p": _TWO_STAGE,
    "htc_hrnetv2p": _ONE_STAGE,
    "fcos_hrnetv2p": _ONE_STAGE,
}
"""Family to the layouts it can be written in. Layouts of one name differ between families."""


def require_layout(name: str) -> None:
    """Raise ValueError if no toolkit's layout is called ``name``; the message names the nearest."""
    every = sorted({layout.name for layouts in LAYOUTS.values() for layout in layouts})
    if name not in every:
        raise ValueError(f"there is no layout called {name!r}; {nearest_name(name, every)}")


def layout_called(name: str, family: str) -> Layout:
    """The layout ``name`` of a family.

    Raises:
        ValueError: no toolkit is called so.
        CheckpointError: that toolkit has no network of this family; the message lists the choices.
    """
    require_layout(name)
    for layout in LAYOUTS[family]:
        if layout.name == name:
            return layout
    choices = ", ".join(layout.name for layout in LAYOUTS[family])
    raise CheckpointError(f"{family} has no layout {name!r}: it can be written as {choices}")
