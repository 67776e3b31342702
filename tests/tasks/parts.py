"""Tiny tasks on one body, without data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.tasks.bottom_up import BottomUpPose, build_tagging_network
from hrnet.tasks.multi_task import MultiTask, build_shared_body
from hrnet.tasks.pose import TopDownPose, build_pose_network
from hrnet.tasks.task import Task
from hrnet.weights.bottom_up_card import BottomUpCard
from hrnet.weights.pose_card import PoseCard
from hrnet.weights.writing import write_checkpoint

BODY = "hrnet_w18_small_v1"
LSP, COCO = keypoint_set("lsp"), keypoint_set("coco")
SIZE = 64


def single_task(architecture: str = "pose_hrnet_w18_small_v1") -> TopDownPose:
    card = PoseCard(architecture, LSP, CodecSpec(input_size=(SIZE, SIZE)), flip_test=False)
    return TopDownPose(build_pose_network(card), card)


def group_task(keypoints: str = "lsp") -> BottomUpPose:
    card = BottomUpCard("higher_hrnet_w18_small_v1", keypoint_set(keypoints), input_size=SIZE, flip_test=False)
    return BottomUpPose(build_tagging_network(card), card)


def multi_task(upsampling: str | None = None, seed: int = 0, **parts: Task) -> MultiTask:
    """Parts on one body; every number of the network is drawn, so that no two layers do the same."""
    torch.manual_seed(seed)
    task = MultiTask(build_shared_body(BODY, parts, upsampling), BODY, parts)
    state = task.network.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_var"):
            state[name] = torch.rand_like(tensor) + 0.5
        elif tensor.is_floating_point():
            state[name] = torch.randn_like(tensor) / max(1, tensor[0].numel()) ** 0.5 * 0.8 if tensor.ndim > 1 else tensor + 0.1
    task.network.load_state_dict(state)
    return task


def write_parts_file(path: Path, task: MultiTask) -> Path:
    return write_checkpoint(path, task.network.state_dict(), task.texts())


def batch_of(task: Task, part: str, size: int = 2, seed: int = 0) -> dict[str, Any]:
    """A training batch of a part of `multi_task`."""
    draws = np.random.default_rng(seed)
    image = torch.from_numpy(draws.integers(0, 256, (size, SIZE, SIZE, 3), np.uint8))
    points = torch.from_numpy(draws.uniform(8, 56, (size, 14, 2)).astype(np.float32))
    batch: dict[str, Any] = {"part": [part] * size, "index": torch.arange(size), "image": image}
    batch["to_image"] = torch.eye(2, 3, dtype=torch.float64).repeat(size, 1, 1)
    if isinstance(task, TopDownPose):
        absent = torch.zeros(size, 14, dtype=torch.bool)
        return batch | {"keypoints": points, "visibility": torch.ones(size, 14), "absent": absent}
    assert isinstance(task, BottomUpPose)
    people = torch.zeros(size, 30, 14, 2)
    people[:, 0] = points
    visible = torch.zeros(size, 30, 14)
    visible[:, 0] = 1
    masks = {
        "masks": [torch.ones(size, side, side, dtype=torch.bool) for side in (16, 32)],
        "mirrored": torch.zeros(size, dtype=torch.bool),
    }
    return batch | {"keypoints": people, "visibility": visible, "sigmas": torch.ones(size, 30)} | masks
