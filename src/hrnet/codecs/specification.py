"""What a recipe or a checkpoint states about its codec. Plain data: nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CodecName = Literal[
    "quarter_offset", "quarter_offset_mmpose", "dark", "udp", "udp_combined", "face_landmarks", "face_landmarks_dark"
]

_HEATMAP_STRIDE = 4


@dataclass(frozen=True)
class CodecSpec:
    """How keypoints become heatmaps; what a checkpoint states so that its outputs are read as it was trained.

    Attributes:
        name: kind of codec.
        input_size: (height, width) of the network's input.
        sigma: of the Gaussian mark, heatmap pixels; 2 for 256x192 and 256x256, 3 for 384x288 in the papers.
        blur_kernel: smoothing of the DARK and UDP decoders; None for the papers' choice, 11 up to sigma 2, else 17.
    """

    name: CodecName = "quarter_offset"
    input_size: tuple[int, int] = (256, 192)
    sigma: float = 2.0
    blur_kernel: int | None = None

    def __post_init__(self) -> None:
        if any(side < 32 for side in self.input_size):
            raise ValueError(f"input_size is (height, width) of at least 32 pixels, got {self.input_size}")
        if self.sigma <= 0:
            raise ValueError(f"sigma must be positive, got {self.sigma}")

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """(height, width) of the heatmaps: stride 4, rounded up."""
        height, width = self.input_size
        return -(-height // _HEATMAP_STRIDE), -(-width // _HEATMAP_STRIDE)
