"""ResNet-50/101/152 feature extractor, as SimpleBaseline uses it."""

from __future__ import annotations

from torch import Tensor, nn

from hrnet.nn.blocks import Bottleneck

RESNET_BLOCKS: dict[int, tuple[int, int, int, int]] = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class ResNet(nn.Module):
    """Bottleneck ResNet without pooling and classifier (He et al., "Deep Residual Learning", CVPR 2016, table 1).

    Args:
        depth: 50, 101 or 152.
        stride_in_1x1: the Caffe style, with the stride in the first 1x1 convolution of a block.

    Shape: (B, in_channels, H, W), normalised, to four maps of 256, 512, 1024, 2048 channels at strides 4 to 32.
    """

    channels = (256, 512, 1024, 2048)
    strides = (4, 8, 16, 32)

    def __init__(self, depth: int = 50, stride_in_1x1: bool = False, in_channels: int = 3) -> None:
        super().__init__()
        if depth not in RESNET_BLOCKS:
            raise ValueError(f"depth must be one of {', '.join(map(str, RESNET_BLOCKS))}, got {depth}")
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        blocks = RESNET_BLOCKS[depth]
        self.layer1 = _layer(64, 64, blocks[0], 1, stride_in_1x1)
        self.layer2 = _layer(256, 128, blocks[1], 2, stride_in_1x1)
        self.layer3 = _layer(512, 256, blocks[2], 2, stride_in_1x1)
        self.layer4 = _layer(1024, 512, blocks[3], 2, stride_in_1x1)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the four feature maps, finest first."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.features(x)


def _layer(in_channels: int, planes: int, count: int, stride: int, stride_in_1x1: bool) -> nn.Sequential:
    first = Bottleneck(in_channels, planes, stride, stride_in_1x1)
    rest = (Bottleneck(planes * Bottleneck.expansion, planes) for _ in range(count - 1))
    return nn.Sequential(first, *rest)
