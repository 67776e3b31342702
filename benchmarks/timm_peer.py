"""timm's HRNet as the peer to compare with: built at the same size, with its weights in our networks as well."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet
from hrnet.inference.acceleration import prepare_network
from hrnet.models import PoseHRNet, build_model

CHANNELS_LAST = torch.channels_last
RESIDUAL_END = r"layer1\.\d+\.bn3$|branches\.\d+\.\d+\.bn2$"
"""The last BatchNorm of each residual block."""


class TimmBranches(nn.Module):
    """timm's body and nothing else: its four branches, as a plain user of ``features_only`` gets them.

    An empty ``feature_location`` leaves out the ``incre_modules`` that timm puts behind the branches otherwise, so that the
    work equals that of our body with all outputs.
    """

    def __init__(self, timm_name: str) -> None:
        super().__init__()
        import timm

        self.body = timm.create_model(timm_name, features_only=True, feature_location="", pretrained=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.body(x)[-4:]  # before them comes the stem


class TimmPose(nn.Module):
    """A 1x1 head on timm's finest branch: heatmaps. The other three branches are computed all the same."""

    def __init__(self, branches: TimmBranches, head: nn.Conv2d) -> None:
        super().__init__()
        self.branches = branches
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.branches(x)[0])


@dataclass(frozen=True)
class Candidate:
    """A network and how a plain loop feeds it."""

    network: nn.Module
    dtype: torch.dtype
    memory_format: torch.memory_format

    def inputs(self, x: Tensor) -> Tensor:
        return x.to(self.dtype).contiguous(memory_format=self.memory_format)


@dataclass(frozen=True)
class Peers:
    """The networks of one size, all with the same weights, in float32.

    Attributes:
        timm_branches, timm_pose: timm's.
        branches: our body with all four outputs; does the same work as ``timm_branches``.
        pose: our pose network (V1); leaves out the fusion into the three coarser branches, which nothing reads.
    """

    timm_branches: TimmBranches
    timm_pose: TimmPose
    branches: HRNet
    pose: PoseHRNet


def timm_name(model: str) -> str:
    """timm's name for one of our HRNets. Raises ValueError for networks that timm does not have."""
    match = re.fullmatch(r"pose_hrnet_(w18_small)_v1|pose_hrnet_(w18_small_v2|w\d+)", model)
    if match is None:
        raise ValueError(f"timm has no network like {model!r}; take a pose_hrnet_w18, _w32, _w48, _w18_small_v1 ...")
    return f"hrnet_{match[1] or match[2]}"


def build_peers(model: str, num_keypoints: int, input_size: tuple[int, int]) -> Peers:
    """Build timm's network and ours with timm's (random) weights.

    BatchNorm gets the statistics of random inputs, and residual blocks a small say beside their shortcuts, so that numbers keep
    their size and rounding is magnified no more than in a trained network.
    """
    torch.manual_seed(0)
    theirs = TimmBranches(timm_name(model))
    pose = build_model(model, num_keypoints)
    if not isinstance(pose, PoseHRNet):
        raise ValueError(f"{model} is no HRNet")
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    for name, module in theirs.named_modules():
        if isinstance(module, nn.BatchNorm2d) and re.search(RESIDUAL_END, name):
            nn.init.constant_(module.weight, 0.2)
    with torch.no_grad():
        theirs.train()(torch.randn(4, 3, *input_size))
    theirs.eval()
    state = theirs.body.state_dict()
    branches = HRNet(replace(pose.spec, outputs="all"))
    branches.load_state_dict(state)
    left_over = pose.load_state_dict(state, strict=False)
    unused = [key for key in left_over.unexpected_keys if not re.match(r"stage4\.\d+\.fuse_layers\.[123]\.", key)]
    if unused or set(left_over.missing_keys) != {"final_layer.weight", "final_layer.bias"}:
        raise RuntimeError(f"timm's weights do not fit {model}: unused {unused}, missing {left_over.missing_keys}")
    nn.init.normal_(pose.final_layer.weight, std=0.1)
    return Peers(theirs, TimmPose(theirs, copy.deepcopy(pose.final_layer)).eval(), branches.eval(), pose.eval())


def candidates(peers: Peers, device: torch.device, reduced: torch.dtype | None) -> dict[str, Candidate]:
    """Everything to time on ``device``; what runs in bfloat16 is left out where the device is slow at it."""
    float32, plain = torch.float32, torch.contiguous_format
    found: dict[str, Candidate] = {}
    for kind, network in (("backbone", peers.timm_branches), ("backbone + 1x1 head", peers.timm_pose)):

        def eager(dtype: torch.dtype, layout: torch.memory_format, network: nn.Module = network) -> Candidate:
            moved = copy.deepcopy(network).to(device=device, dtype=dtype).to(memory_format=layout)  # pyright: ignore[reportCallIssue]
            return Candidate(moved, dtype, layout)

        found[f"timm {kind}, float32"] = eager(float32, plain)
        found[f"timm {kind}, float32 channels-last"] = eager(float32, CHANNELS_LAST)
        if reduced is not None:
            found[f"timm {kind}, bfloat16 channels-last"] = eager(reduced, CHANNELS_LAST)
    for kind, network in (("backbone, all branches", peers.branches), ("pose network (V1)", peers.pose)):
        found[f"hrnet {kind}, float32"] = Candidate(prepare_network(network, device, False), float32, CHANNELS_LAST)
        if reduced is not None:
            found[f"hrnet {kind}, bfloat16"] = Candidate(prepare_network(network, device, True), reduced, CHANNELS_LAST)
    return found


def compare_outputs(found: dict[str, Candidate], x: Tensor) -> list[dict[str, float | str]]:
    """How far each candidate is from timm's float32 numbers, in standard deviations; the worst of several branches counts.

    Candidates of one kind (branches, heatmaps) have the same weights, so float32 must agree up to rounding, and bfloat16 as
    well as timm's own bfloat16 does.
    """

    def output(candidate: Candidate) -> list[Tensor]:
        maps = candidate.network(candidate.inputs(x))
        return [part.float() for part in maps] if isinstance(maps, (list, tuple)) else [maps.float()]

    entries: list[dict[str, float | str]] = []
    with torch.inference_mode():
        references = {
            4: output(found["timm backbone, float32"]),
            1: output(found["timm backbone + 1x1 head, float32"]),
        }
        for name, candidate in found.items():
            maps = output(candidate)
            pairs = list(zip(maps, references[len(maps)], strict=True))
            largest = max(((own - theirs).abs().max() / theirs.std()).item() for own, theirs in pairs)
            rms = max(((own - theirs).square().mean().sqrt() / theirs.std()).item() for own, theirs in pairs)
            entries.append({"name": name, "largest_difference": largest, "rms_difference": rms})
    return entries
