"""Facial landmarks: the top-down task, with the loss and the whole pixels of the published face networks."""

from __future__ import annotations

import numpy as np
from torch import nn

from hrnet.codecs import HeatmapCodec
from hrnet.codecs.face_heatmap import FaceHeatmapCodec
from hrnet.geometry import Floats
from hrnet.losses import HeatmapMSELoss
from hrnet.tasks.pose import TopDownPose
from hrnet.tasks.task import Batch, Validated
from hrnet.weights.pose_card import PoseCard


class FaceLandmarks(TopDownPose):
    """A network for faces together with all that is needed to read its outputs.

    The loss is the plain mean squared error of all heatmaps (Wang et al., TPAMI 2020); with codecs other than
    `FaceHeatmapCodec`, landmarks that are not labelled do not count.

    Args:
        network, card: as of `TopDownPose`.
    """

    def __init__(self, network: nn.Module, card: PoseCard) -> None:
        super().__init__(network, card)
        if card.codec.name != "udp_combined":
            self.loss = HeatmapMSELoss(weigh_squares=True)

    def validate(self, batch: Batch) -> Validated:
        losses, found = super().validate(batch)
        return Validated(
            losses,
            {index: (landmarks_of_picture(self.codec, points), scores) for index, (points, scores) in found.items()},
        )


def landmarks_of_picture(codec: HeatmapCodec, points: Floats) -> Floats:
    """Landmarks (..., K, 2) in pixels of the picture, from what ``codec`` decoded and the crop's matrix took there.

    The published face networks mark landmarks one pixel to the right of and below where they are; their own code cuts the
    result down to whole pixels instead of taking that back.
    """
    if not isinstance(codec, FaceHeatmapCodec):
        return points
    return np.trunc(points) if codec.whole_pixels else points - 1.0
