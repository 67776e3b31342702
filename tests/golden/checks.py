"""A network against its record: how it is filled, what it gives away while it runs, how it trains, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from golden.filled import filled_array, filled_input
from golden.networks import assert_recorded
from torch import Tensor, nn


def shapes_of(network: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """Keys and shapes of the state dict in their order; compare with ``list(manifest(name).items())``."""
    return [(key, tuple(tensor.shape)) for key, tensor in network.state_dict().items()]


def same_key(key: str) -> str:
    return key


def fill(network: nn.Module, recorded_key: Callable[[str], str | None] = same_key) -> nn.Module:
    """Give ``network``, which may be on the meta device, the weights of the record; the network itself comes back.

    ``recorded_key`` says what the recorded network calls an entry, or None for one that it lacks: that becomes zero.
    """
    state = {}
    for key, shape in shapes_of(network):
        recorded = recorded_key(key)
        state[key] = torch.zeros(shape) if recorded is None else torch.from_numpy(filled_array(recorded, shape))
    network.load_state_dict(state, strict=True, assign=True)
    return network


def outputs_of(output: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
    """The outputs by the names of the record: fields of a named tuple, ``output0`` ..., stacks, or just ``output``."""
    if isinstance(output, Tensor):
        stacks = output.unbind(1) if output.ndim == 5 else ()
        return {"output": output, **{f"stack{stack}": tensor for stack, tensor in enumerate(stacks)}}
    if hasattr(output, "_asdict"):
        return output._asdict()  # pyright: ignore[reportAttributeAccessIssue]
    return {f"output{index}": tensor for index, tensor in enumerate(output)}


def recorded_tensors(network: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The outputs, and what leaves layer1 and the stages, by the names of the record."""
    tensors: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor | list[Tensor]) -> None:
            if isinstance(output, Tensor):
                tensors[name] = output
            else:
                tensors.update({f"{name}.{branch}": tensor for branch, tensor in enumerate(output)})

        return hook

    handles = [
        module.register_forward_hook(keep(name))
        for name, module in network.named_children()
        if name in ("layer1", "stage2", "stage3", "stage4")
    ]
    output = network(x)
    for handle in handles:
        handle.remove()
    return {**tensors, **outputs_of(output)}


def assert_computes(case: dict[str, Any], network: nn.Module, names: Mapping[str, str] | None = None) -> None:
    """Fail unless the filled network gives every recorded tensor of an ``eval`` case.

    ``names`` translates names of the record to those of `recorded_tensors`, where another toolkit has its own.
    """
    with torch.no_grad():
        tensors = recorded_tensors(network.eval(), filled_input(**case["input"]))
    for record in case["tensors"]:
        name: str = record["name"]
        assert_recorded(case, record, tensors[names.get(name, name) if names else name])


def multiply_accumulates(network: nn.Module, shape: list[int]) -> tuple[int, int, int]:
    """Multiply-accumulates of all layers, of transposed convolutions, and of all as the papers' counter sees them.

    The papers' tool charges a transposed convolution at every position of its output, stride squared times too often.
    """
    total = transposed = overcounted = 0

    def count(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal total, transposed, overcounted
        if isinstance(module, nn.ConvTranspose2d):
            per_pixel = module.weight[0].numel()
            transposed += inputs[0].numel() * per_pixel
            overcounted += output.numel() * module.in_channels * module.weight[0, 0].numel()
        else:
            assert isinstance(module, (nn.Conv2d, nn.Linear))
            total += output.numel() * module.weight[0].numel()

    counted = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
    handles = [module.register_forward_hook(count) for module in counted]
    network.eval()(torch.empty(shape, device="meta"))
    for handle in handles:
        handle.remove()
    return total + transposed, transposed, total + overcounted


def assert_sizes(facts: dict[str, Any], network: nn.Module) -> None:
    """Fail unless a network on the meta device has the recorded numbers of parameters and multiply-accumulates."""
    assert sum(parameter.numel() for parameter in network.parameters()) == facts["params"]
    for recorded in facts.get("macs", []):
        total, transposed, as_published = multiply_accumulates(network, recorded["input"])
        assert total == recorded["macs"]
        assert transposed == recorded.get("deconv_macs", 0)
        assert as_published == recorded.get("macs_official_counter", recorded["macs"])


def assert_trains_in_single_precision(case: dict[str, Any], network: nn.Module) -> None:
    """Fail unless a training step of the filled network gives the recorded loss, gradients and running means."""
    loss = _training_step(network, filled_input(**case["input"]))
    assert loss == pytest.approx(case["loss"], rel=1e-4)
    parameters = dict(network.named_parameters())
    # Gradients of the first layers are ill-conditioned in single precision: the reference's own are off by 4e-3.
    for key, norm in case["grad_l2"].items():
        assert _gradient_norm(parameters[key]) == pytest.approx(norm, rel=2e-2), key
    without = [key for key, parameter in parameters.items() if parameter.grad is None]
    assert len(without) == case["parameters_without_gradient"]["count"]
    first = case["parameters_without_gradient"]["first"]
    assert without[: len(first)] == first
    state = network.state_dict()
    for record in case["tensors"]:
        assert_recorded(case, record, state[record["name"]])


def assert_trains_in_double_precision(case: dict[str, Any], network: nn.Module) -> None:
    """The same in float64, where rounding hides nothing."""
    network = network.double()
    recorded = case["fp64"]
    assert _training_step(network, filled_input(**case["input"]).double()) == pytest.approx(recorded["loss"], rel=1e-5)
    parameters = dict(network.named_parameters())
    for key, norm in recorded["grad_l2"].items():
        assert _gradient_norm(parameters[key]) == pytest.approx(norm, rel=1e-5), key
    state = network.state_dict()
    for key, norm in recorded["running_mean_l2"].items():
        assert state[key].norm().item() == pytest.approx(norm, rel=1e-5), key


def _training_step(network: nn.Module, x: Tensor) -> float:
    """Backpropagate the sum of the outputs' mean squares, without dropout; the loss."""
    for module in network.modules():
        if isinstance(module, (nn.Dropout, nn.Dropout2d)):
            module.p = 0.0
    output = network.train()(x)
    outputs = [output] if isinstance(output, Tensor) else list(output)
    loss = torch.stack([tensor.square().mean() for tensor in outputs]).sum()
    loss.backward()
    return loss.item()


def _gradient_norm(parameter: nn.Parameter) -> float:
    assert parameter.grad is not None
    return parameter.grad.norm().item()
