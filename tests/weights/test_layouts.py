"""Every layout, both ways, to the last bit."""

from __future__ import annotations

import pytest
import torch
from weights.builders import small_network
from weights.manifests import (
    LOADABLE,
    assert_same,
    in_order,
    network_shapes,
    thin_manifest,
    thin_state,
)

from hrnet.errors import CheckpointError
from hrnet.models.variants import FAMILIES
from hrnet.weights import identify, list_layouts
from hrnet.weights.layouts import LAYOUTS, PLAIN, Layout, layout_called, plain_batch_norm
from hrnet.weights.layouts.changes import NoBias
from hrnet.weights.network_entry import family_name

# A small network of each family, and those whose heads differ in structure.
NETWORKS = [
    *("pose_hrnet_w4", "pose_resnet50", "stacked_hourglass_2", "face_hrnetv2_w4", "ae_hrnet_w4", "higher_hrnet_w4"),
    *("dekr_hrnet_w4", "pose_ae_4", "hrnet_w4", "hrnet_features_w4", "cls_hrnet_w4", "seg_hrnet_w4", "seg_hrnet_w4_ocr"),
    "embedding_hrnet_w4",
    *(f"{name}_hrnetv2p_w4" for name in ("faster_rcnn", "mask_rcnn", "cascade_rcnn", "cascade_mask_rcnn", "htc", "fcos")),
]
WAYS = [(name, layout) for name in NETWORKS for layout in LAYOUTS[family_name(name)]]


@pytest.mark.parametrize("name", LOADABLE)
def test_a_file_in_and_out_again(name: str) -> None:
    """Keys, order and bits of every recorded checkpoint; and in between it is the network that it is recognised as."""
    theirs = thin_manifest(name)
    found = identify(theirs)
    assert found is not None
    assert found.architecture is not None
    ours = found.layout.to_ours(theirs)
    shapes = network_shapes(found.architecture, found.num_outputs, **found.options)
    assert {key: tuple(tensor.shape) for key, tensor in ours.items()} == shapes
    left_over = found.layout.left_over(theirs)
    assert bool(left_over) == (name.startswith("mmdet_v1") and "cascade" not in name)
    back = found.layout.from_ours(in_order(ours, shapes), left_over)
    assert_same(back, theirs)
    assert not any(tensor._version for tensor in theirs.values())  # nothing was written into the file's tensors


@pytest.mark.parametrize(("name", "layout"), WAYS, ids=lambda value: value.name if isinstance(value, Layout) else value)
def test_ours_out_and_in_again(name: str, layout: Layout) -> None:
    """Equal to the last bit where the layout can hold it: with biases of zero where mmseg and ssld have none."""
    ours = thin_state(network_shapes(name))
    folded = [change for change in layout.changes if isinstance(change, NoBias)]
    for change in folded:
        ours[f"{change.convolution}.bias"] = torch.zeros_like(ours[f"{change.convolution}.bias"])
    theirs = layout.from_ours(ours)
    again = layout.to_ours(theirs)
    assert_same(in_order(again, ours), ours)
    found = identify(theirs)
    assert found is not None
    # Names of ours and of the authors are the same; so are timm's.
    assert found.layout.name == layout.name or (found.layout.rename(theirs) == theirs and layout.rename(theirs) == theirs)
    # Names and shapes alone leave a choice; files of ours say what they are.
    taken_for = (
        {"ae_hrnet_w4": "pose_hrnet_w4", "embedding_hrnet_w4": "seg_hrnet_w4"} if layout.name in ("ours", "reference") else {}
    )
    assert found.architecture == taken_for.get(name, name)


def test_every_family_has_layouts() -> None:
    assert set(LAYOUTS) == {family.name.replace("_*", "").replace("*", "") for family in FAMILIES}
    assert {family_name(name) for name in NETWORKS} == set(LAYOUTS)
    assert all(layouts[0].name == "ours" for layouts in LAYOUTS.values())


def test_choices_are_listed() -> None:
    assert list_layouts("pose_hrnet_w32") == ["ours", "reference", "mmpose", "mmpose-0"]
    assert list_layouts("seg_hrnet_w48_ocr") == ["ours", "reference", "mmseg"]
    with pytest.raises(ValueError, match=r"did you mean .*'mmpose'"):
        layout_called("mmpos", "pose_hrnet")
    with pytest.raises(CheckpointError, match=r"cls_hrnet has no layout 'mmseg': .* ours, reference, timm, timm-ssld"):
        layout_called("mmseg", "cls_hrnet")
    with pytest.raises(ValueError, match="no network called"):
        list_layouts("pose_hrnet")


def test_background_moves_to_the_end() -> None:
    theirs = thin_manifest("mmdet_v1/mask_rcnn_hrnetv2p_w18")
    found = identify(theirs)
    assert found is not None
    ours = found.layout.to_ours(theirs)
    scores, boxes = theirs["bbox_head.fc_cls.bias"], theirs["bbox_head.fc_reg.weight"]
    assert torch.equal(ours["roi_head.bbox_head.fc_cls.bias"], torch.cat((scores[1:], scores[:1])))
    assert torch.equal(ours["roi_head.bbox_head.fc_reg.weight"], boxes[4:])
    assert torch.equal(ours["roi_head.mask_head.conv_logits.weight"], theirs["mask_head.conv_logits.weight"][1:])
    forgotten = found.layout.from_ours(ours)
    assert not forgotten["bbox_head.fc_reg.weight"][:4].any()
    assert torch.equal(forgotten["bbox_head.fc_reg.weight"][4:], boxes[4:])


def test_a_missing_sampling_grid_is_the_constant() -> None:
    from hrnet.heads.adaptive_displacement import REGULAR_GRID

    name = "mmpose/dekr_hrnet-w32_coco17"
    theirs = {key: tensor for key, tensor in thin_manifest(name).items() if not key.endswith("regular_matrix")}
    found = identify(theirs)
    assert found is not None
    ours = found.layout.to_ours(theirs)
    for block in (1, 2):
        assert ours[f"displacement_conv_layers.{block}.regular_matrix"].tolist() == [list(row) for row in REGULAR_GRID]
    assert {key: tuple(tensor.shape) for key, tensor in ours.items()} == network_shapes("dekr_hrnet_w32", 17)


def test_bias_is_folded_into_the_running_mean() -> None:
    """The function stays the same, to rounding."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(5, 7, 1), torch.nn.BatchNorm2d(7), torch.nn.ReLU()).eval()
    layers.get_buffer("1.running_mean").normal_()
    state = {f"last_layer.{key}": tensor for key, tensor in layers.state_dict().items()}
    theirs = layout_called("mmseg", "seg_hrnet").from_ours(state)
    assert "decode_head.convs.0.conv.bias" not in theirs
    x = torch.randn(2, 5, 3, 3)
    wanted = layers(x)
    again = layout_called("mmseg", "seg_hrnet").to_ours(theirs)
    layers.load_state_dict({key.removeprefix("last_layer."): tensor for key, tensor in again.items()})
    torch.testing.assert_close(layers(x), wanted)


def test_batch_norm_of_the_master_branch() -> None:
    state = {"bn.weight": torch.tensor([-0.5, 0.25, 0.0]), "bn.running_var": torch.ones(3), "conv.weight": torch.tensor([-1.0])}
    plain = plain_batch_norm(state)
    assert torch.equal(plain["bn.weight"], torch.tensor([0.5, 0.25, 0.0]) + 1e-5)
    assert plain["conv.weight"] is state["conv.weight"]
    assert state["bn.weight"][0] == -0.5


def test_names_nobody_knows_stay() -> None:
    state = small_network().state_dict()
    assert PLAIN.to_ours({**state, "loss.weight": torch.zeros(1)}).keys() - state.keys() == {"loss.weight"}
    layout = layout_called("mmpose", "pose_hrnet")
    assert "head.odd.weight" in layout.to_ours({"head.odd.weight": torch.zeros(1)})
