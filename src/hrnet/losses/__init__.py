"""Losses: outputs and targets to named scalars."""

from hrnet.losses.heatmap import CombinedTargetLoss, HeatmapMSELoss

__all__ = ["CombinedTargetLoss", "HeatmapMSELoss"]
