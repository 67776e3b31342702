"""Segmentation heads rewritten for prediction: the same function with less work and less memory.

HRNetV2's heads enlarge the three coarse branches, concatenate all four and convolve. A convolution of a concatenation is the
sum of one convolution per branch, and a 1x1 convolution commutes with resizing: each branch is convolved where it is small.
A 3x3 convolution does not commute, but resizing works on rows and columns one after the other, so a branch can be enlarged
along its columns, be convolved with three columns of weights while it is still narrow, and be enlarged along its rows then.
What follows looks at every pixel on its own and is done for a few rows at a time, which stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrnet.heads.object_context import ObjectContextHead, gather_objects
from hrnet.inference.resized_rows import resize_rows, strips
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.models.seg_hrnet_ocr import SegHRNetOCR

_CPU_STRIP = 2**22
_GPU_STRIP = 2**28
"""Numbers in the widest map of a strip."""


def accelerate_segmentation(network: nn.Module) -> nn.Module:
    """The network with its head rewritten, or itself if it is none that can be.

    Args:
        network: for inference alone, BatchNorms folded (`hrnet.inference.acceleration.prepare_network`); its layers are shared.

    Returns:
        (B, in_channels, H, W) to logits (B, num_classes, H / 4, W / 4); of networks with the OCR head the final ones.
    """
    if isinstance(network, SegHRNet):
        return _Rewritten(network, _PerPixelHead(network.last_layer, network))
    if isinstance(network, SegHRNetOCR):
        return _Rewritten(network, _ObjectContext(network))
    return network


class _Rewritten(nn.Module):
    def __init__(self, body: SegHRNet | SegHRNetOCR, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body.features(x))


class _PerPixelHead(nn.Module):
    """`hrnet.heads.per_pixel.per_pixel_layers` on the concatenation of the branches."""

    def __init__(self, layers: nn.Sequential, network: SegHRNet | SegHRNetOCR) -> None:
        super().__init__()
        self.first = _PointwiseOverBranches(_conv(layers[0]), network)
        self.between = layers[1]  # nothing, where BatchNorms are folded
        self.last = _conv(layers[3])

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        convolved = self.first(features)
        parts = [
            self.last(self.between(self.first.rows(convolved, start, stop)).relu_())
            for start, stop in _strips_of(features[0], self.last.in_channels)
        ]
        return torch.cat(parts, dim=2)


class _ObjectContext(nn.Module):
    """The OCR head without its auxiliary output."""

    def __init__(self, network: SegHRNetOCR) -> None:
        super().__init__()
        self.aux_head = _PerPixelHead(network.aux_head, network)
        self.pixels = _ColumnwiseOverBranches(_conv(network.conv3x3_ocr[0]), network)
        self.between = network.conv3x3_ocr[1]
        self.context: ObjectContextHead = network.ocr_distri_head
        self.cls_head = network.cls_head

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        spans = list(_strips_of(features[0], 3 * self.cls_head.in_channels))
        parts = [self.between(self.pixels.rows(features, start, stop)).relu_() for start, stop in spans]
        pixels = torch.cat(parts, dim=2)
        objects = gather_objects(pixels, self.aux_head(features))
        return torch.cat([self.cls_head(self.context(pixels[:, :, a:b], objects)) for a, b in spans], dim=2)


class _PointwiseOverBranches(nn.Module):
    """A 1x1 convolution of the concatenated branches, in two steps: branch by branch, then rows of the sum."""

    def __init__(self, conv: nn.Conv2d, network: SegHRNet | SegHRNetOCR) -> None:
        super().__init__()
        self.align_corners = network.spec.upsampling.align_corners
        weights = conv.weight.split(tuple(network.channels), dim=1)
        self.convs = nn.ModuleList(
            _with_weight(weight, conv.bias if not index else None) for index, weight in enumerate(weights)
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The finest branch as it is, which is convolved by rows, and the others convolved."""
        return [features[0], *(conv(x) for conv, x in zip(self.convs[1:], features[1:], strict=True))]

    def rows(self, convolved: Sequence[Tensor], start: int, stop: int) -> Tensor:
        finest, *coarse = convolved
        total = self.convs[0](finest[:, :, start:stop])
        for maps in coarse:
            total += resize_rows(maps, (finest.shape[2], finest.shape[3]), start, stop, self.align_corners)
        return total


class _ColumnwiseOverBranches(nn.Module):
    """Rows of a 3x3 convolution, padded with zeros, of the concatenated branches."""

    def __init__(self, conv: nn.Conv2d, network: SegHRNet | SegHRNetOCR) -> None:
        super().__init__()
        self.align_corners = network.spec.upsampling.align_corners
        weights = conv.weight.split(tuple(network.channels), dim=1)
        self.finest = _with_weight(weights[0], conv.bias, padding=(0, 1))
        # One convolution for the left, the middle and the right column of weights: their outputs lie side by side.
        self.narrow = nn.ModuleList(_with_weight(torch.cat(weight.split(1, dim=3)), None) for weight in weights[1:])

    def rows(self, features: Sequence[Tensor], start: int, stop: int) -> Tensor:
        finest, *coarse = features
        height, width = finest.shape[2:]
        first, last = max(0, start - 1), min(height, stop + 1)
        missing = (0, 0, first - start + 1, stop + 1 - last)  # beyond the border there are zeros

        def surrounded(rows: Tensor) -> Tensor:
            return F.pad(rows, missing) if any(missing) else rows

        total = self.finest(surrounded(finest[:, :, first:last]))
        for conv, maps in zip(self.narrow, coarse, strict=True):
            high = resize_rows(maps, (height, maps.shape[3]), first, last, self.align_corners)
            narrow = conv(surrounded(high))
            wide = F.interpolate(narrow, size=(stop - start, width), mode="bilinear", align_corners=self.align_corners)
            left, middle, right = wide.chunk(3, dim=1)
            total += middle
            total[..., 1:] += left[..., :-1]
            total[..., :-1] += right[..., 1:]
        return total


def _strips_of(finest: Tensor, channels: int) -> list[tuple[int, int]]:
    """Strips of rows whose maps of ``channels`` channels are of a handy size."""
    batch, _, height, width = finest.shape
    budget = _CPU_STRIP if finest.device.type == "cpu" else _GPU_STRIP
    return list(strips(height, budget // (batch * channels * width)))


def _conv(layer: nn.Module) -> nn.Conv2d:
    assert isinstance(layer, nn.Conv2d)
    return layer


def _with_weight(weight: Tensor, bias: Tensor | None, padding: tuple[int, int] = (0, 0)) -> nn.Conv2d:
    outputs, inputs, height, width = weight.shape
    conv = nn.Conv2d(inputs, outputs, (height, width), padding=padding, bias=bias is not None, device="meta")
    conv.weight = nn.Parameter(weight.detach().clone(memory_format=torch.channels_last), requires_grad=False)
    if bias is not None:
        conv.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return conv
