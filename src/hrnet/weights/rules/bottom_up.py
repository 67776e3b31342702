"""Pose of all people of a picture at once."""

from __future__ import annotations

from hrnet.models.dekr_hrnet import PUBLISHED_LIMBS
from hrnet.weights.bodies import count_children, dimension, has_part, read_hrnet
from hrnet.weights.layouts import MMPOSE_0, MMPOSE_1_DEKR, OURS_DEKR, PLAIN, Shapes
from hrnet.weights.rules.recognized import Recognition, in_our_names, on_hrnet, unusual

_UNKNOWN = "input size and keypoint names are not in the weights"


def dekr_hrnet(shapes: Shapes) -> Recognition | None:
    """DEKR: heatmaps and displacements."""
    if has_part(shapes, r"keypoint_head\.(offset_conv_layers|displacement_conv_layers)\."):
        return _old_dekr(shapes)
    found = in_our_names(
        shapes, ((r"head\.displacement_conv_layers\.", MMPOSE_1_DEKR), (r"displacement_conv_layers\.", OURS_DEKR))
    )
    if found is None:
        return None
    layout, ours = found
    body, centre_and_keypoints = read_hrnet(ours), dimension(ours, "heatmap_conv_layers.2.weight", 0)
    if body is None or centre_and_keypoints is None:
        return None
    keypoints, features = centre_and_keypoints - 1, dimension(ours, "rescore_net.l1.weight", 1)
    limbs = None if features is None else (features - keypoints) // 3
    usual = PUBLISHED_LIMBS.get(keypoints, keypoints - 1)
    side = 640 if body.spec.width >= 48 else 512
    return on_hrnet(
        body, "dekr_hrnet_*", keypoints, layout, task="bottom-up pose", unknown=[_UNKNOWN],
        origin="hrnet" if layout is OURS_DEKR else layout.origin,
        options=unusual(num_limbs=(limbs, usual)),
        input_size=(side, side), codec="keypoint_regression",
    )  # fmt: skip


def _old_dekr(shapes: Shapes) -> Recognition | None:
    body = read_hrnet(MMPOSE_0.rename(shapes))
    if body is None:
        return None
    unknown = (
        "the head of DEKR before mmpose 1.0 is another one, and how the two correspond is not known here: "
        "give a file of mmpose 1.x",
        _UNKNOWN,
    )
    return Recognition(
        "mmpose 0.x", "bottom-up pose", "dekr_hrnet", None, None, "none", unknown, MMPOSE_0, codec="keypoint_regression"
    )


def higher_hrnet(shapes: Shapes) -> Recognition | None:
    """HigherHRNet: heatmaps and tags, then heatmaps of higher resolution."""
    found = in_our_names(shapes, ((r"keypoint_head\.final_layers\.", MMPOSE_0), (r"final_layers\.", PLAIN)))
    if found is None:
        return None
    layout, ours = found
    body, outputs = read_hrnet(ours), dimension(ours, "final_layers.0.weight", 0)
    if body is None or outputs is None:
        return None
    levels = count_children(ours, "final_layers.")
    side = 640 if body.spec.width >= 48 else 512
    return on_hrnet(
        body, "higher_hrnet_*", outputs // 2, layout, task="bottom-up pose", branches="highest",
        origin="HigherHRNet-Human-Pose-Estimation, or ours" if layout is PLAIN else layout.origin,
        unknown=[_UNKNOWN, "networks for inputs of 512 and of 640 pixels have the same names and shapes"],
        options=unusual(num_deconvolutions=(levels - 1, 1)),
        input_size=(side, side), codec="associative_embedding",
    )  # fmt: skip


def pose_ae(shapes: Shapes) -> Recognition | None:
    """Stacked hourglasses with associative embedding: convolutions with bias, no BatchNorm."""
    maps = dimension(shapes, "outs.0.conv.weight", 0)
    if maps is None or "features.0.0.up1.conv.weight" not in shapes:
        return None
    stacks = count_children(shapes, "outs.")
    channels = dimension(shapes, "outs.0.conv.weight", 1)
    wider, width = (dimension(shapes, "features.0.0.low1.conv.weight", axis) or 0 for axis in (0, 1))
    options = unusual(
        channels=(channels, 256), growth=(wider - width, 128), in_channels=(dimension(shapes, "pre.0.conv.weight", 1), 3)
    )
    unknown = [_UNKNOWN]
    if stacks != 4:
        unknown.append(f"it has {stacks} stacks; here there is a network of 4")
    return Recognition(
        origin="pose-ae-train, or ours",
        task="bottom-up pose",
        family="pose_ae",
        architecture="pose_ae_4" if stacks == 4 and maps % 4 == 0 else None,
        num_outputs=maps // 4,
        use="none",
        unknown=tuple(unknown),
        options=options,
        input_size=(512, 512),
        codec="associative_embedding",
    )
