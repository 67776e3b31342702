"""Bottom-up pose on stacked hourglasses: heatmaps and tags that say which keypoints belong together."""

from __future__ import annotations

from torch import nn

from hrnet.backbones.hourglass import ConvUnit, Hourglass, HourglassStack, halving
from hrnet.nn.initialization import initialize

MAPS_PER_KEYPOINT = 4


class PoseAE(HourglassStack):
    """Associative embedding network (Newell et al., "Associative Embedding", NeurIPS 2017, section 4.1).

    Hourglasses that widen by 128 channels at every halving, of plain convolutions with bias and without BatchNorm.

    Every stack predicts four maps per keypoint. Channels 0..K-1 are heatmaps and K..2K-1 tags, the rest is neither
    trained nor used by the reference and only there because published state dicts have it.

    Shape: (B, in_channels, H, W), any size, to (B, num_stacks, 4 K, H / 4, W / 4), rounded up; the last stack is the one to
    decode, all are supervised. The reference takes pictures in 0..1 without mean and std.
    """

    def __init__(
        self,
        num_stacks: int = 4,
        num_keypoints: int = 17,
        channels: int = 256,
        growth: int = 128,
        in_channels: int = 3,
    ) -> None:
        pre = nn.Sequential(
            ConvUnit(in_channels, 64, 7, 2), ConvUnit(64, 128), halving(), ConvUnit(128, 128), ConvUnit(128, channels)
        )
        stages = {
            "features": lambda: nn.Sequential(
                Hourglass(4, channels, growth, ConvUnit), ConvUnit(channels, channels), ConvUnit(channels, channels)
            )
        }
        super().__init__(pre, stages, num_stacks, channels, MAPS_PER_KEYPOINT * num_keypoints)
        self.num_keypoints = num_keypoints
        # Nothing normalises the stream, so it starts as one that stacks barely change; merged at full strength it would grow
        # fourfold with each of them.
        initialize(self, outputs=("outs", "merge_features", "merge_preds"))
