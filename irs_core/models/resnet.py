"""Residual networks for CIFAR-size images (He et al. 2016, Sec. 4.2).

Tensor names (`conv1`, `bn1`, `layer1.0.conv1`, `layer2.0.downsample.0`, ..., `fc`) are those of
the field's checkpoints, e.g. of Cohen et al. 2019. Where a block changes shape its shortcut is
a 1x1 convolution with batch normalisation.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, channels, size=3, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = _conv(channels, channels, size=3, stride=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != channels:
            shortcut = _conv(in_channels, channels, size=1, stride=stride)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Features after the block; height and width divided by its stride."""
        shortcut = features if self.downsample is None else self.downsample(features)
        out = functional.relu(self.bn1(self.conv1(features)), inplace=True)
        out = self.bn2(self.conv2(out)) + shortcut
        return functional.relu(out, inplace=True)


class ResidualNet(nn.Module):
    """A stem, stages of basic blocks, global average pooling and a linear classifier.

    Args:
        num_classes: Number of scores.
        in_channels: Channels of the images.
        widths: Channels of each stage; every stage but the first halves height and width.
        blocks: Blocks per stage.
    """

    def __init__(
        self, num_classes: int, in_channels: int, widths: Sequence[int], blocks: int
    ) -> None:
        super().__init__()
        self.stages = len(widths)
        self.conv1 = _conv(in_channels, widths[0], size=3, stride=1)
        self.bn1 = nn.BatchNorm2d(widths[0])
        before = widths[0]
        for stage, width in enumerate(widths, start=1):
            setattr(self, f"layer{stage}", _stage(before, width, blocks, 1 if stage == 1 else 2))
            before = width
        self.fc = nn.Linear(before, num_classes)
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Class scores, shape (B, num_classes), of images (B, C, H, W)."""
        out = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        for stage in range(1, self.stages + 1):
            out = getattr(self, f"layer{stage}")(out)
        pooled = functional.adaptive_avg_pool2d(out, 1)
        return torch.as_tensor(self.fc(torch.flatten(pooled, 1)))


def cifar_resnet(depth: int, num_classes: int, in_channels: int = 3) -> ResidualNet:
    """The CIFAR network with `depth` = 6 n + 2 layers: three stages of n blocks, widths 16-32-64.

    Raises:
        ValueError: `depth` is not 6 n + 2 with n at least 1.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"depth must be 6 n + 2 with n >= 1; got {depth}")
    return ResidualNet(num_classes, in_channels, widths=(16, 32, 64), blocks=(depth - 2) // 6)


def _conv(in_channels: int, channels: int, *, size: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, channels, size, stride, padding=size // 2, bias=False)


def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(in_channels, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
