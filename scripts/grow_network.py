"""Turn weights of a small HRNet into those of a wider and deeper one that computes the same, as the start of its training.

    python scripts/grow_network.py pose_hrnet_w18_small_v1.lspet_256x192 pose_hrnet_w18_small_v2 grown.safetensors

Function-preserving growth (Chen, Goodfellow and Shlens, "Net2Net", ICLR 2016): what is there is copied into the first
channels, which read nothing of the new ones; new blocks and exchange modules begin as the identity, because the BatchNorm
before each of their sums begins with weight 0.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from hrnet.models import build_model
from hrnet.weights import load_pose, save_checkpoint

_LAST_STAGE = "stage4."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="name or file of top-down weights")
    parser.add_argument("architecture", help="of the same family, at least as wide and deep")
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="of the new channels")
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    network, card = load_pose(arguments.source)
    larger = build_model(arguments.architecture, card.num_outputs).eval()
    grow(network, larger)
    height, width = card.codec.input_size
    picture = torch.randn(1, 3, height, width)
    with torch.inference_mode():
        difference = (network(picture) - larger(picture)).abs().max().item()
    print(f"{card.architecture} -> {arguments.architecture}: outputs differ by {difference:.1e}")
    save_checkpoint(arguments.output, larger, replace(card, architecture=arguments.architecture, metrics={}))


def grow(network: nn.Module, larger: nn.Module) -> None:
    """Give ``larger`` weights with which it computes what ``network`` does.

    Raises:
        ValueError: a layer of ``network`` is wider than that of ``larger``, or has no counterpart there.
    """
    small, large = network.state_dict(), larger.state_dict()
    # The last module of the last stage has other outputs than those before it, so it stays the last.
    shift = _modules(large) - _modules(small)
    renamed = {_moved(name, shift): tensor for name, tensor in small.items()}
    if not renamed.keys() <= large.keys():
        raise ValueError(f"the larger network has no {', '.join(sorted(renamed.keys() - large.keys())[:3])}")
    for name, tensor in large.items():
        if name in renamed:
            _embed(name, renamed[name], tensor)
        elif _ends_a_sum(name, large):
            tensor.zero_()


def _modules(state: dict[str, Tensor]) -> int:
    return 1 + max(int(name.split(".")[1]) for name in state if name.startswith(_LAST_STAGE))


def _moved(name: str, shift: int) -> str:
    if not name.startswith(_LAST_STAGE):
        return name
    stage, module, rest = name.split(".", 2)
    return f"{stage}.{int(module) + shift}.{rest}"


def _embed(name: str, small: Tensor, large: Tensor) -> None:
    """Copy into the first channels; old outputs do not read new inputs."""
    if any(a > b for a, b in zip(small.shape, large.shape, strict=True)):
        raise ValueError(f"{name} is wider than in the larger network: {tuple(small.shape)} against {tuple(large.shape)}")
    if small.ndim == 4:
        large[: small.shape[0]] = 0
    large[tuple(slice(side) for side in small.shape)] = small


def _ends_a_sum(name: str, state: dict[str, Tensor]) -> bool:
    """Whether this is the weight of a BatchNorm whose output is added to another tensor, in a block or an exchange."""
    if re.search(r"\.bn2\.weight$", name):
        return name.replace(".bn2.", ".bn3.") not in state
    if re.search(r"\.bn3\.weight$", name):
        return True
    found = re.search(r"^(.*\.fuse_layers\.(\d+)\.(\d+)\.)(?:(\d+)\.)?1\.weight$", name)
    if found is None:
        return False
    prefix, target, source, step = found.groups()
    if int(source) > int(target):
        return step is None
    return step is not None and f"{prefix}{int(step) + 1}.1.weight" not in state


if __name__ == "__main__":
    main()
