"""Devices, precision, and that the network rewritten for speed computes the same."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from hrnet.inference import acceleration
from hrnet.inference.acceleration import fold_batch_norms, prepare_network, reduced_precision, resolve_device
from hrnet.models import build_model

CPU = torch.device("cpu")
# Every body: the widths of HRNet and the depths of ResNet repeat the same blocks.
ARCHITECTURES = ["pose_hrnet_w4", "pose_hrnet_w18_small_v1", "pose_hrnet_w18_small_v2", "pose_resnet50", "stacked_hourglass_2"]


def lively(network: nn.Module) -> nn.Module:
    """Statistics as after training: none of them 0 or 1."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)  # pyright: ignore[reportArgumentType]
            nn.init.uniform_(module.running_var, 0.5, 1.5)  # pyright: ignore[reportArgumentType]
    return network.eval()


@torch.inference_mode()
def outputs(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    return network(inputs).float()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_folding_changes_nothing_but_rounding(name: str) -> None:
    plain = lively(build_model(name, 5))
    inputs = torch.randn(2, 3, 64, 64)
    expected = outputs(plain, inputs)
    before = sum(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
    prepared = prepare_network(plain, CPU, reduce_precision=False)
    left = sum(isinstance(module, nn.BatchNorm2d) for module in prepared.modules())
    # A hourglass normalises before it convolves, where nothing can be folded; everywhere else nothing is left.
    assert left == 0 if "hourglass" not in name else 0 < left < before
    assert sum(isinstance(module, nn.BatchNorm2d) for module in plain.modules()) == before
    assert not any(parameter.requires_grad for parameter in prepared.parameters())
    error = (outputs(prepared, inputs) - expected).abs().max()
    assert error <= 1e-4 * expected.std()


def test_bfloat16_is_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "reduced_precision", lambda device: torch.bfloat16)
    plain = lively(build_model("pose_hrnet_w18_small_v1", 5))
    inputs = torch.randn(2, 3, 64, 64)
    expected = outputs(plain, inputs)
    prepared = prepare_network(plain, CPU, reduce_precision=True)
    assert all(parameter.dtype == torch.bfloat16 for parameter in prepared.parameters())
    found = outputs(prepared, inputs.bfloat16())
    assert (found - expected).std() <= 0.05 * expected.std()


def test_without_fast_bfloat16_float32_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "reduced_precision", lambda device: None)
    said: list[str] = []
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    prepared = prepare_network(network, CPU, reduce_precision=True, announce=said.append)
    assert next(prepared.parameters()).dtype == torch.float32
    assert said == ["cpu has no fast bfloat16 here: predicting in float32"]
    prepare_network(network, CPU, reduce_precision=False, announce=said.append)
    assert len(said) == 1


def test_only_a_norm_right_after_its_convolution_is_folded() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
            self.path = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.BatchNorm2d(4))
            self.up = nn.Sequential(nn.ConvTranspose2d(4, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.up(self.path(self.bn1(self.conv1(x))))

    network = lively(Block())
    inputs = torch.randn(1, 3, 9, 9)
    folded = fold_batch_norms(copy.deepcopy(network))
    torch.testing.assert_close(outputs(folded, inputs), outputs(network, inputs))
    assert isinstance(folded.bn1, nn.Identity)
    assert isinstance(folded.path[2], nn.BatchNorm2d)  # pyright: ignore[reportIndexIssue]
    assert isinstance(folded.up[1], nn.Identity)  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, False, "cuda"), (True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_fastest(cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto").type == expected


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "cpu:x", ""])
def test_devices_that_are_not_there(device: str) -> None:
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda, cuda:N or mps"):
        resolve_device(device)


@pytest.mark.parametrize(("capability", "expected"), [((9, 0), torch.bfloat16), ((8, 0), torch.bfloat16), ((7, 5), None)])
def test_bfloat16_on_gpus_that_have_it(
    capability: tuple[int, int], expected: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert reduced_precision(torch.device("cuda")) == expected
    assert reduced_precision(torch.device("mps")) is None


@pytest.mark.parametrize("answer", [lambda: True, lambda: False, None])
def test_bfloat16_on_cpus_that_have_it(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", answer, raising=False)
    expected = torch.bfloat16 if callable(answer) and answer() else None
    assert reduced_precision(CPU) == expected
