"""Codecs: keypoints to heatmap targets and heatmaps back to keypoints, as inverse pairs."""

from hrnet.codecs.dark import DarkCodec
from hrnet.codecs.heatmap import HeatmapCodec, HeatmapTargets
from hrnet.codecs.quarter_offset import QuarterOffsetCodec
from hrnet.codecs.specification import CodecSpec
from hrnet.codecs.table import build_codec
from hrnet.codecs.udp import UDPCodec, UDPCombinedCodec

__all__ = [
    "CodecSpec",
    "DarkCodec",
    "HeatmapCodec",
    "HeatmapTargets",
    "QuarterOffsetCodec",
    "UDPCodec",
    "UDPCombinedCodec",
    "build_codec",
]
