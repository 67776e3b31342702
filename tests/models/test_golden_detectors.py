"""Detection networks against recorded ones: keys, sizes, what they compute, and one training step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from golden.filled import filled_input, filled_state
from golden.manifests import MANIFESTS, manifest
from golden.networks import FACTS, assert_recorded, cases_of
from torch import Tensor, nn

from hrnet.models.detectors import FCOS, Detector
from hrnet.models.rcnn import RCNN, CascadeMaskRCNN, CascadeRCNN, FasterRCNN, HybridTaskCascade, MaskRCNN
from hrnet.models.variants import HRNET_SPECS

BUILDERS: dict[str, Callable[..., Detector]] = {
    "faster_rcnn": FasterRCNN,
    "mask_rcnn": MaskRCNN,
    "cascade_rcnn": CascadeRCNN,
    "cascade_mask_rcnn": CascadeMaskRCNN,
    "htc": HybridTaskCascade,
    "fcos": FCOS,
}

NAMES = [name.removeprefix("mmdet/") for name in MANIFESTS if name.startswith("mmdet/")]


def empty_network(recorded_name: str) -> Detector:
    kind, tag = recorded_name.removesuffix("_syncbn").split("_hrnetv2p_")
    with torch.device("meta"):
        return BUILDERS[kind](HRNET_SPECS[tag], 80)


def filled_network(recorded_name: str) -> Detector:
    network = empty_network(recorded_name)
    network.load_state_dict(filled_state(manifest(f"mmdet/{recorded_name}")), strict=True, assign=True)
    return network


def listed(heads: nn.Module | None) -> list[Any]:
    """The heads of all stages; none, one, or several."""
    if heads is None:
        return []
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def mask_outputs(network: RCNN, regions: Tensor) -> list[Tensor]:
    """Masks of every stage; a head with information flow gets the feature of the head before it."""
    outputs: list[Tensor] = []
    feature: Tensor | None = None
    for head in listed(network.roi_head.mask_head):
        if isinstance(network, HybridTaskCascade):
            logits, feature = head(regions, feature)
        else:
            logits = head(regions)
        outputs.append(logits)
    return outputs


def computed(network: Detector, x: Tensor, box_regions: Tensor, mask_regions: Tensor) -> dict[str, Tensor]:
    """Everything that the network computes, by the names of the record."""
    features = network.features(x)
    output = network.predict(features)
    series: dict[str, Iterable[Tensor]] = {"backbone.": features, "neck.": output.levels}
    tensors: dict[str, Tensor] = {}
    if isinstance(network, FCOS):
        series |= {"fcos_cls.": output.logits, "fcos_bbox.": output.distances, "fcos_centerness.": output.centerness}
    else:
        assert isinstance(network, RCNN)
        series |= {"rpn_cls.": output.rpn_logits, "rpn_reg.": output.rpn_deltas}
        series["mask_head"] = mask_outputs(network, mask_regions)
        for stage, head in enumerate(listed(network.roi_head.bbox_head)):
            tensors[f"bbox_head{stage}.cls"], tensors[f"bbox_head{stage}.reg"] = head(box_regions)
        if network.roi_head.semantic_head is not None:
            tensors["semantic_pred"], tensors["semantic_feat"] = network.roi_head.semantic_head(output.levels)
    for prefix, items in series.items():
        tensors.update({f"{prefix}{index}": tensor for index, tensor in enumerate(items)})
    return tensors


def inputs_of(case: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    regions = case["roi_inputs"]
    return filled_input(**case["input"]), filled_input(**regions["bbox"]), filled_input(**regions["mask"])


def test_every_network_is_recorded() -> None:
    assert len(NAMES) == 19
    assert {name.split("_hrnetv2p_")[0] for name in NAMES} == set(BUILDERS)


@pytest.mark.parametrize("name", NAMES)
def test_keys_shapes_and_parameters(name: str) -> None:
    network = empty_network(name)
    state = network.state_dict()
    # Lists: the order counts.
    assert [(key, tuple(value.shape)) for key, value in state.items()] == list(manifest(f"mmdet/{name}").items())
    assert sum(parameter.numel() for parameter in network.parameters()) == FACTS[f"mmdet/{name}"]["params"]


class Counter:
    """Multiply-accumulates of the convolutions and linear layers of a network, as its parts are called."""

    def __init__(self, network: nn.Module) -> None:
        self.count = 0
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                module.register_forward_hook(self._add)

    def of(self, part: Callable[..., Any], *inputs: Any) -> tuple[int, Any]:
        """What calling ``part`` costs, and what it returns."""
        self.count = 0
        output = part(*inputs)
        return self.count, output

    def _add(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        weight: Tensor = module.weight  # pyright: ignore[reportAssignmentType]
        positions = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        self.count += positions.numel() * weight[0].numel()


@pytest.mark.parametrize("name", NAMES)
def test_multiply_accumulates(name: str) -> None:
    network = empty_network(name).eval()
    (recorded,) = FACTS[f"mmdet/{name}"]["macs"]
    counter, parts = Counter(network), {}
    picture = torch.empty(recorded["input"], device="meta")
    parts["backbone"], features = counter.of(network.features, picture)
    parts["neck"], levels = counter.of(network.levels, features)
    if isinstance(network, FCOS):
        parts["fcos_head"], _ = counter.of(network.bbox_head, levels)
        total = sum(parts.values())
    else:
        assert isinstance(network, RCNN)
        heads = network.roi_head
        regions = torch.empty(1000, 256, 7, 7, device="meta")
        parts["rpn_head"], _ = counter.of(network.rpn_head, levels)
        box_heads = [counter.of(head, regions)[0] for head in listed(heads.bbox_head)]
        total = sum(parts.values()) + sum(box_heads)
        parts["bbox_heads_1000_rois"] = box_heads
        regions = torch.empty(100, 256, 14, 14, device="meta")
        if heads.mask_head is not None:
            has_flow = isinstance(network, HybridTaskCascade)
            parts["mask_heads_100_rois"] = [
                counter.of(head, *((regions, regions) if has_flow and stage else (regions,)))[0]
                for stage, head in enumerate(listed(heads.mask_head))
            ]
        if heads.semantic_head is not None:
            parts["semantic_head"], _ = counter.of(heads.semantic_head, levels)
    assert parts == recorded["parts"]
    assert total == recorded["macs"]
    assert round(total / 2**30, 2) == recorded["official_gflops"]


@pytest.mark.parametrize("case", cases_of("mmdet", mode="eval"), ids=lambda case: case["id"])
def test_outputs(case: dict[str, Any]) -> None:
    network = filled_network(case["model"]).eval()
    with torch.no_grad():
        tensors = computed(network, *inputs_of(case))
    assert {record["name"] for record in case["tensors"]} - set(tensors) == set()
    for record in case["tensors"]:
        assert_recorded(case, record, tensors[record["name"]])


def from_first_version(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Our state dict of one of mmdetection 1, where the background is class 0, and the rows that find no place in it."""
    converted: dict[str, Tensor] = {}
    dropped: dict[str, Tensor] = {}
    for key, value in state.items():
        key = re.sub(r"^(bbox_head|mask_head)\.", r"roi_head.\1.", key)
        key = key.replace("reduction_conv.0", "reduction_conv.conv")
        key = re.sub(r"fpn_conv\.(\d)", r"fpn_convs.\1.conv", key)
        if ".fc_cls." in key:
            value = value.roll(-1, 0)
        background = 4 if ".fc_reg." in key and len(value) > 4 else 1 if ".mask_head.conv_logits." in key else 0
        if background:
            dropped[key], value = value[:background], value[background:]
        converted[key] = value
    return converted, dropped


@pytest.mark.parametrize("case", cases_of("mmdet_v1", mode="eval"), ids=lambda case: case["id"])
def test_outputs_of_the_first_version(case: dict[str, Any]) -> None:
    network = empty_network(case["model"]).eval()
    state, dropped = from_first_version(filled_state(manifest(f"mmdet_v1/{case['model']}")))
    network.load_state_dict(state, strict=True, assign=True)
    kept_inputs: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def hook(_layer: nn.Module, inputs: tuple[Tensor]) -> None:
            kept_inputs[name] = inputs[0]

        return hook

    for name in {key.rpartition(".")[0] for key in dropped}:
        network.get_submodule(name).register_forward_pre_hook(keep(name))
    with torch.no_grad():
        tensors = computed(network, *inputs_of(case))
        # Back to the order of the record, with the numbers of the background that our layers leave out.
        for name in [name for name in tensors if name.endswith(".cls")]:
            tensors[name] = tensors[name].roll(1, 1)
        for name, x in kept_inputs.items():
            weight, bias = dropped[f"{name}.weight"], dropped[f"{name}.bias"]
            recorded_name = "bbox_head0.reg" if name.endswith("fc_reg") else "mask_head0"
            background = F.linear(x, weight, bias) if weight.ndim == 2 else F.conv2d(x, weight, bias)
            tensors[recorded_name] = torch.cat([background, tensors[recorded_name]], dim=1)
    for record in case["tensors"]:
        assert_recorded(case, record, tensors[record["name"]])


def one_training_step(network: Detector, inputs: tuple[Tensor, ...]) -> Tensor:
    """Backpropagate the sum of the mean squares of all outputs, with frozen statistics in the backbone; the loss."""
    network.train()
    network.backbone.eval()
    tensors = computed(network, inputs[0], inputs[1], inputs[2])
    loss = torch.stack([tensor.square().mean() for name, tensor in tensors.items() if "backbone" not in name]).sum()
    loss.backward()
    return loss


@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
@pytest.mark.parametrize("case", cases_of("mmdet", mode="train"), ids=lambda case: case["id"])
def test_training(case: dict[str, Any], double: bool) -> None:
    network, inputs = filled_network(case["model"]), inputs_of(case)
    if double:
        network, inputs = network.double(), tuple(x.double() for x in inputs)
    recorded = case["fp64"] if double else case
    loss = one_training_step(network, inputs)
    assert loss.item() == pytest.approx(recorded["loss"], rel=1e-5)
    parameters = dict(network.named_parameters())
    for key, norm in recorded["grad_l2"].items():
        grad = parameters[key].grad
        assert grad is not None
        assert grad.norm().item() == pytest.approx(norm, rel=1e-5 if double else 1e-3), key
    assert sum(parameter.grad is None for parameter in parameters.values()) == case["parameters_without_gradient"]["count"]
    state = network.state_dict()
    for record in case["tensors"]:
        assert_recorded(case, record, state[record["name"]])
