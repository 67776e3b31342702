"""What a network does with a picture, as a graph: its layers by name, with the tensors that really flow between them.

The network runs on the meta device. Forward hooks see the layers, a function mode sees what happens between them, and every
tensor carries the nodes that it was made of: sums are where a layer reads a tensor of several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hrnet.backbones.hourglass import PreActivationResidual
from hrnet.backbones.resnet import ResNet
from hrnet.heads.adaptive_displacement import AdaptiveBlock
from hrnet.nn.blocks import BasicBlock, Bottleneck
from hrnet.nn.exchange import ExchangeModule

RESIDUAL = (BasicBlock, Bottleneck, PreActivationResidual, AdaptiveBlock)
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


@dataclass(eq=False)
class Node:
    """One thing to draw: ``kind`` is blocks, conv, sum, concat, product, input, output or regions; ``shape`` leaves it."""

    kind: str
    name: str
    shape: tuple[int, ...]
    phase: str
    count: int = 1
    text: str = ""
    brief: bool = False

    @property
    def channels(self) -> int:
        return self.shape[0]


@dataclass(frozen=True)
class Link:
    """What happens between two nodes: convolutions that are drawn as a line, and how pixels are resampled."""

    conv: str = ""
    resampling: str = ""


@dataclass(frozen=True, eq=False)
class Edge:
    source: Node
    target: Node
    link: Link


@dataclass(eq=False)
class Flow:
    """Where a tensor comes from: the sum of ``parts``, or several tensors stacked."""

    parts: list[tuple[Node, Link]]
    shape: tuple[int, ...]
    stacked: list[Flow] = field(default_factory=list)


class Trace(TorchFunctionMode):
    """The graph of one run.

    Args:
        network: on the meta device, in eval mode.
        short: draw one exchange module of each stage and note how many there are.
    """

    def __init__(self, network: nn.Module, short: bool = False) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.modules_of: dict[str, int] = {}
        self._network, self._short = network, short
        self._flows: dict[int, Flow] = {}
        self._alive: list[Tensor] = []
        self._inside = 0
        self._watch("", network)

    # Tensors from outside the network

    def source(self, kind: str, name: str, shape: Sequence[int], *origins: Tensor) -> Tensor:
        """A tensor (1, *shape) that starts here, such as the picture, or the features of a region that is cut from others."""
        node = self._node(kind, name, tuple(shape), "input" if kind == "input" else "head")
        for origin in origins:
            self._connect(self._flow(origin), node, Link(resampling="cut"))
        tensor = torch.empty(1, *shape, device="meta")
        self._mark(tensor, Flow([(node, Link())], node.shape))
        return tensor

    def result(self, value: Any, name: str, brief: bool = False) -> None:
        """Note tensors that leave the network, ``brief`` ones without their shape.

        Fields of a NamedTuple and keys of a dict say their own names.
        """
        if isinstance(value, Tensor):
            flow = self._flow(value)
            for child in flow.stacked or [flow]:
                node = self._node("output", name, child.shape, "")
                self._connect(child, node)
                node.phase, node.brief = self.edges[-1].source.phase, brief
        elif isinstance(value, dict) or hasattr(value, "_asdict"):
            for key, item in (value if isinstance(value, dict) else value._asdict()).items():
                self.result(item, name if str(key).isdigit() else str(key), brief)
        else:
            for item in value:
                self.result(item, name, brief)

    # Layers

    def _watch(self, name: str, module: nn.Module) -> None:
        if re.search(r"(^|\.)transition\d$|fuse_layers$|lateral_convs$", name) or isinstance(module, nn.MaxPool2d):
            paths = [module] if isinstance(module, nn.MaxPool2d) else _callable_children(module)
            for path in paths:
                path.register_forward_pre_hook(self._enter)
                path.register_forward_hook(self._leave_link)
        elif _is_blocks(module) or isinstance(module, CONVOLUTIONS):
            module.register_forward_pre_hook(self._enter)
            module.register_forward_hook(lambda layer, inputs, output: self._leave_node(name, layer, inputs, output))
        else:
            for child_name, child in module.named_children():
                if self._short and isinstance(child, ExchangeModule):
                    self.modules_of[_phase(name, self._network)] = len(list(module.children()))
                    if child is not list(module.children())[-1]:
                        child.register_forward_pre_hook(self._enter)
                        child.register_forward_hook(self._leave_skipped)
                        continue
                self._watch(f"{name}.{child_name}".lstrip("."), child)

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        self._inside += 1

    def _leave_node(self, name: str, layer: nn.Module, inputs: Any, output: Any) -> None:
        self._inside -= 1
        blocks = list(layer.children()) if isinstance(layer, nn.Sequential) else [layer]
        kind = "blocks" if _is_blocks(layer) else "conv"
        node = self._node(kind, name, tuple(output.shape[1:]), _phase(name, self._network), len(blocks), _text(blocks[0]))
        self._connect(self._flow(inputs[0]), node)
        self._mark(output, Flow([(node, Link())], node.shape))

    def _leave_link(self, layer: nn.Module, inputs: Any, output: Tensor) -> None:
        """Convolutions between branches are drawn as lines."""
        self._inside -= 1
        convolutions = [module for module in layer.modules() if isinstance(module, nn.Conv2d)]
        conv = _text(convolutions[-1]) if convolutions else ""
        pool = (
            "maximum of 2×2 pixels" if isinstance(layer, nn.MaxPool2d) and layer.kernel_size == 2 else "maximum of 3×3 pixels"
        )
        parts = [(node, Link(conv, before.resampling if conv else pool)) for node, before in self._read(self._flow(inputs[0]))]
        self._mark(output, Flow(parts, tuple(output.shape[1:])))

    def _leave_skipped(self, module: nn.Module, inputs: Any, output: list[Tensor]) -> None:
        self._inside -= 1
        for before, after in zip(inputs[0], output, strict=True):
            self._mark(after, self._flow(before))

    # What happens between layers

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if self._inside:
            return output
        flows = [self._flows[id(tensor)] for tensor in _tensors(args) if id(tensor) in self._flows]
        outputs = [
            tensor for tensor in (output if isinstance(output, (tuple, list)) else [output]) if isinstance(tensor, Tensor)
        ]
        if flows:
            for tensor in outputs:
                self._mark(tensor, self._after(getattr(func, "__name__", ""), flows, tensor, kwargs or {}))
        return output

    def _after(self, function: str, flows: list[Flow], output: Tensor, options: dict[str, Any]) -> Flow:
        shape = tuple(output.shape[1:])
        if function in ("cat", "bmm"):
            node = self._node("concat" if function == "cat" else "product", "", shape, "")
            for flow in flows:
                self._connect(flow, node)
            sources = [edge.source for edge in self.edges if edge.target is node]
            node.phase = "neck" if all(source.phase.startswith("stage") for source in sources) else sources[-1].phase
            return Flow([(node, Link())], shape)
        if function == "stack":
            return Flow([], shape, stacked=flows)
        resampling = {
            "interpolate": options.get("mode", ""),
            "avg_pool2d": "mean of squares",
            "mean": "mean of all pixels",
        }.get(function, "")
        if resampling:
            return Flow([(node, Link(link.conv, resampling)) for flow in flows for node, link in flow.parts], shape)
        if len(flows) > 1:
            return Flow([part for flow in flows for part in flow.parts], shape)
        if function.startswith("relu") or flows[0].shape != shape:
            self._read(flows[0])  # a sum ends here: what follows reads the total
        return flows[0] if flows[0].shape == shape else Flow(flows[0].parts, shape)

    # The graph

    def _node(self, kind: str, name: str, shape: tuple[int, ...], phase: str, count: int = 1, text: str = "") -> Node:
        self.nodes.append(Node(kind, name, shape, phase, count, text))
        return self.nodes[-1]

    def _connect(self, flow: Flow, node: Node, cut: Link | None = None) -> None:
        self.edges += [Edge(source, node, cut or link) for source, link in self._read(flow)]

    def _read(self, flow: Flow) -> list[tuple[Node, Link]]:
        """The one part of a flow; several are summed first, once for all readers."""
        if len(flow.parts) > 1:
            total = self._node("sum", "", flow.shape, flow.parts[0][0].phase)
            order = [node.phase for node in self.nodes]
            total.phase = max((node.phase for node, _ in flow.parts), key=order.index)
            self.edges += [Edge(source, total, link) for source, link in flow.parts]
            flow.parts = [(total, Link())]
        return flow.parts

    def _flow(self, tensor: Tensor) -> Flow:
        return self._flows[id(tensor)]

    def _mark(self, tensor: Tensor, flow: Flow) -> None:
        self._flows[id(tensor)] = flow
        self._alive.append(tensor)  # so that no other tensor gets its id


def _callable_children(module: nn.Module) -> list[nn.Module]:
    containers = (nn.ModuleList, nn.ModuleDict)
    children = [child for child in module.children() if not isinstance(child, nn.Identity)]
    return [leaf for child in children for leaf in (_callable_children(child) if isinstance(child, containers) else [child])]


def _is_blocks(module: nn.Module) -> bool:
    children = list(module.children())
    is_row = isinstance(module, nn.Sequential) and bool(children) and all(isinstance(child, RESIDUAL) for child in children)
    return isinstance(module, RESIDUAL) or (is_row and len({type(child) for child in children}) == 1)


def _text(layer: nn.Module) -> str:
    if isinstance(layer, nn.Linear):
        return "linear"
    if isinstance(layer, AdaptiveBlock):
        return "adaptive"
    if isinstance(layer, nn.ConvTranspose2d):
        return f"{layer.kernel_size[0]}×{layer.kernel_size[1]} ↑{layer.stride[0]}"
    if not isinstance(layer, nn.Conv2d):
        return ""
    stride = f" ↓{layer.stride[0]}" if layer.stride[0] > 1 else ""
    return f"{layer.kernel_size[0]}×{layer.kernel_size[1]}{stride}"


def _tensors(values: Any) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    return [tensor for value in values for tensor in _tensors(value)] if isinstance(values, (tuple, list)) else []


def _phase(name: str, network: nn.Module) -> str:
    """The part of the network that a layer belongs to."""
    name = name.removeprefix("backbone.")
    if re.match(r"(conv\d|pre)\b", name):
        return "stem"
    if found := re.match(r"(layer|stage)(\d)", name):
        return f"layer {found[2]}" if isinstance(network, ResNet) else f"stage {found[2]}"
    if found := re.match(r"(hgs|features|outs|merge_features|merge_preds)\.(\d)", name):
        return f"stack {int(found[2]) + 1}"
    return "neck" if name.startswith("neck") else "head"
