"""Top-down pose networks and facial landmarks."""

from __future__ import annotations

from dataclasses import replace

from hrnet.data.keypoint_sets import sets_of_size
from hrnet.weights.bodies import count_children, dimension, read_hrnet, read_resnet_depth
from hrnet.weights.layouts import MMPOSE_0, MMPOSE_0_V2, MMPOSE_1, MMPOSE_1_V2, PLAIN, Layout, Shapes
from hrnet.weights.rules.recognized import Recognition, in_our_names, on_hrnet, unusual

INPUT_UNKNOWN = "input size, codec and keypoint names are not in the weights"
_LARGER = "256x192 and 384x288 networks have the same weights"

_SIMPLE_HEAD = (
    (r"keypoint_head\.(final_layer\.weight|deconv_layers)", MMPOSE_0),
    (r"head\.(final_layer\.weight|deconv_layers)", MMPOSE_1),
    (r"final_layer\.weight", PLAIN),
)
_TWO_CONVOLUTIONS = (
    (r"keypoint_head\.final_layer\.3\.", MMPOSE_0_V2),
    (r"head\.conv_layers\.", MMPOSE_1_V2),
    (r"head\.3\.", PLAIN),
)

# The least number of keypoints of a published network with tags; below, an even number of outputs is taken for keypoints.
_FEWEST_WITH_TAGS = 14


def pose_hrnet(shapes: Shapes) -> Recognition | None:
    """HRNetV1 and one convolution: heatmaps, or heatmaps and tags (mmpose's associative embedding on HRNet)."""
    found = in_our_names(shapes, _SIMPLE_HEAD)
    if found is None:
        return None
    layout, ours = found
    body, outputs = read_hrnet(ours), dimension(ours, "final_layer.weight", 0)
    if body is None or outputs is None or dimension(ours, "final_layer.weight", 1) != body.spec.width:
        return None
    unknown = [INPUT_UNKNOWN]
    kernel = dimension(ours, "final_layer.weight", 2)
    if kernel != 1:
        unknown.append(f"its last convolution is {kernel}x{kernel}, here it is 1x1")
    half, of_mmpose = outputs // 2, layout is not PLAIN
    could_be_tags = outputs % 2 == 0 and half >= _FEWEST_WITH_TAGS and bool(sets_of_size(half))
    if could_be_tags and of_mmpose and not sets_of_size(outputs):
        unknown.append(f"{outputs} outputs are taken for {half} heatmaps and {half} tags, and may be {outputs} heatmaps")
        result = on_hrnet(
            body, "ae_hrnet_*", half, layout, task="bottom-up pose", origin=layout.origin, branches="highest",
            unknown=unknown, input_size=(512, 512), codec="associative_embedding",
        )  # fmt: skip
    else:
        if could_be_tags:
            unknown.append(f"{outputs} outputs may also be {half} heatmaps and {half} tags of associative embedding")
        size, more = _usual_input(outputs)
        result = on_hrnet(
            body, "pose_hrnet_*", outputs, layout, task="pose", branches="highest", use="load",
            origin=layout.origin if of_mmpose else "deep-high-resolution-net, or ours",
            unknown=unknown + more, input_size=size, codec=_codec(layout),
        )  # fmt: skip
    return result if kernel == 1 else replace(result, architecture=None, use="none")


def pose_resnet(shapes: Shapes) -> Recognition | None:
    """SimpleBaseline."""
    found = in_our_names(shapes, _SIMPLE_HEAD)
    if found is None:
        return None
    layout, ours = found
    depth, outputs = read_resnet_depth(ours), dimension(ours, "final_layer.weight", 0)
    if depth is None or outputs is None or "deconv_layers.0.weight" not in ours:
        return None
    unknown, plain = [INPUT_UNKNOWN], layout is PLAIN
    if plain:
        unknown.append(
            f"stride in the 3x3 or, Caffe style, in the 1x1 convolutions (pose_resnet{depth}_caffe): same names and shapes"
        )
    standard = (
        count_children(ours, "deconv_layers.") == 6
        and dimension(ours, "deconv_layers.0.weight", 1) == 256
        and ours["deconv_layers.0.weight"][2:] == (4, 4)
        and ours["final_layer.weight"][1:] == (256, 1, 1)
    )
    channels = dimension(ours, "conv1.weight", 1)
    if not standard:
        unknown.append(
            "its deconvolutions or last convolution differ from SimpleBaseline's (three of 256 channels, 4x4, then 1x1)"
        )
    if channels != 3:
        unknown.append(f"it takes {channels} channels, of which kind is not in the weights")
    size, more = _usual_input(outputs)
    return Recognition(
        origin="SimpleBaseline (human-pose-estimation.pytorch, deep-high-resolution-net), or ours" if plain else layout.origin,
        task="pose",
        family="pose_resnet",
        architecture=f"pose_resnet{depth}" if standard else None,
        num_outputs=outputs,
        use="load" if standard and channels == 3 else "none",
        unknown=(*unknown, *more),
        layout=layout,
        options=unusual(in_channels=(channels, 3)),
        input_size=size,
        codec=_codec(layout),
    )


def face_hrnetv2(shapes: Shapes) -> Recognition | None:
    """Landmarks of faces, and of hands, on HRNetV2."""
    found = in_our_names(shapes, _TWO_CONVOLUTIONS)
    if found is None:
        return None
    layout, ours = found
    body, outputs = read_hrnet(ours), dimension(ours, "head.3.weight", 0)
    if body is None or outputs is None:
        return None
    return on_hrnet(
        body, "face_hrnetv2_*", outputs, layout, task="facial landmarks", use="load",
        origin="HRNet-Facial-Landmark-Detection, or ours" if layout is PLAIN else layout.origin,
        unknown=[INPUT_UNKNOWN], input_size=(256, 256), codec=_codec(layout),
    )  # fmt: skip


def stacked_hourglass(shapes: Shapes) -> Recognition | None:
    """Stacked hourglasses with BatchNorm."""
    stacks, outputs = count_children(shapes, "hgs."), dimension(shapes, "outs.0.conv.weight", 0)
    if not stacks or outputs is None or "pre.0.bn.weight" not in shapes:
        return None
    unknown = [INPUT_UNKNOWN]
    if stacks not in (2, 8):
        unknown.append(f"it has {stacks} stacks; here there are networks of 2 and of 8")
    channels, pictures = dimension(shapes, "outs.0.conv.weight", 1), dimension(shapes, "pre.0.conv.weight", 1)
    options = unusual(channels=(channels, 256), in_channels=(pictures, 3))
    if options:
        unknown.append(f"it is no RGB network of 256 channels: {options}")
    return Recognition(
        origin="pytorch_stacked_hourglass, or ours",
        task="pose",
        family="stacked_hourglass",
        architecture=f"stacked_hourglass_{stacks}" if stacks in (2, 8) else None,
        num_outputs=outputs,
        use="load" if stacks in (2, 8) and not options else "none",
        unknown=tuple(unknown),
        options=options,
        input_size=(256, 256),
        codec="quarter_offset",
    )


def mmpose_hourglass(shapes: Shapes) -> Recognition | None:
    """mmpose's own hourglass, which is another network than the stacked hourglass above."""
    outputs = dimension(shapes, "head.multi_final_layers.0.weight", 0)
    if outputs is None or not count_children(shapes, "backbone.hourglass_modules."):
        return None
    unknown = "there is no such network here: mmpose's hourglass has other layers than stacked_hourglass_2 and _8"
    return Recognition(
        "mmpose 1.x", "pose", "hourglass52", None, outputs, "none", (unknown, INPUT_UNKNOWN), input_size=(256, 256),
        codec="quarter_offset_mmpose",
    )  # fmt: skip


def _usual_input(outputs: int) -> tuple[tuple[int, int], list[str]]:
    """MPII's 16 keypoints come with square crops, people otherwise with upright ones."""
    return ((256, 256), []) if outputs == 16 else ((256, 192), [_LARGER])


def _codec(layout: Layout) -> str:
    return "quarter_offset" if layout is PLAIN else "quarter_offset_mmpose"
