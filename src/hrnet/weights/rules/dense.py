"""Segmentation, classification, and backbones without a head."""

from __future__ import annotations

from hrnet.backbones.hrnet import BODY_PARTS
from hrnet.weights.bodies import dimension, has_part, read_hrnet, read_resnet_depth
from hrnet.weights.layouts import BARE_BACKBONE, MMSEG, MMSEG_OCR, PLAIN, TIMM, TIMM_SSLD, Shapes
from hrnet.weights.rules.recognized import Recognition, in_our_names, on_hrnet

START_ONLY = "a start for training a pose network, it has no keypoints itself"

# Input sizes of the published networks with so many classes.
_INPUTS = {
    19: (1024, 2048),  # Cityscapes
    20: (473, 473),  # LIP
    59: (480, 480),  # PASCAL-Context
    60: (480, 480),
    150: (520, 520),  # ADE20K
    171: (520, 520),  # COCO-Stuff
}
_INPUTS_OCR = {**_INPUTS, 59: (520, 520), 60: (520, 520)}
_INPUTS_MMSEG = {
    19: (512, 1024), 59: (480, 480), 60: (480, 480), 150: (512, 512), 21: (512, 512), 7: (512, 512), 6: (512, 512),
    16: (896, 896),
}  # fmt: skip
_ALIGNED = (150, 171)

_INPLACE = (
    "whether it comes from the repository's master branch, whose BatchNorm scales by |weight| + 1e-5: "
    "then load it with inplace_batch_norm=True"
)


def seg_hrnet(shapes: Shapes) -> Recognition | None:
    """HRNetV2 and two 1x1 convolutions."""
    found = in_our_names(shapes, ((r"decode_head\.conv(s\.0|_seg)\.", MMSEG), (r"last_layer\.", PLAIN)))
    if found is None:
        return None
    layout, ours = found
    body, classes = read_hrnet(ours), dimension(ours, "last_layer.3.weight", 0)
    if body is None or classes is None:
        return None
    aligned = layout is PLAIN and classes in _ALIGNED
    why = f"from its {classes} classes" if layout is PLAIN else "as in every configuration of mmseg"
    unknown = [f"align_corners={aligned} is assumed, {why}", "names of the classes are not in the weights"]
    return on_hrnet(
        body, "seg_hrnet_*", classes, layout, task="segmentation",
        origin="HRNet-Semantic-Segmentation, or ours" if layout is PLAIN else layout.origin,
        unknown=unknown + ([_INPLACE] if layout is PLAIN else []), options={"align_corners": aligned},
        input_size=(_INPUTS if layout is PLAIN else _INPUTS_MMSEG).get(classes),
    )  # fmt: skip


def seg_hrnet_ocr(shapes: Shapes) -> Recognition | None:
    """HRNetV2 with object-contextual representations."""
    found = in_our_names(shapes, ((r"decode_head\.1\.", MMSEG_OCR), (r"ocr_distri_head\.", PLAIN)))
    if found is None:
        return None
    layout, ours = found
    body, classes = read_hrnet(ours), dimension(ours, "cls_head.weight", 0)
    if body is None or classes is None:
        return None
    aligned, whose = layout is PLAIN, "the authors'" if layout is PLAIN else "mmseg's"
    unknown = [
        f"align_corners={aligned} is assumed, as in all of {whose} configurations",
        "names of the classes are not in the weights",
    ]
    return on_hrnet(
        body, "seg_hrnet_*_ocr", classes, layout, task="segmentation",
        origin="HRNet-Semantic-Segmentation, or ours" if layout is PLAIN else layout.origin,
        unknown=unknown, options={"align_corners": aligned},
        input_size=(_INPUTS_OCR if layout is PLAIN else _INPUTS_MMSEG).get(classes),
    )  # fmt: skip


def cls_hrnet(shapes: Shapes) -> Recognition | None:
    """ImageNet classification."""
    body, classes = read_hrnet(shapes), dimension(shapes, "classifier.weight", 0)
    if body is None or classes is None:
        return None
    no_bias = "final_layer.0.weight" in shapes and "final_layer.0.bias" not in shapes
    return on_hrnet(
        body, "cls_hrnet_*", classes, TIMM_SSLD if no_bias else PLAIN, task="image classification", use="start",
        origin="timm" if no_bias else "HRNet-Image-Classification, timm, or ours", unknown=[START_ONLY], input_size=(224, 224),
    )  # fmt: skip


def hrnet_backbone(shapes: Shapes) -> Recognition | None:
    """HRNets without a head: timm's feature extractors, and bodies alone."""
    wrapped = has_part(shapes, r"backbone\.conv1\.")
    ours = BARE_BACKBONE.rename(shapes) if wrapped else shapes
    body = read_hrnet(ours)
    if body is None or not all(name.split(".")[0] in (*BODY_PARTS, "incre_modules") for name in ours):
        return None
    increased = has_part(ours, r"incre_modules\.")
    layout = BARE_BACKBONE if wrapped else TIMM if increased else PLAIN
    bare = "OpenMMLab" if wrapped else "timm (no feature location), the authors' repositories, or ours"
    return on_hrnet(
        body, "hrnet_features_*" if increased else "hrnet_*", None, layout, task="backbone", use="start",
        origin="timm (features_only), or ours" if increased else bare, unknown=[START_ONLY],
    )  # fmt: skip


def unknown_head(shapes: Shapes) -> Recognition | None:
    """An HRNet with a head that is of no known network."""
    ours = BARE_BACKBONE.rename(shapes)
    body = read_hrnet(ours)
    if body is None:
        return None
    names = sorted({name.split(".")[0] for name in ours} - BODY_PARTS)
    sentence = f"its head is of no known network: {', '.join(names[:6])}"
    return Recognition(
        "an unknown origin", "unknown task", f"hrnet_{body.described}", None, None, "none", (sentence,), BARE_BACKBONE
    )


def resnet(shapes: Shapes) -> Recognition | None:
    """torchvision's ResNets, as a start."""
    depth = read_resnet_depth(shapes)
    if depth is None or has_part(shapes, r"(deconv_layers|final_layer|head|neck|decode_head|keypoint_head)\."):
        return None
    classes = dimension(shapes, "fc.weight", 0)
    task = "image classification" if classes else "backbone"
    return Recognition("torchvision", task, f"resnet{depth}", None, classes, "start", (START_ONLY,), input_size=(224, 224))
