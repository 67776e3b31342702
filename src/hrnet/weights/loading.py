"""Put a state dict into a network: all of it and nothing else, or as a start for training on something new."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hrnet.errors import CheckpointError
from hrnet.weights.recognition import Recognition, identify

_SHOWN = 10
_HEAD_PARTS = (
    *("final_layer", "final_layers", "deconv_layers", "outs", "merge_preds", "heatmap_conv_layers", "displacement_conv_layers"),
    *("rescore_net", "head", "last_layer", "conv3x3_ocr", "ocr_distri_head", "cls_head", "aux_head", "classifier"),
    *("incre_modules", "downsamp_modules", "neck", "rpn_head", "roi_head", "bbox_head", "heads"),
)
_COUNTER = ".num_batches_tracked"

ShapeChange = tuple[str, tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class StartReport:
    """What a network took over from a checkpoint.

    Attributes:
        recognized: what the checkpoint is, None if it is of no known kind.
        loaded: names of the entries taken over.
        replaced: (name, shape in the checkpoint, shape in the network) of entries that keep their fresh weights because the
            shapes differ, such as ``final_layer.weight`` with another number of keypoints.
        missing: entries that the checkpoint does not have; they keep their fresh weights.
        unused: entries of the checkpoint that the network does not have.
        backbone_share: part of the backbone's numbers that was taken over, 0..1.
    """

    recognized: Recognition | None
    loaded: tuple[str, ...]
    replaced: tuple[ShapeChange, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    backbone_share: float

    def __str__(self) -> str:
        origin = f" from {self.recognized}" if self.recognized else ""
        lines = [f"took over {len(self.loaded)} entries{origin}, {self.backbone_share:.0%} of the backbone"]
        lines += _section("fresh, because their shapes differ", [_change(*change) for change in self.replaced])
        lines += _section("fresh, because the checkpoint lacks them", self.missing)
        lines += _section("of the checkpoint, not used", self.unused)
        return "\n".join(lines)


def load_into(network: nn.Module, state_dict: Mapping[str, Tensor], strict: bool = True) -> None:
    """Load every entry. Known layouts of other toolkits are renamed first, step counters of BatchNorm may be absent.

    A network on the meta device takes the tensors themselves (no copy: it shares memory with ``state_dict``); any other
    network copies the numbers into its own.

    Args:
        strict: False tolerates missing and unexpected entries and warns about them; shapes must fit in any case.

    Raises:
        CheckpointError: something is missing, unexpected or of another shape; the network is then as it was. The message
            lists up to ten of each and says which network the checkpoint is for.
    """
    own = network.state_dict()
    state = in_our_names(own, state_dict)
    missing, unexpected, changed = _compare(own, state)
    problems = _section("wrong shape", [_change(*change) for change in changed])
    gaps = _section("missing", missing) + _section("unexpected", unexpected)
    if problems or (gaps and strict):
        raise CheckpointError("\n".join([_fit_headline(network, state_dict), *problems, *gaps]))
    if gaps:
        warnings.warn("\n".join(["the checkpoint was loaded in part", *gaps]), stacklevel=2)
    _take(network, own, {name: state[name] for name in own if name in state})


def start_from(network: nn.Module, state_dict: Mapping[str, Tensor]) -> StartReport:
    """Take over whatever fits by name and shape, for fine-tuning with other keypoints or from ImageNet weights.

    Raises:
        CheckpointError: less than half of the backbone fits, as with another width; the network is then as it was.
    """
    own = network.state_dict()
    state = in_our_names(own, state_dict)
    missing, unused, changed = _compare(own, state)
    other_shape = {name for name, _, _ in changed}
    fitting = {name: state[name] for name in own if name in state and name not in other_shape}
    backbone = {name: tensor.numel() for name, tensor in own.items() if name.split(".")[0] not in _HEAD_PARTS}
    total = sum(backbone.values())
    share = sum(count for name, count in backbone.items() if name in fitting) / total if total else 0.0
    if share < 0.5:
        headline = f"only {share:.0%} of the backbone fits, so this is no start for it: {_fit_headline(network, state_dict)}"
        lines = _section("wrong shape", [_change(*change) for change in changed]) + _section("missing", missing)
        raise CheckpointError("\n".join([headline, *lines]))
    _take(network, own, fitting)
    return StartReport(identify(state_dict), tuple(fitting), tuple(changed), tuple(missing), tuple(unused), share)


def in_our_names(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``state`` under the names of the network ``own``, which may have its body under ``backbone.`` as detectors do."""
    found = identify(state)
    renamed = found.layout.to_ours(state) if found else dict(state)
    choices = [renamed, dict(state)]
    if "backbone.conv1.weight" in own and "conv1.weight" in renamed:
        choices.append({f"backbone.{name}": tensor for name, tensor in renamed.items()})
    elif "conv1.weight" in own and "backbone.conv1.weight" in renamed:
        choices.append({name.removeprefix("backbone."): tensor for name, tensor in renamed.items()})
    return max(choices, key=lambda names: sum(name in own for name in names))  # the first of equals


def _compare(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> tuple[list[str], list[str], list[ShapeChange]]:
    missing = [name for name in own if name not in state and not name.endswith(_COUNTER)]
    unexpected = [name for name in state if name not in own]
    changed = [
        (name, tuple(state[name].shape), tuple(tensor.shape))
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]
    return missing, unexpected, changed


def _take(network: nn.Module, own: Mapping[str, Tensor], state: dict[str, Tensor]) -> None:
    if not any(tensor.is_meta for tensor in own.values()):
        network.load_state_dict(state, strict=False)
        return
    for name, tensor in own.items():
        if name not in state and name.endswith(_COUNTER):
            state[name] = torch.zeros((), dtype=tensor.dtype)
        elif name in state and state[name].dtype != tensor.dtype:
            state[name] = state[name].to(tensor.dtype)
    network.load_state_dict(state, strict=False, assign=True)
    for parameter in network.parameters():  # what "assign" takes over keeps the flag of the network built on meta
        parameter.requires_grad_(True)


def _fit_headline(network: nn.Module, state: Mapping[str, Tensor]) -> str:
    theirs, ours = identify(state), identify(network.state_dict())
    network_name = type(network).__name__
    if ours:
        network_name = (ours.architecture or ours.family) + (f" with {ours.num_outputs} outputs" if ours.num_outputs else "")
    if theirs is None:
        names = ", ".join(list(state)[:4])
        return f"the checkpoint does not fit {network_name}, and is of no known network (it begins with {names})"
    advice = ""
    if theirs.architecture:
        outputs = [str(theirs.num_outputs)] if theirs.num_outputs else []
        options = [f"{name}={value!r}" for name, value in theirs.options.items()]
        advice = f"; build it with build_model({', '.join([repr(theirs.architecture), *outputs, *options])})"
    return f"the checkpoint does not fit {network_name}: it is {theirs}{advice}"


def _section(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    more = f", and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return [f"  {title} ({len(entries)}): {', '.join(entries[:_SHOWN])}{more}"]


def _change(name: str, theirs: tuple[int, ...], ours: tuple[int, ...]) -> str:
    return f"{name} {_size(theirs)} in the checkpoint, {_size(ours)} in the network"


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
