"""mmsegmentation: ``decode_head.``, and no bias before a BatchNorm."""

from __future__ import annotations

from hrnet.weights.layouts.changes import NoBias
from hrnet.weights.layouts.layout import Layout

_BODY = ("backbone.", "")
_PREPROCESSOR = ("data_preprocessor.",)

MMSEG = Layout(
    "mmseg",
    "mmseg",
    (
        _BODY,
        ("decode_head.conv_seg.", "last_layer.3."),
        ("decode_head.convs.0.conv.", "last_layer.0."),
        ("decode_head.convs.0.bn.", "last_layer.1."),
    ),
    _PREPROCESSOR,
    (NoBias("last_layer.0", "last_layer.1"),),
)

_THEIRS, _OURS = "decode_head.1.object_context_block.", "ocr_distri_head.object_context_block."


def _two_projections(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{_THEIRS}{theirs}.0.conv.", f"{_OURS}{ours}.0."),
        (f"{_THEIRS}{theirs}.0.bn.", f"{_OURS}{ours}.1.0."),
        (f"{_THEIRS}{theirs}.1.conv.", f"{_OURS}{ours}.2."),
        (f"{_THEIRS}{theirs}.1.bn.", f"{_OURS}{ours}.3.0."),
    )


MMSEG_OCR = Layout(
    "mmseg",
    "mmseg",
    (
        _BODY,
        ("decode_head.0.conv_seg.", "aux_head.3."),
        ("decode_head.0.convs.0.conv.", "aux_head.0."),
        ("decode_head.0.convs.0.bn.", "aux_head.1."),
        ("decode_head.1.conv_seg.", "cls_head."),
        *_two_projections("key_project", "f_object"),
        *_two_projections("query_project", "f_pixel"),
        (f"{_THEIRS}value_project.conv.", f"{_OURS}f_down.0."),
        (f"{_THEIRS}value_project.bn.", f"{_OURS}f_down.1.0."),
        (f"{_THEIRS}out_project.conv.", f"{_OURS}f_up.0."),
        (f"{_THEIRS}out_project.bn.", f"{_OURS}f_up.1.0."),
        (f"{_THEIRS}bottleneck.conv.", "ocr_distri_head.conv_bn_dropout.0."),
        (f"{_THEIRS}bottleneck.bn.", "ocr_distri_head.conv_bn_dropout.1.0."),
        ("decode_head.1.bottleneck.conv.", "conv3x3_ocr.0."),
        ("decode_head.1.bottleneck.bn.", "conv3x3_ocr.1."),
    ),
    _PREPROCESSOR,
    (NoBias("aux_head.0", "aux_head.1"), NoBias("conv3x3_ocr.0", "conv3x3_ocr.1")),
)
