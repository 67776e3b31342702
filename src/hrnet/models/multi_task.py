"""Several tasks on one picture: the features are computed once, every head makes its own of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import BODY_PARTS, HRNet
from hrnet.errors import nearest_name


class MultiTaskModel(nn.Module):
    """One HRNet body with the heads of several networks.

    Args:
        backbone: any HRNet; its body computes the features of all tasks, with its kind of upsampling.
        heads: task name to a network of the same width, such as `SegHRNet` or `FaceHRNetV2`. Only the layers beside its body
            are taken (and shared with the network given); its body is not used.

    Attributes:
        heads: the networks without their bodies, by task.

    Shape: (B, in_channels, H, W), normalised, to a dict: task to what its network returns.

    Raises:
        ValueError: no head, a name with a dot, or a head for features of other widths.
    """

    def __init__(self, backbone: HRNet, heads: Mapping[str, HRNet]) -> None:
        super().__init__()
        if not heads:
            raise ValueError("a multi-task model needs at least one head")
        for task, network in heads.items():
            if not task.isidentifier():
                raise ValueError(f"the name of a task must be a Python identifier, got {task!r}")
            if type(network).features is not HRNet.features:
                raise ValueError(f"the head {task!r} is of {type(network).__name__}, which makes features of its own")
            wanted = network.spec.branches
            if network.spec.channels != backbone.spec.channels or not set(wanted) <= set(backbone.spec.branches):
                raise ValueError(
                    f"the head {task!r} needs branches {wanted} of widths {network.spec.channels}, "
                    f"the backbone gives branches {backbone.spec.branches} of widths {backbone.spec.channels}"
                )
        self.backbone = _part(backbone, keep_body=True)
        self.heads = nn.ModuleDict({task: _part(network, keep_body=False) for task, network in heads.items()})

    def forward(self, x: Tensor, tasks: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Outputs of ``tasks``, of all by default."""
        features = dict(zip(self.backbone.spec.branches, self.backbone.features(x), strict=True))
        outputs = {}
        for task in self.heads if tasks is None else tasks:
            head = self._head(task)
            outputs[task] = head.predict([features[branch] for branch in head.spec.branches])
        return outputs

    def split(self) -> dict[str, dict[str, Tensor]]:
        """State dicts of the single networks, by task: the shared body under the names it has there, and the head.

        A network that uses only some branches gets no layers that feed the others.
        """
        body = self.backbone.state_dict()
        return {
            task: {**_only_outputs(body, self.backbone, self._head(task)), **head.state_dict()}
            for task, head in self.heads.items()
        }

    def join(self, states: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Load state dicts of single networks, by task: the inverse of `split`.

        Raises:
            ValueError: a task is missing, an entry is missing or left over, or two bodies differ.
        """
        if set(states) != set(self.heads):
            raise ValueError(f"state dicts are needed for {', '.join(self.heads)}, got {', '.join(states) or 'none'}")
        joined: dict[str, Tensor] = {}
        for task, state in states.items():
            for name, value in state.items():
                own = f"backbone.{name}" if name.split(".")[0] in BODY_PARTS else f"heads.{task}.{name}"
                if own in joined and not torch.equal(joined[own], value):
                    raise ValueError(f"the networks do not share one body: {name} of {task!r} differs from another task's")
                joined[own] = value
        missing, unexpected = set(self.state_dict()) - set(joined), set(joined) - set(self.state_dict())
        if missing or unexpected:
            raise ValueError(f"the state dicts do not fit: missing {sorted(missing)[:5]}, unexpected {sorted(unexpected)[:5]}")
        self.load_state_dict(joined)

    def _head(self, task: str) -> HRNet:
        if task not in self.heads:
            raise ValueError(f"there is no head for {task!r}; {nearest_name(task, self.heads)}")
        return self.heads[task]  # pyright: ignore[reportReturnType]


def _part(network: HRNet, keep_body: bool) -> HRNet:
    """The body of ``network``, or all but the body: a second object over the same layers."""
    part = copy.copy(network)
    layers = {name: layer for name, layer in network._modules.items() if (name in BODY_PARTS) == keep_body}
    part.__dict__ = {**network.__dict__, "_modules": layers}
    return part


def _only_outputs(body: Mapping[str, Tensor], backbone: HRNet, network: HRNet) -> dict[str, Tensor]:
    unused = set(backbone.spec.branches) - set(network.spec.branches)
    last = f"stage4.{backbone.spec.modules[2] - 1}.fuse_layers."
    return {name: value for name, value in body.items() if not any(name.startswith(f"{last}{branch}.") for branch in unused)}
