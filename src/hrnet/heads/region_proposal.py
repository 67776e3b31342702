"""The region proposal head: where on the pyramid there may be an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from hrnet.nn.initialization import initialize_normal


class ProposalOutput(NamedTuple):
    """What the region proposal head says of every anchor, per level, finest first.

    Attributes:
        logits: (B, A, h, w), objectness before the sigmoid.
        deltas: (B, 4 A, h, w), (dx, dy, dw, dh) of anchor a in channels 4a .. 4a + 3: shift of the centre in units of the
            anchor's size, and logarithm of the change of size.
    """

    logits: list[Tensor]
    deltas: list[Tensor]


class RegionProposalHead(nn.Module):
    """A 3x3 convolution and two 1x1 convolutions, shared by all levels (Ren et al., "Faster R-CNN", NIPS 2015, section 3.1).

    Shape: levels (B, channels, h, w) to a `ProposalOutput` with A = ``num_anchors`` anchors per pixel.
    """

    def __init__(self, channels: int = 256, num_anchors: int = 3) -> None:
        super().__init__()
        self.rpn_conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.rpn_cls = nn.Conv2d(channels, num_anchors, 1)
        self.rpn_reg = nn.Conv2d(channels, 4 * num_anchors, 1)
        self.relu = nn.ReLU(inplace=True)
        initialize_normal(self, std=0.01)

    def forward(self, levels: Sequence[Tensor]) -> ProposalOutput:
        hidden = [self.relu(self.rpn_conv(level)) for level in levels]
        return ProposalOutput([self.rpn_cls(x) for x in hidden], [self.rpn_reg(x) for x in hidden])
