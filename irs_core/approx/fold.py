"""A residual network as plain layers: batch normalisation folded into convolutions."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from irs_core.errors import ApproximationError
from irs_core.models import NormalizeLayer
from irs_core.models.resnet import BasicBlock, ResidualNet


@dataclass(frozen=True, eq=False)
class FloatTerm:
    """A part of a layer's sum.

    Args:
        source: 0 for the normalised images, k for what layer k - 1 gave.
        weight: Of a convolution (outputs, inputs, height, width); None for a shortcut.
    """

    source: int
    weight: Tensor | None = None
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """Terms plus bias, then what `after` says: `relu`, `pool` (relu, then averaged), `scores`."""

    terms: tuple[FloatTerm, ...]
    bias: Tensor
    rectified: bool = True
    pooled: bool = False


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A network of [0, 1] images as layers; `mean` and `std` normalise, (channels,)."""

    layers: tuple[FloatLayer, ...]
    mean: Tensor
    std: Tensor


def fold(module: nn.Module) -> FoldedNetwork:
    """The layers of a residual network, with or without its normalisation layer.

    Raises:
        ApproximationError: The network is of another kind.
    """
    network, mean, std = module, None, None
    if isinstance(module, nn.Sequential) and isinstance(module[0], NormalizeLayer):
        network, mean, std = module[1], module[0].mean.flatten(), module[0].std.flatten()
    if not isinstance(network, ResidualNet):
        raise ApproximationError(
            "integer networks are made of this package's residual networks (digits_resnet, "
            f"cifar_resnet20, ...); got {type(network).__name__}"
        )
    layers = [_stem(network)]
    for stage in range(1, network.stages + 1):
        for block in getattr(network, f"layer{stage}"):
            layers += _block(block, source=len(layers))
    # The pooling reads the last block, the classifier reads the pooling.
    layers.append(FloatLayer((FloatTerm(len(layers)),), torch.zeros(()), pooled=True))
    scores = FloatTerm(len(layers), network.fc.weight.detach()[:, :, None, None])
    layers.append(FloatLayer((scores,), network.fc.bias.detach(), rectified=False))
    channels = network.conv1.in_channels
    return FoldedNetwork(
        tuple(layers),
        torch.zeros(channels) if mean is None else mean.detach(),
        torch.ones(channels) if std is None else std.detach(),
    )


def run_layer(layer: FloatLayer, tensors: list[Tensor]) -> Tensor:
    """What a layer gives in floating point, before any rectifier."""
    if layer.pooled:
        return tensors[layer.terms[0].source].mean(dim=(2, 3), keepdim=True)
    sums = layer.bias.view(1, -1, 1, 1)
    for term in layer.terms:
        source = tensors[term.source]
        if term.weight is not None:
            source = functional.conv2d(
                source, term.weight, stride=term.stride, padding=term.padding
            )
        sums = sums + source
    return sums


def run_folded(folded: FoldedNetwork, images: Tensor) -> list[Tensor]:
    """All tensors: the normalised images and what each layer gives, scores last."""
    shape = (1, -1, 1, 1)
    tensors = [(images - folded.mean.view(shape)) / folded.std.view(shape)]
    for layer in folded.layers:
        found = run_layer(layer, tensors)
        tensors.append(functional.relu(found) if layer.rectified else found)
    return tensors


def _stem(network: ResidualNet) -> FloatLayer:
    weight, bias = _folded(network.conv1, network.bn1)
    return FloatLayer((_convolution(0, network.conv1, weight),), bias)


def _block(block: BasicBlock, source: int) -> list[FloatLayer]:
    weight, bias = _folded(block.conv1, block.bn1)
    first = FloatLayer((_convolution(source, block.conv1, weight),), bias)
    weight, bias = _folded(block.conv2, block.bn2)
    second = _convolution(source + 1, block.conv2, weight)
    shortcut = FloatTerm(source)
    if block.downsample is not None:
        conv, norm = block.downsample[0], block.downsample[1]
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        weight, more = _folded(conv, norm)
        shortcut, bias = _convolution(source, conv, weight), bias + more
    return [first, FloatLayer((second, shortcut), bias)]


def _convolution(source: int, conv: nn.Conv2d, weight: Tensor) -> FloatTerm:
    return FloatTerm(source, weight, conv.stride[0], int(conv.padding[0]))


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    weight = conv.weight.detach() * factor.view(-1, 1, 1, 1)
    return weight, norm.bias.detach() - norm.running_mean * factor
