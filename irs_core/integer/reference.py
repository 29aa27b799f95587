"""The integer network, computed literally in 64-bit integers: slow, and the truth for the rest."""

import numpy as np
from numpy.typing import NDArray

from irs_core.integer.network import (
    ConvTerm,
    IntegerNetwork,
    Layer,
    PoolTerm,
    SkipTerm,
    multiplier_and_shift,
)

Integers = NDArray[np.int64]


def reference_scores(network: IntegerNetwork, steps: NDArray[np.integer]) -> Integers:
    """Scores of noisy images, int64 (images, classes); no floating-point number is involved.

    Args:
        steps: Whole grid steps, (images, channels, height, width), any integer type.
    """
    tensors: list[Integers] = [steps.astype(np.int64)]
    for layer in network.layers:
        tensors.append(_run(layer, tensors))
    return tensors[-1].reshape(len(steps), -1)


def requantise(sums: Integers, divisor: NDArray[np.int32]) -> Integers:
    """Sums times an int32 multiplier per channel, shifted right and rounded half away from zero."""
    multiplier, shift = (_per_channel(one, sums.ndim) for one in multiplier_and_shift(divisor))
    product = np.abs(sums) * multiplier
    whole: Integers = np.sign(sums) * ((product + (np.int64(1) << (shift - 1))) >> shift)
    return whole


def _run(layer: Layer, tensors: list[Integers]) -> Integers:
    sums: Integers = _per_channel(layer.bias.astype(np.int64), 4)
    for term in layer.terms:
        source = tensors[term.source]
        if isinstance(term, ConvTerm):
            sums = sums + _convolve(source, term)
        elif isinstance(term, SkipTerm):
            sums = sums + source * _per_channel(term.gain.astype(np.int64), 4)
        else:
            assert isinstance(term, PoolTerm)
            sums = sums + source.sum(axis=(2, 3), keepdims=True)
    return np.clip(requantise(sums, layer.divisor), layer.low, layer.high)


def _convolve(source: Integers, term: ConvTerm) -> Integers:
    edge = (term.padding, term.padding)
    padded = np.pad(source, ((0, 0), (0, 0), edge, edge))
    weight = term.weight.astype(np.int64)
    tall, wide = weight.shape[2:]
    height = (padded.shape[2] - tall) // term.stride + 1
    width = (padded.shape[3] - wide) // term.stride + 1
    sums = np.zeros((len(source), len(weight), height * width), np.int64)
    for row in range(tall):
        for column in range(wide):
            window = padded[
                :,
                :,
                row : row + term.stride * height : term.stride,
                column : column + term.stride * width : term.stride,
            ]
            sums += weight[:, :, row, column] @ window.reshape(*window.shape[:2], -1)
    return sums.reshape(len(source), len(weight), height, width)


def _per_channel(values: Integers, dimensions: int) -> Integers:
    return values.reshape(1, -1, *(1,) * (dimensions - 2))
