"""Metrics with ``update`` and ``compute``. NumPy only; `hrnet.metrics.heatmap_pck`, which needs torch, is imported by name."""

from hrnet.metrics.average_precision import AveragePrecisionResult, KeypointAveragePrecision
from hrnet.metrics.crowd_average_precision import CrowdAveragePrecision, CrowdAveragePrecisionResult
from hrnet.metrics.interface import Metric, MetricResult
from hrnet.metrics.multi_person_average_precision import MultiPersonAveragePrecision
from hrnet.metrics.nme import NMEResult, NormalizedMeanError
from hrnet.metrics.oks import oks, oks_to_ground_truth
from hrnet.metrics.pck import PCK, PCKResult
from hrnet.metrics.pckh import PCKh, PCKhResult
from hrnet.metrics.pose_error_result import PoseErrorResult
from hrnet.metrics.pose_errors import PoseErrors

__all__ = [
    "PCK",
    "AveragePrecisionResult",
    "CrowdAveragePrecision",
    "CrowdAveragePrecisionResult",
    "KeypointAveragePrecision",
    "Metric",
    "MetricResult",
    "MultiPersonAveragePrecision",
    "NMEResult",
    "NormalizedMeanError",
    "PCKResult",
    "PCKh",
    "PCKhResult",
    "PoseErrorResult",
    "PoseErrors",
    "oks",
    "oks_to_ground_truth",
]
