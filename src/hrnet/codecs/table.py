"""Codecs by name, as recipes and checkpoints state them."""

from __future__ import annotations

from hrnet.codecs.dark import DarkCodec
from hrnet.codecs.face_heatmap import FaceDarkCodec, FaceHeatmapCodec
from hrnet.codecs.heatmap import HeatmapCodec
from hrnet.codecs.quarter_offset import QuarterOffsetCodec
from hrnet.codecs.specification import CodecName, CodecSpec
from hrnet.codecs.udp import UDPCodec, UDPCombinedCodec


def build_codec(spec: CodecSpec) -> HeatmapCodec:
    """Build the codec that ``spec`` describes."""
    sizes = (spec.input_size, spec.heatmap_size, spec.sigma)
    kernel = spec.blur_kernel or (11 if spec.sigma <= 2 else 17)
    match spec.name:
        case "quarter_offset":
            return QuarterOffsetCodec(*sizes)
        case "quarter_offset_mmpose":
            return QuarterOffsetCodec(*sizes, independent_axes=True)
        case "dark":
            return DarkCodec(*sizes, blur_kernel=kernel)
        case "udp":
            return UDPCodec(*sizes, blur_kernel=kernel)
        case "udp_combined":
            return UDPCombinedCodec(*sizes)
        case "face_landmarks":
            return FaceHeatmapCodec(*sizes)
        case "face_landmarks_dark":
            return FaceDarkCodec(*sizes) if spec.blur_kernel is None else FaceDarkCodec(*sizes, blur_kernel=spec.blur_kernel)
    raise ValueError(f"codec must be one of {', '.join(CodecName.__args__)}; got {spec.name!r}")  # pyright: ignore
