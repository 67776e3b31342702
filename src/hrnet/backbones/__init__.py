"""Backbones: images to lists of feature maps, finest first."""

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.backbones.resnet import ResNet

__all__ = ["HRNet", "HRNetSpec", "ResNet"]
