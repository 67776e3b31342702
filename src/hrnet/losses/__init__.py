"""Losses: outputs and targets to named scalars."""

from hrnet.losses.heatmap import CombinedTargetLoss, HeatmapMSELoss
from hrnet.losses.mirror import MirrorLoss

__all__ = ["CombinedTargetLoss", "HeatmapMSELoss", "MirrorLoss"]
