"""Networks that grow keep what they compute, and their new parts can learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hrnet.backbones.hrnet import HRNetSpec
from hrnet.models.pose_hrnet import PoseHRNet

ROOT = Path(__file__).parents[2]


def network(
    width: int, modules: tuple[int, int, int] = (1, 1, 1), *, blocks: int = 1, stage1_blocks: int = 1, stage1_planes: int = 8
) -> PoseHRNet:
    torch.manual_seed(width)
    built = PoseHRNet(HRNetSpec(width, stage1_blocks, stage1_planes, modules, blocks), 5)
    for module in built.modules():  # statistics as of a trained network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)  # pyright: ignore[reportOptionalMemberAccess]
            module.running_var.uniform_(0.5, 2)  # pyright: ignore[reportOptionalMemberAccess]
    torch.nn.init.normal_(built.final_layer.weight)
    return built.eval()


@pytest.mark.parametrize(
    "larger",
    [
        network(6),
        network(4, blocks=2),
        network(4, stage1_planes=12, stage1_blocks=2),
        network(4, (2, 2, 3)),
        network(5, (1, 3, 2)),
    ],
    ids=["wider", "more blocks", "larger first stage", "more modules", "all"],
)
def test_growth_preserves_the_function(script: Any, larger: PoseHRNet) -> None:
    small = network(4)
    script.grow(small, larger)
    picture = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        expected, found = small(picture), larger(picture)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_new_parts_get_gradients(script: Any) -> None:
    small, larger = network(4), network(5, (1, 2, 2), blocks=2)
    script.grow(small, larger)
    larger(torch.randn(2, 3, 64, 64)).square().mean().backward()
    new = [name for name, _ in larger.named_parameters() if name.startswith("stage3.1.") and name.endswith("bn2.weight")]
    assert new
    assert all(larger.get_parameter(name).grad.abs().max() > 0 for name in new)  # pyright: ignore[reportOptionalMemberAccess]


def test_networks_do_not_shrink(script: Any) -> None:
    with pytest.raises(ValueError, match="wider than in the larger network"):
        script.grow(network(6), network(4))
    with pytest.raises(ValueError, match="the larger network has no"):
        script.grow(network(4, blocks=2), network(4))
