"""Object-contextual representations (OCR): what a pixel is also follows from the objects it belongs to.

Source: Yuan et al., "Segmentation Transformer: Object-Contextual Representations for Semantic Segmentation", ECCV 2020,
section 3. First a rough segmentation says which pixels make up each class, then every class is described by the mean
of its pixels' features, at last each pixel attends to these descriptions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 512
KEY_CHANNELS = 256
DROPOUT = 0.05


def gather_objects(pixels: Tensor, logits: Tensor) -> Tensor:
    """Describe every class by the weighted mean of the pixels' features, weighted by a softmax over all pixels.

    Args:
        pixels: features (B, C, H, W).
        logits: rough segmentation (B, num_classes, H, W).

    Returns:
        (B, C, num_classes, 1): a picture of one column, so that convolutions apply to it.
    """
    weights = logits.flatten(2).softmax(dim=2)
    return torch.bmm(pixels.flatten(2), weights.transpose(1, 2)).unsqueeze(3)


class ObjectContextBlock(nn.Module):
    """Every pixel attends to the descriptions of the classes (section 3.2, equations 3 and 4).

    Shape: pixels (B, channels, H, W) and objects (B, channels, num_classes, 1) to the pixels' context, shaped as the pixels.
    """

    def __init__(self, channels: int = CHANNELS, key_channels: int = KEY_CHANNELS) -> None:
        super().__init__()
        self.f_pixel = _projection(channels, key_channels, key_channels)
        self.f_object = _projection(channels, key_channels, key_channels)
        self.f_down = _projection(channels, key_channels)
        self.f_up = _projection(key_channels, channels)
        self.scale = key_channels**-0.5

    def forward(self, pixels: Tensor, objects: Tensor) -> Tensor:
        query = self.f_pixel(pixels)
        key = self.f_object(objects).flatten(2) * self.scale  # the few keys, not the many similarities
        value = self.f_down(objects).flatten(2)
        # Channels stay the rows: no picture is transposed, and the largest thing in between has num_classes channels.
        attention = torch.bmm(key.transpose(1, 2), query.flatten(2)).softmax(dim=1)
        context = torch.bmm(value, attention).unflatten(2, query.shape[2:])
        return self.f_up(context)


class ObjectContextHead(nn.Module):
    """The pixels' features augmented by their object context (section 3.2, equation 5).

    Shape: pixels (B, channels, H, W) and objects (B, channels, num_classes, 1) to (B, channels, H, W).
    """

    def __init__(self, channels: int = CHANNELS, key_channels: int = KEY_CHANNELS, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.object_context_block = ObjectContextBlock(channels, key_channels)
        self.conv_bn_dropout = nn.Sequential(*_projection(2 * channels, channels), nn.Dropout2d(dropout))

    def forward(self, pixels: Tensor, objects: Tensor) -> Tensor:
        context = self.object_context_block(pixels, objects)
        return self.conv_bn_dropout(torch.cat([context, pixels], dim=1))


def _projection(in_channels: int, *widths: int) -> nn.Sequential:
    """1x1 convolutions to ``widths``, each with BatchNorm and ReLU: keys ``.0`` and ``.1.0``, ``.2`` and ``.3.0``, ..."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [
            nn.Conv2d(in_channels, width, 1, bias=False),
            nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True)),
        ]
        in_channels = width
    return nn.Sequential(*layers)
