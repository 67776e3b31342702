"""Networks ready to use, and the table of named variants."""

from hrnet.models.pose_hrnet import PoseHRNet
from hrnet.models.pose_resnet import PoseResNet
from hrnet.models.stacked_hourglass import StackedHourglass
from hrnet.models.variants import PoseNetwork, build_model, list_models

__all__ = ["PoseHRNet", "PoseNetwork", "PoseResNet", "StackedHourglass", "build_model", "list_models"]
