"""Detectors on HRNetV2p."""

from __future__ import annotations

from dataclasses import replace

from hrnet.weights.bodies import dimension, has_part, read_hrnet
from hrnet.weights.layouts import MMDET_1, MMDET_3, Shapes
from hrnet.weights.rules.recognized import Recognition, on_hrnet, unusual

_INPUT_SIZE = (800, 1333)
_CLASS_NAMES = "names of the classes are not in the weights"


def detector(shapes: Shapes) -> Recognition | None:
    """One- and two-stage detectors, of mmdetection 1.x and of 2.x and 3.x."""
    if not has_part(shapes, r"(neck|rpn_head|roi_head|bbox_head)\."):
        return None
    one_stage = has_part(shapes, r"bbox_head\.conv_cls\.")
    old = not one_stage and has_part(shapes, r"(\d+\.)?bbox_head\.|neck\.fpn_conv\.|mask_head\.")
    layout = MMDET_1 if old else MMDET_3
    ours = layout.rename(shapes)
    body = read_hrnet({name.removeprefix("backbone."): shape for name, shape in ours.items() if name.startswith("backbone.")})
    if body is None:
        return None
    unknown, options = [_CLASS_NAMES], {}
    if one_stage:
        kind, task, classes = "fcos", "object detection", dimension(ours, "bbox_head.conv_cls.weight", 0)
    else:
        cascade, masks = has_part(ours, r"roi_head\.bbox_head\.0\."), has_part(ours, r"roi_head\.mask_head\.")
        task = "instance segmentation" if masks else "object detection"
        semantic, passed_on = (
            has_part(ours, r"roi_head\.semantic_head\."),
            has_part(ours, r"roi_head\.mask_head\.1\.conv_res\."),
        )
        kind = ("cascade_" if cascade else "") + ("mask_rcnn" if masks else "rcnn" if cascade else "faster_rcnn")
        if semantic or passed_on:
            kind = "htc"
            options = unusual(semantic_classes=(dimension(ours, "roi_head.semantic_head.conv_logits.weight", 0), 183))
        rows = dimension(ours, f"roi_head.bbox_head.{'0.' if cascade else ''}fc_cls.weight", 0)
        classes = rows - 1 if rows else None
        if kind == "htc" and not (semantic and passed_on):
            unknown.append("HTC without its semantic head or its mask information flow is no network here")
    found = on_hrnet(
        body, f"{kind}_hrnetv2p_*", classes, layout, task=task, unknown=unknown, options=options,
        input_size=_INPUT_SIZE,
        origin=layout.origin if old else "mmdet 3.x (or 2.x), or ours",
    )  # fmt: skip
    if len(unknown) > 1:
        return replace(found, architecture=None)
    return found
