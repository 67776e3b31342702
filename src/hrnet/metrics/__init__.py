"""Metrics with ``update`` and ``compute``. NumPy only; `hrnet.metrics.heatmap_pck`, which needs torch, is imported by name."""

from hrnet.metrics.average_precision import AveragePrecisionResult, KeypointAveragePrecision
from hrnet.metrics.interface import Metric, MetricResult
from hrnet.metrics.nme import NMEResult, NormalizedMeanError
from hrnet.metrics.oks import oks, oks_to_ground_truth
from hrnet.metrics.pck import PCK, PCKResult
from hrnet.metrics.pckh import PCKh, PCKhResult

__all__ = [
    "PCK",
    "AveragePrecisionResult",
    "KeypointAveragePrecision",
    "Metric",
    "MetricResult",
    "NMEResult",
    "NormalizedMeanError",
    "PCKResult",
    "PCKh",
    "PCKhResult",
    "oks",
    "oks_to_ground_truth",
]
