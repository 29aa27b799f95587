"""Fake quantisation: the integer network in training, with gradients (Jacob et al. 2018, Sec. 3).

Forward passes compute the very integers of the network that `integers` gives, by the same rounding;
backwards, rounding counts as the identity, and clamping passes gradients inside its range only.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from irs_core.approx.fold import FloatLayer, FoldedNetwork, fold
from irs_core.approx.integerise import (
    WEIGHT_BITS,
    LayerIntegers,
    Ranges,
    calibrate,
    integerise,
    network_integers,
    straight_through,
)
from irs_core.integer import IntegerNetwork


class FakeQuantised(nn.Module):
    """A folded network whose weights are trained while everything is rounded.

    Args:
        module: A residual network of [0, 1] images; its batch normalisation is folded and stays
            as it is.
        calibration: Noisy images (M, channels, height, width) that fix the ranges; no labels.
        scale: The pixel value that means 1.0.
        bits: Bits of a weight, 2 to 8.
    """

    def __init__(
        self,
        module: nn.Module,
        calibration: NDArray[np.float32],
        *,
        scale: int,
        input_shape: tuple[int, int, int],
        bits: int = WEIGHT_BITS,
    ) -> None:
        super().__init__()
        self._bits = bits
        folded = fold(module)
        self._ranges: Ranges = calibrate(folded, calibration)
        self._scale, self._shape = scale, input_shape
        self.register_buffer("mean", folded.mean, persistent=False)
        self.register_buffer("std", folded.std, persistent=False)
        self._layers = folded.layers
        self.weights = nn.ParameterDict()
        for number, layer in enumerate(folded.layers):
            if layer.pooled:
                continue
            self.weights[f"bias{number}"] = nn.Parameter(layer.bias.clone())
            for place, term in enumerate(layer.terms):
                if term.weight is not None:
                    self.weights[f"weight{number}_{place}"] = nn.Parameter(term.weight.clone())

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, classes) of noisy images in pixel units, rounded to the grid first."""
        folded = self._folded()
        parts = network_integers(folded, self._ranges, self._scale, self._shape, self._bits)
        steps = torch.round(images * self._scale)
        tensors = [_entry(parts[0], steps)]
        for layer, part in zip(folded.layers, parts[1:], strict=True):
            tensors.append(_run(layer, part, tensors))
        return torch.flatten(tensors[-1] * parts[-1].scale, 1)

    def integers(self) -> IntegerNetwork:
        """The integer network of the weights as they are."""
        return integerise(
            self._folded(cpu=True),
            self._ranges,
            scale=self._scale,
            input_shape=self._shape,
            bits=self._bits,
        )

    def _folded(self, *, cpu: bool = False) -> FoldedNetwork:
        def own(name: str) -> Tensor:
            found: Tensor = self.weights[name]
            return found.detach().cpu() if cpu else found

        layers = []
        for number, layer in enumerate(self._layers):
            if layer.pooled:
                layers.append(layer)
                continue
            terms = tuple(
                term
                if term.weight is None
                else replace(term, weight=own(f"weight{number}_{place}"))
                for place, term in enumerate(layer.terms)
            )
            layers.append(replace(layer, terms=terms, bias=own(f"bias{number}")))
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        return FoldedNetwork(tuple(layers), mean.cpu() if cpu else mean, std.cpu() if cpu else std)


def _entry(part: LayerIntegers, steps: Tensor) -> Tensor:
    assert part.terms[0] is not None
    sums = steps * _channels(part.terms[0]) + _channels(part.bias)
    return torch.round(sums * (1 / _channels(part.divisor))).clamp(-127, 127)


def _run(layer: FloatLayer, part: LayerIntegers, tensors: list[Tensor]) -> Tensor:
    sums = _channels(part.bias)
    for term, numbers in zip(layer.terms, part.terms, strict=True):
        source = tensors[term.source]
        if numbers is None:
            sums = sums + source.sum(dim=(2, 3), keepdim=True)
        elif term.weight is None:
            sums = sums + source * _channels(numbers)
        else:
            sums = sums + functional.conv2d(
                source, numbers, stride=term.stride, padding=term.padding
            )
    if not layer.rectified:
        return sums
    return straight_through(sums * (1 / _channels(part.divisor))).clamp(0, 255)


def _channels(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)
