"""The top-down task: normalisation, losses and their weights."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from hrnet.codecs import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.structures import KeypointSet
from hrnet.tasks.pose import TopDownPose
from hrnet.weights.pose_card import PoseCard

MPII = PoseCard("pose_hrnet_w18_small_v1", keypoint_set("mpii"), CodecSpec(input_size=(64, 48)))


class Constant(nn.Module):
    """Predicts the same number everywhere."""

    def __init__(self, value: float, channels: int = 16) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return self.value.expand(len(x), self.channels, x.shape[2] // 4, x.shape[3] // 4)


def batch() -> dict[str, Tensor]:
    return {
        "image": torch.zeros(2, 64, 48, 3, dtype=torch.uint8),
        "keypoints": torch.rand(2, 16, 2) * 40 + 4,
        "visibility": torch.ones(2, 16),
        "absent": torch.zeros(2, 16, dtype=torch.bool),
    }


def test_normalisation_is_mean_and_deviation_per_channel() -> None:
    images = torch.randint(0, 256, (2, 64, 48, 3), dtype=torch.uint8)
    got = TopDownPose(Constant(0.0), MPII).normalize(images)
    wanted = (images / 255 - torch.tensor(MPII.mean)) / torch.tensor(MPII.std)
    assert torch.allclose(got, wanted.permute(0, 3, 1, 2), atol=1e-5)


def test_bgr_networks_get_their_channels_turned_round() -> None:
    images = torch.randint(0, 256, (2, 64, 48, 3), dtype=torch.uint8)
    plain, turned = TopDownPose(Constant(0.0), MPII), TopDownPose(Constant(0.0), replace(MPII, channel_order="bgr"))
    assert torch.equal(turned.normalize(images), plain.normalize(images.flip(-1)))


def test_joint_weights_scale_the_loss_of_their_keypoint() -> None:
    data = batch()
    data["visibility"][:, 1:] = 0  # only the right ankle, which weighs 1.5
    plain = TopDownPose(Constant(0.2), MPII).losses(data)["total"]
    weighted = TopDownPose(Constant(0.2), MPII, joint_weights=True).losses(data)["total"]
    assert weighted.item() == pytest.approx(1.5**2 * plain.item(), rel=1e-5)


def test_keypoint_set_without_weights_is_refused() -> None:
    bare = PoseCard("pose_hrnet_w18_small_v1", KeypointSet("two", ("a", "b"), (0, 1)), CodecSpec(input_size=(64, 48)))
    with pytest.raises(ValueError, match="has no joint_weights"):
        TopDownPose(Constant(0.0, 2), bare, joint_weights=True)


def test_absent_keypoints_are_taught_to_be_empty() -> None:
    data = batch()
    data["visibility"][:] = 0
    task = TopDownPose(Constant(0.2), MPII)
    assert task.losses(data)["total"].item() == 0  # unlabelled: no opinion
    data["absent"][:] = True
    assert task.losses(data)["total"].item() == pytest.approx(0.5 * 0.2**2)


def test_mirror_loss_is_added_with_its_weight() -> None:
    data = batch()
    plain = TopDownPose(Constant(0.2), MPII).losses(data)
    losses = TopDownPose(Constant(0.2), MPII, mirror_weight=0.5).losses(data)
    assert losses["heatmaps"].item() == pytest.approx(plain["total"].item())
    assert losses["mirror"].item() == pytest.approx(math.log(2), rel=0.1)  # equal maps do not tell the sides apart
    assert losses["total"].item() == pytest.approx((losses["heatmaps"] + 0.5 * losses["mirror"]).item())
    assert plain.keys() == {"total"}


def test_mirror_loss_needs_heatmaps_alone() -> None:
    combined = replace(MPII, codec=CodecSpec(name="udp_combined", input_size=(64, 48)))
    with pytest.raises(ValueError, match="mirror_weight is not defined for codec 'udp_combined'"):
        TopDownPose(Constant(0.0, 48), combined, mirror_weight=0.1)
