"""Networks ready to use, and the table of named variants."""

from hrnet.models.face_hrnetv2 import FaceHRNetV2
from hrnet.models.pose_hrnet import PoseHRNet
from hrnet.models.pose_resnet import PoseResNet
from hrnet.models.stacked_hourglass import StackedHourglass
from hrnet.models.variants import build_model, family_of, list_models

PoseNetwork = PoseHRNet | PoseResNet | StackedHourglass | FaceHRNetV2
"""Networks that turn one crop into heatmaps of keypoints."""

__all__ = [
    "FaceHRNetV2",
    "PoseHRNet",
    "PoseNetwork",
    "PoseResNet",
    "StackedHourglass",
    "build_model",
    "family_of",
    "list_models",
]
